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
}

// newTokens makes the client for the token endpoint: with the same address guard,
// proxy and CAs as requests, without connections kept and without redirects.
func newTokens(c *Client, secret *source) *tokens {
	dial := func(ctx context.Context, scheme, address string) (net.Conn, error) {
		conn, _, err := c.dialer.connect(ctx, &url.URL{Scheme: scheme, Host: address}, protocolH1)
		return conn, err
	}
	t := &http.Transport{
		DialContext:    func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "http", address) },
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "https", address) },
		// One request every some minutes: a kept connection would be dead by then, and resending a grant is not ours to decide.
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

// get asks for a token once, or twice while it is unknown where this endpoint
// wants the client's secret. Its errors are of type *harvest.Failure.
func (t *tokens) get(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	secret, _, err := t.secret.read()
	if err != nil && secret == "" {
		return nil, &harvest.Failure{Fault: harvest.FaultCredential, Err: err}
	}
	t.config.ClientSecret = secret
	token, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.http))
	if err != nil {
		return nil, &harvest.Failure{Fault: tokenFault(err), Err: t.plain(err)}
	}
	return token, nil
}

// tokenFault is FaultCredential only where the endpoint itself refuses us: that needs
// a person. An endpoint that is down, or too busy, comes back by itself.
func tokenFault(err error) harvest.Fault {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if isRefusal(refused.Response.StatusCode) {
			return harvest.FaultCredential
		}
		return harvest.FaultConnect
	}
	if f := (*harvest.Failure)(nil); errors.As(err, &f) {
		return f.Fault // of the dialer, which tells a bad certificate from an outage
	}
	return harvest.FaultConnect
}

func isRefusal(status int) bool {
	return status >= 400 && status <= 499 && status != http.StatusTooManyRequests
}

// errorCode is the form of the error codes of RFC 6749; whatever else an
// endpoint puts there is not repeated.
var errorCode = regexp.MustCompile(`^[a-z_]{3,40}$`)

// plain says what happened without the endpoint's URL, its answer's body or
// anything that we sent.
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
	return fmt.Errorf("auth oauth2: %s answers with something that is no token", host)
}
