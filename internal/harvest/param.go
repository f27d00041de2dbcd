package harvest

import (
	"net/url"
	"slices"
	"strings"
)

// DropParam takes a parameter out of a URL or relative reference, by its name. All else stays as it is written.
func DropParam(ref, name string) string {
	rest, fragment, hasFragment := strings.Cut(ref, "#")
	path, query, _ := strings.Cut(rest, "?")
	kept := WithoutParam(query, name)
	if kept == query {
		return ref
	}
	if kept != "" {
		path += "?" + kept
	}
	if hasFragment {
		path += "#" + fragment
	}
	return path
}

// WithoutParam is DropParam for a raw query.
func WithoutParam(query, name string) string {
	if query == "" {
		return ""
	}
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(key)
		return err == nil && plain == name
	})
	return strings.Join(pairs, "&")
}
