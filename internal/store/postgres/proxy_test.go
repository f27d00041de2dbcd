package postgres

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy is between a worker and its server, and fails as networks, machines and processes do.
type proxy struct {
	url    string // of the store, through the proxy
	server string

	mu     sync.Mutex
	pairs  map[*pair]struct{}
	frozen bool
	thawed *sync.Cond
	fuse   int // bytes from the client until all freezes; 0: never
	blown  chan struct{}
}

// pair is one connection through the proxy.
type pair struct {
	client, server net.Conn
	stranded       bool
}

func newProxy(t testing.TB, storeURL string) *proxy {
	t.Helper()
	u, err := url.Parse(storeURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: u.Host, pairs: map[*pair]struct{}{}}
	p.thawed = sync.NewCond(&p.mu)
	u.Host = l.Addr().String()
	p.url = u.String()
	t.Cleanup(func() {
		_ = l.Close()
		p.thaw()
		p.cut()
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &pair{client: client, server: server}
	p.mu.Lock()
	p.pairs[c] = struct{}{}
	p.mu.Unlock()
	go p.pump(c, server, client, false)
	p.pump(c, client, server, true)
}

// pump carries bytes one way. When that ends, both ends are closed, unless the pair is stranded:
// then the server's end stays open as that of a machine that has vanished.
func (p *proxy) pump(c *pair, from, to net.Conn, fromClient bool) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if !p.pass(c, fromClient, n) {
			return
		}
		if err == nil {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			_, _ = c.client.Close(), c.server.Close()
			return
		}
	}
}

// pass waits while the proxy is frozen, and reports whether the bytes may continue.
func (p *proxy) pass(c *pair, fromClient bool, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fromClient && p.fuse > 0 {
		if p.fuse -= n; p.fuse <= 0 {
			p.fuse, p.frozen = 0, true
			close(p.blown)
		}
	}
	for p.frozen {
		p.thawed.Wait()
	}
	return !c.stranded
}

// freeze holds all bytes back, those of new connections too, as a frozen process does.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen, p.fuse = false, 0
	p.thawed.Broadcast()
}

// freezeAfter freezes as soon as n more bytes have come from the client. The channel is closed
// then.
func (p *proxy) freezeAfter(n int) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fuse, p.blown = n, make(chan struct{})
	return p.blown
}

// strand leaves the server without its clients: all present connections stay open there, and the
// clients' ends are closed.
func (p *proxy) strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.stranded = true
		_ = c.client.Close()
	}
}

// cut closes both ends of all connections, as the death of a process does.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		_, _ = c.client.Close(), c.server.Close()
		delete(p.pairs, c)
	}
}
