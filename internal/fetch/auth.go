package fetch

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"shoal/internal/harvest"
)

const (
	// shareFor is how long the result of a renewal also serves later callers that were refused:
	// requests that were under way with the old credential come back one by one.
	shareFor = 5 * time.Second

	// failureFor is how long a failed renewal holds for every caller, so that callers do not ask a
	// token endpoint in trouble one after the other.
	failureFor = time.Second
)

// credential is what a request carries; it never changes once made.
type credential struct {
	headers           http.Header   // of every request, the credential's own included
	param, paramValue string        // of kind query
	pairs             []pair        // distinguished from data by what precedes them, however short they are
	secrets           []string      // as they are
	data, text        *harvest.Mask // of them: for stored answers, and for text that people see
	renewAt, expires  time.Time     // zero: never
}

// authorizer keeps the current credential.
type authorizer struct {
	auth    Auth
	base    http.Header
	secret  *source  // nil for oauth2 and for no auth
	proxies []string // secrets of proxies
	tokens  *tokens  // of oauth2
	log     *slog.Logger
	ctx     context.Context //nolint:containedctx // renewals outlive their callers
	spawn   func(func())

	now      atomic.Pointer[credential] // nil before the first token
	renewals atomic.Int64
	warned   atomic.Bool // that the file cannot be read
	crowded  atomic.Bool // that cookies were dropped

	mu   sync.Mutex
	last *renewal
	past [][]string // the secrets of credentials that were in use before

	cookies map[string]string // of kind session, by name
}

// renewal is one attempt to get a credential, shared by all callers that need one.
type renewal struct {
	done    chan struct{}
	at      time.Time
	changed bool
	err     error
}

func (r *renewal) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *renewal) stands(fresh time.Duration) bool {
	if !r.over() {
		return true
	}
	if r.err != nil {
		fresh = failureFor
	}
	return time.Since(r.at) < fresh
}

func newAuthorizer(c *Client, log *slog.Logger) (*authorizer, error) {
	a := &authorizer{auth: c.cfg.Auth, base: http.Header{}, log: log, ctx: c.ctx, spawn: c.spawn, proxies: c.dialer.secrets}
	for _, h := range c.cfg.Headers {
		a.base.Add(h.Name, h.Value)
	}
	a.base.Set("User-Agent", c.cfg.UserAgent)
	a.base.Set("Accept-Encoding", "gzip")
	switch a.auth.Kind {
	case "":
		a.now.Store(&credential{headers: a.base})
		return a, nil
	case "oauth2":
		client := newSource("client secret", a.auth.ClientSecretEnv, a.auth.ClientSecretFile, c.cfg.Getenv)
		if _, _, err := client.read(); err != nil {
			return nil, err
		}
		a.tokens = newTokens(c, client)
		return a, nil
	}
	a.secret = newSource("secret", a.auth.SecretEnv, a.auth.SecretFile, c.cfg.Getenv)
	value, _, err := a.secret.read()
	if err != nil {
		return nil, err
	}
	a.now.Store(a.of(value))
	return a, nil
}

