package fakeapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// startWindow is the flow-control window before SETTINGS change it (RFC 9113, section 6.9.2).
	startWindow = 65535
	// frameSize is the largest frame we send, which every peer must take.
	frameSize = 16384
	// writeLimit frees the server from a client that reads nothing.
	writeLimit = 30 * time.Second
	// lingerLimit is how long a connection that we are done with waits for its peer to close it.
	lingerLimit = 2 * time.Second
)

// h2conn is one HTTP/2 connection, served by hand on x/net's Framer: net/http's server cannot
// refuse a stream, name the last stream of a GOAWAY or change its settings in the middle, and a
// client has to be tested with these.
type h2conn struct {
	s   *Server
	nc  *tls.Conn
	n   int
	ctx context.Context

	// mu guards what follows, the framer's writing side among it.
	mu      sync.Mutex
	room    *sync.Cond // a window has grown, or a stream or the connection has ended
	fr      *http2.Framer
	enc     *hpack.Encoder
	encBuf  bytes.Buffer
	window  int64
	initial int64
	streams map[uint32]*h2stream
	newest  uint32
	served  int
	most    int
	// leaving means that GOAWAY was sent.
	leaving bool
	// deaf means that nothing is written any more, though the connection is open.
	deaf bool
	dead bool
}

// serveH2 serves a connection that agreed on h2 until it ends; net/http calls it.
func (s *Server) serveH2(_ *http.Server, nc *tls.Conn, h http.Handler) {
	ctx := context.Background()
	if from, ok := h.(interface{ BaseContext() context.Context }); ok {
		ctx = from.BaseContext() // net/http's way to hand over the value from connected
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n, _ := ctx.Value(connKey{}).(int)
	c := &h2conn{s: s, nc: nc, n: n, ctx: ctx, window: startWindow, initial: startWindow, streams: map[uint32]*h2stream{}}
	c.room = sync.NewCond(&c.mu)
	c.fr = http2.NewFramer(nc, nc)
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.encBuf)
	s.mu.Lock()
	s.h2[c] = struct{}{}
	most := s.b.MaxStreams
	s.mu.Unlock()
	defer c.close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(nc, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	c.announce(most)
	c.read()
}

// read takes frames until the connection ends.
func (c *h2conn) read() {
	for {
		f, err := c.fr.ReadFrame()
		var bad http2.StreamError
		switch {
		case errors.As(err, &bad):
			c.write(func() error { return c.fr.WriteRSTStream(bad.StreamID, bad.Code) })
		case err != nil:
			return
		default:
			c.take(f)
		}
	}
}

func (c *h2conn) close() {
	c.mu.Lock()
	c.dead = true
	for _, st := range c.streams {
		st.cancel()
	}
	c.room.Broadcast()
	c.mu.Unlock()
	c.s.mu.Lock()
	delete(c.s.h2, c)
	c.s.mu.Unlock()
	_ = c.nc.Close()
}

// write runs one or more writes of whole frames under the lock.
func (c *h2conn) write(frames func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeLocked(frames)
}

func (c *h2conn) writeLocked(frames func() error) {
	if c.dead || c.deaf {
		return
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(writeLimit)) // a closed connection fails at the write
	if frames() != nil {
		c.dead = true
		_ = c.nc.NetConn().Close() // ends read too
	}
}

// announce sends the client the number of streams that it may have open.
func (c *h2conn) announce(most int) {
	switch {
	case most == 0:
		most = 100
	case most < 0:
		most = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = most
	c.writeLocked(func() error {
		return c.fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(most)})
	})
}

// take handles a frame of the client.
func (c *h2conn) take(f http2.Frame) {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		c.open(f)
	case *http2.DataFrame:
		c.data(f)
	case *http2.SettingsFrame:
		c.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			c.write(func() error { return c.fr.WritePing(true, f.Data) })
		}
	case *http2.WindowUpdateFrame:
		c.mu.Lock()
		if st := c.streams[f.StreamID]; st != nil {
			st.window += int64(f.Increment)
		} else if f.StreamID == 0 {
			c.window += int64(f.Increment)
		}
		c.room.Broadcast()
		c.mu.Unlock()
	case *http2.RSTStreamFrame:
		c.end(f.StreamID)
	}
}

func (c *h2conn) settings(f *http2.SettingsFrame) {
	if f.IsAck() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for _, st := range c.streams {
			st.window += int64(v) - c.initial
		}
		c.initial = int64(v)
		c.room.Broadcast()
	}
	if v, ok := f.Value(http2.SettingHeaderTableSize); ok {
		c.enc.SetMaxDynamicTableSizeLimit(v)
	}
	c.writeLocked(c.fr.WriteSettingsAck)
}

// end forgets a stream, and the connection if that was the last stream after a GOAWAY.
func (c *h2conn) end(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.streams[id]; st != nil {
		st.cancel()
		delete(c.streams, id)
		c.room.Broadcast()
	}
	if c.leaving && len(c.streams) == 0 {
		c.linger()
	}
}

// linger closes our side and keeps reading for a while: a close with unread frames would make the
// kernel reset the connection, and answers would be lost that the client has not read yet.
func (c *h2conn) linger() {
	_ = c.nc.CloseWrite() // a connection that is gone needs none
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerLimit))
}

// farewell sends GOAWAY, unless it was sent before. The lock is held.
func (c *h2conn) farewell(last uint32, code http2.ErrCode) {
	if c.leaving {
		return
	}
	c.leaving = true
	c.writeLocked(func() error { return c.fr.WriteGoAway(last, code, nil) })
}
