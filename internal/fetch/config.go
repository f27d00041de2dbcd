package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"shoal/internal/harvest"
)

// Defaults of [Config], used if a field is zero.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultDialTimeout = 10 * time.Second
	DefaultMaxBody     = 16 << 20
	DefaultMinRate     = 128
	DefaultStreams     = 40
	DefaultBudget      = 64 << 20
)

// maxHeaderBytes is how many bytes of an answer's headers are read.
const maxHeaderBytes = 64 << 10

// Header is one request header that the operator sets on every request.
type Header = harvest.Header

// Config is what a [Client] is made of. Zero fields mean the defaults above.
type Config struct {
	UserAgent string   // on every request, those for tokens included; required
	Headers   []Header // on every request to the upstream
	Auth      Auth

	Timeout       time.Duration // of one exchange, from its first byte to the last of the answer's body
	HeaderTimeout time.Duration // from an exchange's first byte to the answer's headers; default Timeout
	DialTimeout   time.Duration // look-up, TCP, proxy, TLS and warm-up of one connection together

	MaxBody int64 // unpacked bytes of one body, before and after it is decoded
	Raw     bool  // bodies are kept as bytes: no charset is decoded, no mark skipped, no coding guessed
	MinRate int64 // bytes/s that a body must bring over any 10 s; negative: no minimum
	Streams int   // exchanges in flight and places reserved, together
	Budget  int64 // bytes of bodies in flight and not yet released, see Client
	Largest int64 // bytes that one answer may hold, with all that is made of it; default: whatever MaxBody leads to

	CAFile            string // PEM, trusted besides the system's
	CertFile, KeyFile string // PEM, the client's certificate; both or none
	Proxy             string // "" none, "env" for HTTP_PROXY, HTTPS_PROXY and NO_PROXY, else a URL

	AllowPrivate []netip.Prefix // private networks that may be dialled
	TrustedHosts []string       // IP literals and "localhost" that the operator typed; no other name makes an address trusted

	// Credential lists the hosts, with or without a port, to which Auth and the client's
	// certificate go: those that a person named. No other host gets them; over plain http only this
	// machine does.
	Credential []string

	Getenv func(string) string // default os.Getenv
}

func (c Config) withDefaults() Config {
	c.Timeout = orDefault(c.Timeout, DefaultTimeout)
	c.HeaderTimeout = orDefault(c.HeaderTimeout, c.Timeout)
	c.DialTimeout = orDefault(c.DialTimeout, DefaultDialTimeout)
	c.MaxBody = orDefault(c.MaxBody, DefaultMaxBody)
	c.MinRate = orDefault(c.MinRate, DefaultMinRate)
	c.Streams = orDefault(c.Streams, DefaultStreams)
	c.Budget = orDefault(c.Budget, DefaultBudget)
	c.Largest = orDefault(c.Largest, max(c.Budget, 16*c.MaxBody))
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	return c
}

func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

func (c Config) validate() error {
	if c.Timeout < 0 || c.HeaderTimeout < 0 || c.DialTimeout < 0 || c.MaxBody < 0 || c.Streams < 0 || c.Budget < 0 {
		return errors.New("fetch: timeouts, --max-body, --concurrency and the byte budget must be above 0")
	}
	if c.UserAgent == "" || !httpguts.ValidHeaderFieldValue(c.UserAgent) {
		return fmt.Errorf("user agent %q: give one line of text without control characters", c.UserAgent)
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("client certificate: --cert and --key go together, give both or none")
	}
	for _, h := range c.Headers {
		if err := checkHeader(h); err != nil {
			return err
		}
	}
	if token, err := url.Parse(c.Auth.TokenURL); err == nil && token.Scheme == "http" && c.foreignProxy() {
		return fmt.Errorf("auth oauth2: token-url at %s is plain http and would show the client's secret to the machine of the proxy: it would go through the proxy of --proxy; use https, or leave --proxy out", token.Host)
	}
	return c.Auth.Validate()
}

