package fetch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"shoal/internal/harvest"
)

const protocolH1 = "http/1.1" // as ALPN names it

// h1pool is the HTTP/1.1 side of an origin, guarded by its lock.
type h1pool struct {
	idle []*h1conn // the last used is the next taken
	open int       // idle or in use
	all  map[*h1conn]bool
}

// h1conn is one HTTP/1.1 connection; it carries one exchange at a time.
type h1conn struct {
	o  *origin
	cc *http.ClientConn // sends once: only http.Transport sends again
	in *headConn

	carried int64 // exchanges so far, the present one included
}

// openH1 wraps a connection that already speaks TLS if it should. via is the proxy that needs
// absolute URLs, if there is one.
func (o *origin) openH1(ctx context.Context, raw net.Conn, via *url.URL) error {
	in := &headConn{Conn: raw}
	t := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return in, nil },
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	if via != nil {
		asHTTP := *via // its TLS is done
		asHTTP.Scheme = "http"
		t.Proxy = http.ProxyURL(&asHTTP)
	}
	cc, err := t.NewClientConn(ctx, "http", net.JoinHostPort(o.url.Hostname(), portOf(o.url)))
	if err != nil {
		raw.Close()
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("HTTP/1.1 with %s: %w", o.url.Host, err)}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full || o.c.closed.Load() {
		cc.Close()
		return ErrClosed
	}
	c := &h1conn{o: o, cc: cc, in: in}
	o.plain = true
	o.h1.open++
	o.h1.idle = append(o.h1.idle, c)
	if o.h1.all == nil {
		o.h1.all = map[*h1conn]bool{}
	}
	o.h1.all[c] = true
	return nil
}

func (o *origin) takeH1() link {
	for len(o.h1.idle) > 0 {
		c := o.h1.idle[len(o.h1.idle)-1]
		o.h1.idle = o.h1.idle[:len(o.h1.idle)-1]
		if c.cc.Reserve() == nil {
			return c
		}
		c.drop()
	}
	return nil
}

func (c *h1conn) drop() {
	go c.cc.Close() // TLS may take its time to close
	c.o.h1.open--
	delete(c.o.h1.all, c)
}

func (c *h1conn) ready() bool { return c.cc.Err() == nil }

func (c *h1conn) lost() bool { return !c.ready() }

func (c *h1conn) begin() { c.carried++ }

func (c *h1conn) unbook() {
	c.cc.Release()
	c.end()
}

func (c *h1conn) end() {
	if c.cc.Available() == 0 {
		c.drop() // the body was not read to its end, or the peer closes
		return
	}
	c.o.h1.idle = append(c.o.h1.idle, c)
}

func (c *h1conn) calm() bool { return false }

func (c *h1conn) roundTrip(req *http.Request, left func()) (*http.Response, error) {
	c.in.begin(req.Method, left)
	return c.cc.RoundTrip(req)
}

// company counts the exchange before as a neighbour: a server may close an idle connection at the
// moment at which the next request comes.
func (c *h1conn) company() (exchanges, flying int64) { return c.carried, min(c.carried, 2) }

func (c *h1conn) silence() time.Duration { return 0 }

func (c *h1conn) giveUp() {}
