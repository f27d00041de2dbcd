package fetch

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"shoal/internal/harvest"
)

// dialer opens connections: look-up, address guard, proxy, TLS.
type dialer struct {
	guard   *guard
	tls     *tls.Config
	own     func(*url.URL) bool // our certificate may be shown there
	timeout time.Duration
	proxy   func(*url.URL) (*url.URL, error) // nil: none
	secrets []string                         // of the proxies

	dials, lookups atomic.Int64
}

func newDialer(cfg Config, log *slog.Logger) (*dialer, error) {
	tlsConfig, err := newTLS(cfg)
	if err != nil {
		return nil, err
	}
	d := &dialer{guard: newGuard(cfg.AllowPrivate, cfg.TrustedHosts), tls: tlsConfig, own: cfg.entitledTLS, timeout: cfg.DialTimeout}
	if d.proxy, d.secrets, err = newProxy(cfg, log); err != nil {
		return nil, err
	}
	return d, nil
}

func newTLS(cfg Config) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca %s: holds no PEM certificate", cfg.CAFile)
		}
	}
	if cfg.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--cert %s --key %s: %w", cfg.CertFile, cfg.KeyFile, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// newProxy returns the choice of a proxy for a URL, and the secrets of all proxies that may be
// chosen.
func newProxy(cfg Config, log *slog.Logger) (choose func(*url.URL) (*url.URL, error), secrets []string, err error) {
	env := func(upper, lower string) string {
		if v := cfg.Getenv(upper); v != "" {
			return v
		}
		return cfg.Getenv(lower)
	}
	fromEnv := httpproxy.Config{
		HTTPProxy: env("HTTP_PROXY", "http_proxy"), HTTPSProxy: env("HTTPS_PROXY", "https_proxy"), NoProxy: env("NO_PROXY", "no_proxy"),
	}
	switch {
	case cfg.Proxy == "env":
		log.Info("proxy taken from the environment", "http", proxyHost(fromEnv.HTTPProxy), "https", proxyHost(fromEnv.HTTPSProxy))
		return fromEnv.ProxyFunc(), slices.Concat(proxySecrets(fromEnv.HTTPProxy), proxySecrets(fromEnv.HTTPSProxy)), nil
	case cfg.Proxy == "":
		if fromEnv.HTTPProxy+fromEnv.HTTPSProxy != "" {
			log.Warn("proxy variables in the environment are ignored; use --proxy env to use them")
		}
		return nil, nil, nil
	}
	u, err := url.Parse(cfg.Proxy)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, nil, errors.New("--proxy: give env or a URL such as http://proxy.example:3128")
	}
	return func(*url.URL) (*url.URL, error) { return u, nil }, proxySecrets(cfg.Proxy), nil
}

// parseProxy reads a proxy's URL, whose scheme may be left out in the environment.
func parseProxy(raw string) *url.URL {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// proxyHost returns the part of a proxy's URL that may be shown.
func proxyHost(raw string) string { return parseProxy(raw).Host }

// proxySecrets returns what Proxy-Authorization carries, and the password by itself.
func proxySecrets(raw string) []string {
	u := parseProxy(raw)
	password, ok := u.User.Password()
	if !ok {
		return nil
	}
	return []string{password, u.User.Username() + ":" + password}
}

// connect opens the transport to an origin: TLS if its scheme is https, with the protocol that ALPN
// chose among those offered in the result's connection state. For plain http through a proxy it
// returns the connection to the proxy and the proxy's URL.
func (d *dialer) connect(ctx context.Context, target *url.URL, offer ...string) (net.Conn, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var via *url.URL
	if d.proxy != nil {
		var err error
		if via, err = d.proxy(target); err != nil {
			return nil, nil, &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("the proxy's URL is malformed")}
		}
	}
	if via == nil {
		c, err := d.tcp(ctx, target.Hostname(), portOf(target), d.guard)
		if err != nil {
			return nil, nil, err
		}
		c, err = d.secure(ctx, c, target, offer)
		return c, nil, err
	}
	// The proxy resolves names, so only a literal target can be judged here.
	if _, err := netip.ParseAddr(target.Hostname()); err == nil || isLoopbackName(target.Hostname()) || isMetadataName(target.Hostname()) {
		if err := d.guard.check(target.Hostname(), net.JoinHostPort(literalOf(target.Hostname()), portOf(target))); err != nil {
			return nil, nil, &harvest.Failure{Fault: harvest.FaultBlocked, Err: err}
		}
	}
	c, err := d.tcp(ctx, via.Hostname(), portOf(via), nil)
	if err != nil {
		return nil, nil, err
	}
	if via.Scheme == "https" {
		if c, err = d.handshake(ctx, c, via.Hostname(), nil, false); err != nil {
			return nil, nil, err
		}
	}
	if target.Scheme == "http" {
		return c, via, nil
	}
	if err := tunnel(ctx, c, via, net.JoinHostPort(target.Hostname(), portOf(target))); err != nil {
		c.Close()
		return nil, nil, err
	}
	c, err = d.secure(ctx, c, target, offer)
	return c, nil, err
}

