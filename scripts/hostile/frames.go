package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer is one HTTP/2 connection whose server plays frame by frame. Writing locks it.
type peer struct {
	conn net.Conn
	gone chan struct{} // closed when the connection is
	stop chan struct{} // closed when no frame is to be read any more

	mu      sync.Mutex
	out     *http2.Framer
	open    map[uint32]bool // streams that have no answer yet
	stopped sync.Once
}

// frames serves HTTP/2 frame by frame: neighbours get their answer after 20 ms, so that they are in
// flight while play answers a hostile item. hello is called for each connection once the prefaces
// are exchanged; nil does nothing special.
func (c *scene) frames(hello func(p *peer), play func(p *peer, stream uint32)) (base string, err error) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	if err := c.trust(certified); err != nil {
		return "", err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var conns []net.Conn
	c.ending = append(c.ending, func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go converse(conn, hello, play)
		}
	}()
	return "https://" + l.Addr().String(), nil
}

// converse plays one connection until either side ends it.
func converse(conn net.Conn, hello func(p *peer), play func(p *peer, stream uint32)) {
	p := &peer{conn: conn, gone: make(chan struct{}), stop: make(chan struct{}), out: http2.NewFramer(conn, nil), open: map[uint32]bool{}}
	defer func() {
		close(p.gone)
		_ = conn.Close()
	}()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	if hello != nil {
		hello(p)
	} else if p.write(func(f *http2.Framer) error { return f.WriteSettings() }) != nil {
		return
	}
	in := http2.NewFramer(nil, conn)
	in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		select {
		case <-p.stop:
			hold(conn)
			return
		default:
		}
		f, err := in.ReadFrame()
		if err != nil && !errors.As(err, new(http2.StreamError)) {
			return
		}
		p.heard(f, play)
	}
}

// hold keeps a connection that neither reads nor sends anything, until the other side is gone for
// good.
func hold(conn net.Conn) {
	deadline := time.Now().Add(longest)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for time.Now().Before(deadline) && conn.SetReadDeadline(deadline) == nil {
		<-tick.C
	}
}

func (p *peer) heard(f http2.Frame, play func(p *peer, stream uint32)) {
	switch f := f.(type) {
	case *http2.PingFrame:
		if data := f.Data; !f.IsAck() {
			_ = p.write(func(f *http2.Framer) error { return f.WritePing(true, data) }) // reading notices the end
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			_ = p.write(func(f *http2.Framer) error { return f.WriteSettingsAck() })
		}
	case *http2.MetaHeadersFrame:
		p.mu.Lock()
		p.open[f.StreamID] = true
		p.mu.Unlock()
		path := f.PseudoValue("path")
		if strings.Contains(path, "/bad/") {
			go play(p, f.StreamID)
			return
		}
		stream := f.StreamID
		time.AfterFunc(20*time.Millisecond, func() { p.answer(stream, 200, innocent(path)) })
	}
}

// write writes frames and reports whether that was possible.
func (p *peer) write(frames func(f *http2.Framer) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)) // a closed connection fails below
	return frames(p.out)
}

// flood writes frames until the connection ends.
func (p *peer) flood(frames func(f *http2.Framer) error) {
	for p.write(frames) == nil {
	}
	_ = p.conn.Close()
}

// deaf makes the connection a black hole.
func (p *peer) deaf() { p.stopped.Do(func() { close(p.stop) }) }

func (p *peer) answer(stream uint32, status int, body string) {
	_ = p.write(func(f *http2.Framer) error { // the client may be gone
		delete(p.open, stream)
		return errors.Join(
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head(status), EndHeaders: true}),
			f.WriteData(stream, true, []byte(body)))
	})
}

func head(status int, fields ...hpack.HeaderField) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, field := range append([]hpack.HeaderField{{Name: ":status", Value: strconv.Itoa(status)}}, fields...) {
		_ = e.WriteField(field) // memory takes all
	}
	return b.Bytes()
}
