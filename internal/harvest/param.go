package harvest

import (
	"net/url"
	"slices"
	"strings"
)

// DropParam removes a parameter, by its name, from a URL or a relative reference. The rest stays as
// it is written.
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

// WithoutParam is [DropParam] for a raw query.
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
