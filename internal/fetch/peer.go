package fetch

import (
	"context"
	"crypto/tls"
	"net/url"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// Peer is what a connection shows of the other side before any request.
type Peer struct {
	Address  string    // IP address and port; those of the proxy where there is one
	Proxied  bool      // a proxy is on the way, and looks the name up
	Protocol string    // h2 or http/1.1
	TLS      string    // its version; empty for plain http
	Issued   time.Time // since when the first certificate of the chain to expire is valid; zero for plain http
	Expires  time.Time // until when it is
	Took     time.Duration
}

// Look opens a connection to the origin of target, as [Client.Reserve] does, closes it and returns
// what it showed. It sends no request. Its error is a [*harvest.Failure].
func (c *Client) Look(ctx context.Context, target string) (Peer, error) {
	u, err := url.Parse(target)
	if err != nil {
		return Peer{}, &harvest.Failure{Fault: harvest.FaultConnect, Err: err}
	}
	p := Peer{Protocol: protocolH1, Proxied: c.Proxied(u)}
	began := time.Now()
	conn, _, err := c.dialer.connect(ctx, u, http2.NextProtoTLS, protocolH1)
	if err != nil {
		return p, c.scrub(err)
	}
	p.Took, p.Address = time.Since(began), conn.RemoteAddr().String()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return p, conn.Close()
	}
	state := secure.ConnectionState()
	p.TLS = tls.VersionName(state.Version)
	if state.NegotiatedProtocol != "" {
		p.Protocol = state.NegotiatedProtocol
	}
	for _, chain := range state.VerifiedChains[:1] {
		for _, cert := range chain {
			if p.Expires.IsZero() || cert.NotAfter.Before(p.Expires) {
				p.Issued, p.Expires = cert.NotBefore, cert.NotAfter
			}
		}
	}
	_ = secure.NetConn().Close() // a farewell would wait for a peer that does not read
	return p, nil
}

// Proxied reports whether a proxy is on the way to u.
func (c *Client) Proxied(u *url.URL) bool {
	if c.dialer.proxy == nil {
		return false
	}
	via, err := c.dialer.proxy(u)
	return err == nil && via != nil
}