// of makes the credential of a secret.
func (a *authorizer) of(secret string) *credential {
	c := &credential{headers: a.base.Clone()}
	c.secrets = []string{secret}
	switch a.auth.Kind {
	case "bearer", "oauth2":
		c.headers.Set("Authorization", "Bearer "+secret)
	case "basic":
		c.headers.Set("Authorization", basic(a.auth.User, secret))
		c.secrets = append(c.secrets, a.auth.User+":"+secret)
		c.pairs = []pair{{a.auth.User + ":", secret}}
	case "header":
		c.headers.Set(a.auth.Name, secret)
	case "query":
		c.param, c.paramValue = a.auth.Name, secret
		c.pairs = []pair{{a.auth.Name + "=", secret}}
	case "session":
		a.mu.Lock()
		defer a.mu.Unlock()
		a.present(c)
	}
	c.data, c.text = newMask(shortestInData, c.secrets, c.pairs), newMask(shortestSecret, c.secrets, c.pairs)
	return c
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// current returns the newest credential; one without a secret before the first token.
func (a *authorizer) current() *credential {
	if c := a.now.Load(); c != nil {
		return c
	}
	return &credential{headers: a.base}
}

// none returns the credential for a host that must not get ours. That host's answers are still
// masked.
func (a *authorizer) none(c *credential) *credential {
	return &credential{headers: a.base, pairs: c.pairs, secrets: c.secrets, data: c.data, text: c.text}
}

// fresh reports whether the credential can be used now, and renews it in the background when it is
// about to expire.
func (a *authorizer) fresh() bool {
	c := a.now.Load()
	if c == nil {
		return false
	}
	now := time.Now()
	if !c.renewAt.IsZero() && now.After(c.renewAt) {
		a.share(0)
	}
	return c.expires.IsZero() || now.Before(c.expires)
}

// ready waits for a usable credential.
func (a *authorizer) ready(ctx context.Context) error {
	if a.secret != nil {
		a.reread()
		return nil
	}
	if a.fresh() {
		return nil
	}
	_, err := a.share(0).wait(ctx)
	return err
}

func (r *renewal) wait(ctx context.Context) (bool, error) {
	select {
	case <-r.done:
		return r.changed, r.err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// reread reads a file that has changed. While the file cannot be read its last content stays in
// use: another program may be replacing it.
func (a *authorizer) reread() {
	value, changed, err := a.secret.read()
	switch {
	case err != nil:
		if !a.warned.Swap(true) {
			a.log.Warn("the credential's file cannot be read; the last content stays in use", "error", err)
		}
		return
	case changed:
		a.replace(a.of(value))
	}
	a.warned.Store(false)
}

func (a *authorizer) replace(c *credential) {
	old := a.now.Swap(c)
	a.renewals.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if old != nil {
		const kept = 3 // credentials back: an answer under way may still quote one
		a.past = append(a.past, old.secrets)
		a.past = a.past[max(0, len(a.past)-kept):]
	}
}

// renew drops the credential that was refused and gets another, if that is possible.
func (a *authorizer) renew(ctx context.Context) (bool, error) {
	if a.tokens == nil && (a.secret == nil || a.secret.path == "") {
		return false, nil
	}
	return a.share(shareFor).wait(ctx)
}

// share joins the renewal that is running, or one that succeeded no longer than fresh ago;
// otherwise it starts one.
func (a *authorizer) share(fresh time.Duration) *renewal {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last != nil && a.last.stands(fresh) {
		return a.last
	}
	r := &renewal{done: make(chan struct{})}
	a.last = r
	a.spawn(func() {
		r.changed, r.err = a.fetch()
		r.at = time.Now()
		if r.err != nil {
			a.log.Warn("the credential could not be renewed", "error", r.err)
		}
		close(r.done)
	})
	return r
}

func (a *authorizer) fetch() (changed bool, err error) {
	if a.tokens == nil {
		value, changed, err := a.secret.reread()
		if err != nil {
			return false, &harvest.Failure{Fault: harvest.FaultCredential, Err: err}
		}
		if changed {
			a.replace(a.of(value))
		}
		return changed, nil
	}
	token, err := a.tokens.get(a.ctx)
	if err != nil {
		return false, err
	}
	if !httpguts.ValidHeaderFieldValue(token.AccessToken) {
		return false, &harvest.Failure{Fault: harvest.FaultCredential, Err: errors.New("the token holds control characters")}
	}
	c := a.of(token.AccessToken)
	if !token.Expiry.IsZero() {
		c.expires = token.Expiry
		life := time.Until(token.Expiry)
		c.renewAt = token.Expiry.Add(-min(life/5, 30*time.Second))
	}
	a.replace(c)
	return true, nil
}

// mask finds all texts that must not be shown: secrets of this credential, of those before it, of
// proxies and of the client.
func (a *authorizer) mask() *harvest.Mask {
	a.mu.Lock()
	all := slices.Concat(a.past...)
	a.mu.Unlock()
	current := a.current()
	all = slices.Concat(all, current.secrets, a.proxies)
	if a.tokens != nil {
		all = append(all, a.tokens.secret.held())
	}
	return newMask(shortestSecret, all, current.pairs)
}

// setParam sets the parameter in a raw query, in place of any with that name.
func setParam(query, name, value string) string {
	query = harvest.WithoutParam(query, name)
	if query != "" {
		query += "&"
	}
	return query + url.QueryEscape(name) + "=" + url.QueryEscape(value)
}
