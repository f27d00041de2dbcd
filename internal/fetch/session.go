package fetch

import (
	"errors"
	"maps"
	"net/http"
	"slices"
)

// A session is a credential that the upstream gives after a login: cookies, which travel with every request from then
// on. The login itself is made of ordinary requests by whoever knows how this upstream wants it; its secret comes from here.

// Secret is the configured secret of kind session, read again where its file has changed.
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

// keep takes up the cookies of an answer.
func (a *authorizer) keep(resp *http.Response) {
	if a.auth.Kind != "session" || len(resp.Header["Set-Cookie"]) == 0 {
		return
	}
	a.mu.Lock()
	cookies := maps.Clone(a.cookies)
	if cookies == nil {
		cookies = map[string]string{}
	}
	for _, cookie := range resp.Cookies() {
		if cookie.MaxAge < 0 || cookie.Value == "" || cookie.Value == "deleted" {
			delete(cookies, cookie.Name)
			continue
		}
		cookies[cookie.Name] = cookie.Value
	}
	same := maps.Equal(cookies, a.cookies)
	a.cookies = cookies
	a.mu.Unlock()
	if !same {
		a.renewSession()
	}
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
		c.secrets = append(c.secrets, forms(a.cookies[name])...)
	}
	c.secrets = longestFirst(c.secrets)
	if line != "" {
		c.headers.Set("Cookie", line)
	}
}