func literalOf(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	return host
}

// tcp looks host up and connects; a nil guard means that the operator named this host as proxy.
func (d *dialer) tcp(ctx context.Context, host, port string, g *guard) (net.Conn, error) {
	d.dials.Add(1)
	if g != nil && isMetadataName(host) { // not even looked up
		return nil, &harvest.Failure{Fault: harvest.FaultBlocked, Err: g.check(host, "")}
	}
	if _, err := netip.ParseAddr(host); err != nil {
		d.lookups.Add(1)
	}
	nd := net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if g == nil {
			return nil
		}
		return g.check(host, address)
	}}
	c, err := nd.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err == nil {
		return c, nil
	}
	if errors.Is(err, ErrAddressRefused) {
		return nil, &harvest.Failure{Fault: harvest.FaultBlocked, Err: err}
	}
	return nil, &harvest.Failure{Fault: harvest.FaultConnect, Err: err}
}

func (d *dialer) secure(ctx context.Context, c net.Conn, target *url.URL, offer []string) (net.Conn, error) {
	if target.Scheme != "https" {
		return c, nil
	}
	return d.handshake(ctx, c, target.Hostname(), offer, d.own(target))
}

// handshake speaks TLS with name; own means that our certificate may be shown.
func (d *dialer) handshake(ctx context.Context, c net.Conn, name string, protocols []string, own bool) (net.Conn, error) {
	cfg := d.tls.Clone()
	if !own {
		cfg.Certificates = nil
	}
	cfg.ServerName, cfg.NextProtos = name, protocols
	t := tls.Client(c, cfg)
	err := t.HandshakeContext(ctx)
	if err == nil {
		return t, nil
	}
	c.Close()
	fault := harvest.FaultTLS
	if lostOnTheWay(err) {
		fault = harvest.FaultConnect
	}
	return nil, &harvest.Failure{Fault: fault, Err: inWords("TLS with "+name, err)}
}

// worded is a library's error in our words: its own may repeat what the peer chose.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.err }

// inWords explains why a handshake failed and what to change.
func inWords(what string, err error) error {
	if why := harvest.ExplainTLS(err, "--ca FILE"); why != "" {
		return &worded{what + ": " + why, err}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// lostOnTheWay reports whether the network ended a handshake, rather than one side refusing it.
func lostOnTheWay(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}

// tunnel asks the proxy for a connection to address.
func tunnel(ctx context.Context, c net.Conn, via *url.URL, address string) error {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if via.User != nil {
		password, _ := via.User.Password()
		req.Header.Set("Proxy-Authorization", basic(via.User.Username(), password))
	}
	if err := req.Write(c); err != nil {
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("proxy %s: %w", via.Host, err)}
	}
	// TLS begins from our side, so nothing of the tunnel can be lost in this buffer.
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(c, maxHeaderBytes)), req) //nolint:bodyclose // the body is the tunnel
	if err != nil {
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("proxy %s: no answer to CONNECT", via.Host)}
	}
	if resp.StatusCode != http.StatusOK {
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("proxy %s refuses the way to %s: status %d", via.Host, address, resp.StatusCode)}
	}
	return nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}
