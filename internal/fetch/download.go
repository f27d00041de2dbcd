package fetch

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Downloader makes an HTTP client for files that are no part of the upstream, such as a corpus. It has the address
// guard and the authorities of a Client, checked at each connect. It carries no credential, no certificate of ours, no
// Referer and no cookie, and uses no proxy. It has no limit on the whole, because a corpus may take days to stream.
func Downloader(cfg Config) (*http.Client, error) {
	cfg = cfg.withDefaults()
	tlsConfig, err := newTLS(Config{CAFile: cfg.CAFile})
	if err != nil {
		return nil, err
	}
	d := &dialer{guard: newGuard(cfg.AllowPrivate, cfg.TrustedHosts), tls: tlsConfig, timeout: cfg.DialTimeout}
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, d.timeout)
		defer cancel()
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return d.tcp(ctx, host, port, d.guard)
	}
	transport := &http.Transport{
		DialContext: dial, TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: d.timeout, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return &http.Client{Transport: stranger{transport, cfg.UserAgent}}, nil
}

// stranger sends our name and nothing else that a redirect could carry to another host.
type stranger struct {
	next http.RoundTripper
	name string
}

// RoundTrip implements http.RoundTripper.
func (s stranger) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", s.name)
	for _, name := range []string{"Referer", "Cookie", "Authorization"} {
		r.Header.Del(name)
	}
	return s.next.RoundTrip(r)
}