// ownHeaders returns the headers whose value is decided here or by the protocol.
func ownHeaders() []string {
	return []string{
		"Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive", "Proxy-Authorization",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
}

// checkHeader refuses a header that is not one, or that is not the operator's to set.
func checkHeader(h Header) error {
	switch name := http.CanonicalHeaderKey(h.Name); {
	case !httpguts.ValidHeaderFieldName(h.Name):
		return fmt.Errorf("headers: %q is not a header name", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return fmt.Errorf("headers: the value of %s holds control characters", h.Name)
	case name == "User-Agent":
		return errors.New("headers: set the user agent with --user-agent or --contact")
	case name == "Authorization":
		return errors.New("headers: Authorization is a credential; set it under auth, from an environment variable or a file")
	case slices.Contains(ownHeaders(), name):
		return fmt.Errorf("headers: %s is set by the client itself; leave it out", name)
	}
	return nil
}

// Auth is how requests are authorised. Secrets are named, never held: each comes from an
// environment variable or from a file, which is read again when it changes.
type Auth struct {
	Kind       string // "", bearer, basic, header, query, oauth2, or session: only cookies, see Client.Secret
	Name       string // of the header or of the query parameter
	User       string // of basic and session
	SecretEnv  string
	SecretFile string

	TokenURL         string // of oauth2 (client credentials)
	ClientID         string
	ClientSecretEnv  string
	ClientSecretFile string
	Scopes           []string
}

// Validate explains in a sentence what is wrong with the settings. It reads no secret.
func (a Auth) Validate() error {
	switch a.Kind {
	case "":
		if a.Name+a.User+a.SecretEnv+a.SecretFile+a.TokenURL+a.ClientID+a.ClientSecretEnv+a.ClientSecretFile != "" {
			return errors.New("auth: kind is missing; it is one of bearer, basic, header, query, oauth2")
		}
		return nil
	case "bearer", "session":
		return a.oneSecret()
	case "basic":
		if a.User == "" || strings.ContainsAny(a.User, ":\r\n") {
			return fmt.Errorf("auth basic: user %q: give a name without a colon", a.User)
		}
		return a.oneSecret()
	case "header":
		if !httpguts.ValidHeaderFieldName(a.Name) || slices.Contains(ownHeaders(), http.CanonicalHeaderKey(a.Name)) {
			return fmt.Errorf("auth header: name %q cannot carry a credential; give one such as X-Api-Key", a.Name)
		}
		return a.oneSecret()
	case "query":
		if a.Name == "" {
			return errors.New("auth query: name is missing; give the parameter's name, such as api_key")
		}
		return a.oneSecret()
	case "oauth2":
		return a.validateOAuth()
	}
	return fmt.Errorf("auth: kind %q: it is one of bearer, basic, header, query, oauth2", a.Kind)
}

func (a Auth) oneSecret() error {
	if (a.SecretEnv == "") == (a.SecretFile == "") {
		return fmt.Errorf("auth %s: name either the environment variable (secret-env) or the file (secret-file) that holds the secret", a.Kind)
	}
	return nil
}

func (a Auth) validateOAuth() error {
	u, err := url.Parse(a.TokenURL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("auth oauth2: token-url must be a full https:// URL without a user name")
	}
	if u.Scheme == "http" && !isLoopbackName(u.Hostname()) {
		return fmt.Errorf("auth oauth2: token-url at %s is plain http and would show the client's secret to the network; use https", u.Host)
	}
	if a.ClientID == "" {
		return errors.New("auth oauth2: client-id is missing")
	}
	if (a.ClientSecretEnv == "") == (a.ClientSecretFile == "") {
		return errors.New("auth oauth2: name either the environment variable (client-secret-env) or the file (client-secret-file) that holds the client's secret")
	}
	return nil
}
