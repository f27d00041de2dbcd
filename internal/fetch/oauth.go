package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"shoal/internal/harvest"
)

// tokenTimeout bounds one request to the token endpoint, its connection included.
const tokenTimeout = 30 * time.Second

// tokens gets access tokens with the client-credentials grant.
type tokens struct {
	secret *source
	http   *http.Client

	mu     sync.Mutex
	config clientcredentials.Config
	style  style  // the one that worked last
	worked string // the secret that it worked with, "" before that
}

// style is how the id and the secret are sent.
type style uint8

const (
	basicEscaped style = iota // Basic, both form-encoded first, as RFC 6749 has it
	basicRaw                  // Basic of the very characters, as many endpoints compare it
	inBody                    // client_id and client_secret in the form
)

// newTokens makes the client for the token endpoint: with the same address guard, proxy and CAs as
// requests, without kept connections and without redirects.
func newTokens(c *Client, secret *source) *tokens {
	dial := func(ctx context.Context, scheme, address string) (net.Conn, error) {
		conn, _, err := c.dialer.connect(ctx, &url.URL{Scheme: scheme, Host: address}, protocolH1)
		if err != nil {
			return nil, err
		}
		return &headConn{Conn: conn, expect: true}, nil // it carries one exchange
	}
	t := &http.Transport{
		DialContext:    func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "http", address) },
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "https", address) },
		// There is one request every few minutes: a kept connection would be dead by then, and a
		// library must not decide to resend a grant.
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return &tokens{
		secret: secret,
		http: &http.Client{
			Transport:     withUserAgent{t, c.cfg.UserAgent},
			Timeout:       tokenTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		config: clientcredentials.Config{ClientID: c.cfg.Auth.ClientID, TokenURL: c.cfg.Auth.TokenURL, Scopes: c.cfg.Auth.Scopes},
	}
}

type withUserAgent struct {
	next http.RoundTripper
	name string
}

// RoundTrip sends a copy of the request with our name on it.
func (t withUserAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.name)
	return t.next.RoundTrip(r)
}

// get asks for a token once, or a few times while it is unknown how this endpoint takes the
// client's secret. Its errors are of type [*harvest.Failure].
func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	secret, _, err := t.secret.read()
	if err != nil && secret == "" {
		return nil, &harvest.Failure{Fault: harvest.FaultCredential, Err: err}
	}
	t.config.ClientSecret = secret
	var first error
	for _, s := range t.styles(secret) {
		token, err := t.ask(ctx, s)
		if err == nil {
			t.style, t.worked = s, secret
			return token, nil
		}
		if first == nil {
			first = err
		}
		if !otherStyleMayDo(err) {
			if tokenFault(first) == harvest.FaultCredential {
				first = err // an outage in between, or the better reason
			}
			break
		}
	}
	return nil, &harvest.Failure{Fault: tokenFault(first), Err: t.plain(first)}
}

// styles returns the styles to try, in this order: only the one that is known to work with this
// secret, else all that differ.
func (t *tokens) styles(secret string) []style {
	if t.worked != "" && t.worked == secret {
		return []style{t.style}
	}
	all := []style{basicEscaped, basicRaw, inBody}
	if url.QueryEscape(secret) == secret && url.QueryEscape(t.config.ClientID) == t.config.ClientID {
		all = []style{basicEscaped, inBody}
	}
	return all
}

// ask makes one request for a token.
func (t *tokens) ask(ctx context.Context, s style) (*oauth2.Token, error) {
	client := t.http
	t.config.AuthStyle = oauth2.AuthStyleInHeader
	switch s {
	case basicRaw:
		raw := *t.http
		raw.Transport = rawBasic{t.http.Transport, t.config.ClientID, t.config.ClientSecret}
		client = &raw
	case inBody:
		t.config.AuthStyle = oauth2.AuthStyleInParams
	case basicEscaped:
	}
	return t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
}

type rawBasic struct {
	next       http.RoundTripper
	id, secret string
}

// RoundTrip sends a copy of the request with the credential as it is.
func (b rawBasic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.id, b.secret)
	return b.next.RoundTrip(r)
}

// otherStyleMayDo reports whether the endpoint may have refused only how the secret was sent.
func otherStyleMayDo(err error) bool {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.ErrorCode {
	case "invalid_client":
		return true
	case "", "invalid_request", "unauthorized", "invalid_credentials":
		s := refused.Response.StatusCode
		return s == http.StatusBadRequest || s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusUnprocessableEntity
	}
	return false // the secret is not what is wrong
}

// tokenFault returns FaultCredential only if the endpoint itself refuses us: that needs a person.
// An endpoint that is down, or too busy, recovers by itself.
func tokenFault(err error) harvest.Fault {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if isRefusal(refused.Response.StatusCode) {
			return harvest.FaultCredential
		}
		return harvest.FaultConnect
	}
	if f := (*harvest.Failure)(nil); errors.As(err, &f) {
		return f.Fault // of the dialer, which distinguishes a bad certificate from an outage
	}
	return harvest.FaultConnect
}

func isRefusal(status int) bool {
	return status >= 400 && status <= 499 && status != http.StatusTooManyRequests
}

// errorCode is the form of the error codes of RFC 6749; anything else in that place is not
// repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{3,40}$`)

// plain describes what happened without the endpoint's URL, its answer's body or anything that we
// sent.
func (t *tokens) plain(err error) error {
	host := t.config.TokenURL
	if u, perr := url.Parse(host); perr == nil {
		host = u.Host
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		code, advice := "", "the endpoint is in trouble"
		if errorCode.MatchString(refused.ErrorCode) && refused.ErrorCode != t.config.ClientSecret {
			code = " (" + refused.ErrorCode + ")"
		}
		if code != "" || isRefusal(refused.Response.StatusCode) {
			advice = "check client-id, secret and scopes"
		}
		return fmt.Errorf("auth oauth2: %s gives no token: status %d%s; %s", host, refused.Response.StatusCode, code, advice)
	}
	if f := (*harvest.Failure)(nil); errors.As(err, &f) {
		return fmt.Errorf("auth oauth2: no connection to %s: %w", host, f)
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return fmt.Errorf("auth oauth2: %s gives no token: %w", host, u.Err)
	}
	return fmt.Errorf("auth oauth2: %s answers with something that is not a token", host)
}
