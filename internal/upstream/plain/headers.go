package plain

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"shoal/internal/harvest"
)

// anonymous returns a URL without our credential, which an API may quote in the URLs that it sends.
// It looks for the parameter's name, because a short credential cannot be distinguished from a
// word.
func (u *Upstream) anonymous(url string) string {
	if u.config.Credential == "" {
		return url
	}
	return harvest.DropParam(url, u.config.Credential)
}

// target is the URL of a link in a Link header.
var target = regexp.MustCompile(`<[^<>]*>`)

// headers returns what a page keeps of an answer's headers.
func (u *Upstream) headers(a *harvest.Answer) []byte {
	h := a.Header
	if links := h.Values("Link"); u.config.Credential != "" && len(links) > 0 {
		h, links = maps.Clone(h), slices.Clone(links)
		for i, line := range links {
			links[i] = target.ReplaceAllStringFunc(line, func(link string) string {
				return "<" + u.anonymous(link[1:len(link)-1]) + ">"
			})
		}
		h["Link"] = links
	}
	return KeptHeaders(h, u.config.KeepHeaders)
}

// KeptHeaders returns what a page keeps of an answer's headers: ETag, Last-Modified, Content-Type,
// Link and those named in keep, as a JSON object from names in their usual spelling to strings;
// several lines of one header are joined by ", ". It returns nil if there are none. Cookies and
// credentials are never kept.
func KeptHeaders(h http.Header, keep []string) []byte {
	kept := make(map[string]string, 4)
	for _, name := range []string{"Etag", "Last-Modified", "Content-Type", "Link"} {
		keepHeader(kept, h, name)
	}
	for _, name := range keep {
		keepHeader(kept, h, name)
	}
	if len(kept) == 0 {
		return nil
	}
	return marshalMap(kept)
}

func keepHeader(kept map[string]string, h http.Header, name string) {
	if values := h.Values(name); len(values) > 0 && !secret(name) {
		value := strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		kept[spelled(name)] = strings.ReplaceAll(value, "\x00", "\uFFFD")
	}
}

// spelled returns the one spelling under which a header is kept: the library's, except for ETag.
func spelled(name string) string {
	if name = http.CanonicalHeaderKey(name); name != "Etag" {
		return name
	}
	return "ETag"
}

// secret reports whether a header can hold a credential.
func secret(name string) bool {
	switch http.CanonicalHeaderKey(strings.TrimSpace(name)) {
	case "Set-Cookie", "Set-Cookie2", "Cookie", "Authorization", "Proxy-Authorization", "Authentication-Info", "Www-Authenticate", "Proxy-Authenticate":
		return true
	}
	return false
}

// mediaType returns the Content-Type as it came, as valid text of at most maxMediaType bytes.
func mediaType(a *harvest.Answer) string {
	kind := harvest.Printable(strings.ToValidUTF8(a.Header.Get("Content-Type"), ""))
	if len(kind) > maxMediaType {
		kind = strings.ToValidUTF8(kind[:maxMediaType], "")
	}
	return kind
}
