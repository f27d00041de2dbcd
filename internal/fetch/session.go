package fetch

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
)

// A session is a credential that the upstream issues after a login: cookies, which travel with
// every request from then on. The login itself is made of ordinary requests by a package that knows
// this upstream; its secret comes from here.

// Secret returns the configured secret of kind session, read again if its file has changed.
func (c *Client) Secret() (string, error) {
	if c.auth.auth.Kind != "session" {
		return "", errors.New("auth: there is no secret to log in with")
	}
	value, _, err := c.auth.secret.read()
	return value, err
}

// Forget drops the session's cookies, so that a login starts afresh.
func (c *Client) Forget() {
	a := c.auth
	a.mu.Lock()
	a.cookies = nil
	a.mu.Unlock()
	a.renewSession()
}

// What a session may hold, as RFC 6265 section 6.1 asks of browsers, and what our request's header
// may take.
const (
	maxCookies     = 50
	maxCookie      = 4 << 10 // bytes of one, name and value
	maxCookieBytes = 8 << 10 // of all of them together
)

// keep stores the cookies of an answer, as far as they have room: those already stored stay, and
// what does not fit is dropped.
func (a *authorizer) keep(resp *http.Response) {
	if a.auth.Kind != "session" || len(resp.Header["Set-Cookie"]) == 0 {
		return
	}
	a.mu.Lock()
	cookies := maps.Clone(a.cookies)
	if cookies == nil {
		cookies = map[string]string{}
	}
	dropped := 0
	for _, cookie := range resp.Cookies() {
		if cookie.MaxAge < 0 || cookie.Value == "" || cookie.Value == "deleted" || isPast(cookie) {
			delete(cookies, cookie.Name)
			continue
		}
		if !fits(cookies, cookie) {
			dropped++
			continue
		}
		cookies[cookie.Name] = cookie.Value
	}
	same := maps.Equal(cookies, a.cookies)
	a.cookies = cookies
	a.mu.Unlock()
	if dropped > 0 && !a.crowded.Swap(true) {
		a.log.Warn("the upstream sets more cookies than a session may hold; the others are dropped", "most", maxCookies, "bytes", maxCookieBytes)
	}
	if !same {
		a.renewSession()
	}
}

func isPast(cookie *http.Cookie) bool {
	return !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
}

// fits reports whether a cookie may be added, or take the place of the one of its name.
func fits(cookies map[string]string, cookie *http.Cookie) bool {
	size, count := len(cookie.Name)+len(cookie.Value), 1
	if size > maxCookie {
		return false
	}
	for name, value := range cookies {
		if name != cookie.Name {
			size += len(name) + len(value) + len("=; ")
			count++
		}
	}
	return count <= maxCookies && size <= maxCookieBytes
}

// renewSession makes a credential of the cookies that there are.
func (a *authorizer) renewSession() {
	if a.secret == nil {
		return
	}
	value, _, err := a.secret.read()
	if err == nil {
		a.replace(a.of(value))
	}
}

// present writes the cookies into a credential. The lock is held.
func (a *authorizer) present(c *credential) {
	line := ""
	for _, name := range slices.Sorted(maps.Keys(a.cookies)) {
		if line != "" {
			line += "; "
		}
		line += name + "=" + a.cookies[name]
		c.secrets = append(c.secrets, a.cookies[name])
		c.pairs = append(c.pairs, pair{name + "=", a.cookies[name]})
	}
	if line != "" {
		c.headers.Set("Cookie", line)
	}
}
