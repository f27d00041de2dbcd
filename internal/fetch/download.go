package fetch

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

// Downloader makes an HTTP client for files that are not part of the upstream, such as a corpus. It
// has the address guard and the authorities of a Client, checked at each connect. It carries no
// credential, no certificate of ours, no Referer and no cookie, and uses no proxy. Over HTTP/1.1 it
// takes what a Client takes. It has no limit on the whole, because a corpus may take days to
// stream.
func Downloader(cfg Config) (*http.Client, error) {
	cfg = cfg.withDefaults()
	tlsConfig, err := newTLS(Config{CAFile: cfg.CAFile})
	if err != nil {
		return nil, err
	}
	d := &dialer{guard: newGuard(cfg.AllowPrivate, cfg.TrustedHosts), tls: tlsConfig, timeout: cfg.DialTimeout}
	reach := func(ctx context.Context, address string, secure bool) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, d.timeout)
		defer cancel()
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := d.tcp(ctx, host, port, d.guard)
		if err == nil && secure {
			conn, err = d.handshake(ctx, conn, host, []string{"h2", protocolH1}, false)
		}
		if err != nil {
			return nil, err
		}
		if t, ok := conn.(*tls.Conn); ok && t.ConnectionState().NegotiatedProtocol == "h2" {
			return conn, nil
		}
		return &headConn{Conn: conn}, nil
	}
	transport := &http.Transport{
		DialContext:     func(ctx context.Context, _, address string) (net.Conn, error) { return reach(ctx, address, false) },
		DialTLSContext:  func(ctx context.Context, _, address string) (net.Conn, error) { return reach(ctx, address, true) },
		IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeaderBytes, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: stranger{transport, cfg.UserAgent}}, nil
}

// stranger sends our user agent and nothing else that a redirect could carry to another host.
type stranger struct {
	next http.RoundTripper
	name string
}

// RoundTrip implements [http.RoundTripper].
func (s stranger) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if c, ok := info.Conn.(*headConn); ok {
			c.begin(r.Method, nil)
		}
	}}
	r = r.Clone(httptrace.WithClientTrace(r.Context(), &asked))
	r.Header.Set("User-Agent", s.name)
	for _, name := range []string{"Referer", "Cookie", "Authorization"} {
		r.Header.Del(name)
	}
	return s.next.RoundTrip(r)
}
