//go:build prove

package e2e

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// link is a way to a server that can be cut.
type link struct {
	target string
	ear    net.Listener

	flow  sync.RWMutex // held while bytes pass
	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// newLink opens a way to the server of an address such as redis://127.0.0.1:6379/0, and returns the
// address by that way.
func newLink(t *testing.T, address string) (l *link, byway string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l = &link{target: u.Host, conns: map[net.Conn]bool{}}
	if l.ear, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = l.ear.Addr().String()
	t.Cleanup(func() { _ = l.ear.Close() })
	go l.serve()
	return l, u.String()
}

func (l *link) serve() {
	for {
		near, err := l.ear.Accept()
		if err != nil {
			return
		}
		go l.carry(near)
	}
}

func (l *link) carry(near net.Conn) {
	far, err := net.Dial("tcp", l.target)
	if err != nil || !l.keep(near, far) {
		_ = near.Close()
		return
	}
	go l.pour(far, near)
	l.pour(near, far)
}

// keep notes both ends of a connection; false while the link is down.
func (l *link) keep(ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range ends {
		if l.conns[end] = true; l.down {
			_ = end.Close()
		}
	}
	return !l.down
}

func (l *link) pour(to, from net.Conn) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		l.flow.RLock()
		_, failed := to.Write(b[:n])
		l.flow.RUnlock()
		if err != nil || failed != nil {
			return
		}
	}
}

// cut lets nothing pass until the link is healed: with hang connections stay open, without it they
// break and no new one opens.
func (l *link) cut(hang bool) (heal func()) {
	if hang {
		l.flow.Lock()
		return l.flow.Unlock
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for end := range l.conns {
		_ = end.Close()
	}
	clear(l.conns)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.down = false
	}
}
