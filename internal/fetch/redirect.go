package fetch

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"shoal/internal/harvest"
)

// MaxHops is how many redirects one request may follow.
const MaxHops = 3

// Redirect is [Redirect] within the host of the request.
func (c *Client) Redirect(req *harvest.Request, a *harvest.Answer) (*harvest.Request, error) {
	return Redirect(req, a, func(host string) bool { return host == harvest.HostOf(req.URL) })
}

// Redirect makes the request that a 301, 302, 303, 307 or 308 asks for. It needs a permit of its
// own. Redirect returns nil, nil for any other answer, or for one without a location. A
// [*harvest.Failure] explains why the redirect is not followed: another host than allowed, https to
// http, the other protocol on the same port, or more than [MaxHops].
//
// [Slot.Send] has already removed the credential's query parameter from the Location, so that it
// does not get into the new URL.
func Redirect(req *harvest.Request, a *harvest.Answer, allowed func(host string) bool) (*harvest.Request, error) {
	location := a.Header.Get("Location")
	if location == "" || !isRedirect(a.Status) {
		return nil, nil
	}
	refuse := func(fault harvest.Fault, format string, args ...any) (*harvest.Request, error) {
		return nil, &harvest.Failure{Fault: fault, Status: a.Status, Err: fmt.Errorf(format, args...)}
	}
	target, err := resolve(req.URL, location)
	if err != nil {
		return refuse(harvest.FaultOffhost, "redirect to %s: %w", harvest.Quote(location), err)
	}
	offers := cookieNames(a.Header)
	switch host := harvest.HostOf(target); {
	case target == req.URL && offers != "" && req.Hops > 0 && !becomesGet(a.Status, req.Method): // once more for those that keep a session's cookies
		return refuse(harvest.FaultLoop, "redirect to itself with an offer of the cookie %s: the server needs a browser's cookies, which are not kept; ask its operator for an API without them", offers)
	case !allowed(host):
		return refuse(harvest.FaultOffhost, "redirect to another host: %s", harvest.Quote(host))
	case strings.HasPrefix(req.URL, "https:") && strings.HasPrefix(target, "http:"):
		return refuse(harvest.FaultDowngrade, "redirect from https to http at %s", harvest.Quote(host))
	case otherProtocol(req.URL, target):
		return refuse(harvest.FaultOffhost, "redirect to another protocol on the same port: %s", harvest.Quote(target))
	case req.Hops >= MaxHops && offers != "":
		return refuse(harvest.FaultLoop, "more than %d redirects, the last to %s with an offer of the cookie %s: the server needs a browser's cookies, which are not kept", MaxHops, harvest.Quote(target), offers)
	case req.Hops >= MaxHops:
		return refuse(harvest.FaultLoop, "more than %d redirects, the last to %s", MaxHops, harvest.Quote(target))
	}
	next := *req
	next.URL = target
	next.Hops++
	if becomesGet(a.Status, req.Method) {
		next.Method, next.Body, next.Type = http.MethodGet, nil, ""
	}
	return &next, nil
}

// otherProtocol reports whether a redirect changes the scheme and keeps an explicit port: one port
// speaks one protocol.
func otherProtocol(from, to string) bool {
	a, _, _ := strings.Cut(from, "://")
	b, _, _ := strings.Cut(to, "://")
	return a != b && harvest.HostOf(from) == harvest.HostOf(to) && hasPort(harvest.HostOf(to))
}

// hasPort reports whether a host, as [harvest.HostOf] returns it, has a port: then it is not the
// scheme's default.
func hasPort(host string) bool {
	return strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']')
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// becomesGet reports what RFC 9110, section 15.4, makes user agents do: 303 always, 301 and 302 for
// POST.
func becomesGet(status int, method string) bool {
	switch status {
	case http.StatusSeeOther:
		return method != http.MethodHead
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	}
	return false
}

// cookieNames returns the names of the cookies that an answer offers, the first three of them;
// their values are private.
func cookieNames(h http.Header) string {
	var names []string
	for _, line := range h["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		if names = append(names, harvest.Quote(strings.TrimSpace(name))); len(names) == 3 {
			break
		}
	}
	return strings.Join(names, ", ")
}

// resolve makes the canonical URL that a Location means.
func resolve(base, location string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	location = strings.Trim(location, " ")
	if strings.ContainsAny(location, "\r\n\t\x00") {
		return "", harvest.ErrURL
	}
	ref, err := url.Parse(tolerant(location))
	if err != nil {
		return "", harvest.ErrURL
	}
	return harvest.CanonicalURL(b.ResolveReference(ref).String())
}

// tolerant escapes what browsers escape in a Location: a percent sign that begins no escape, and
// control characters. A backslash of the path becomes a slash. The scheme and the host stay as they
// are written.
func tolerant(location string) string {
	from := 0
	if i := strings.Index(location, "//"); i >= 0 && !strings.ContainsAny(location[:i], "/?#%") {
		from = i + 2
		if j := strings.IndexAny(location[from:], "/?#"); j >= 0 {
			from += j
		} else {
			from = len(location)
		}
	}
	var b strings.Builder
	b.WriteString(location[:from])
	path := len(location)
	if i := strings.IndexAny(location[from:], "?#"); i >= 0 {
		path = from + i
	}
	for i := from; i < len(location); i++ {
		switch c := location[i]; {
		case c == '\\' && i < path:
			b.WriteByte('/')
		case c == '%' && (i+2 >= len(location) || !hexDigit(location[i+1]) || !hexDigit(location[i+2])):
			b.WriteString("%25")
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}
