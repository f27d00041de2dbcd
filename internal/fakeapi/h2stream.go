package fakeapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2stream is one request on a connection, and the writer of its answer. The connection's lock
// guards its window.
type h2stream struct {
	c      *h2conn
	id     uint32
	window int64
	cancel context.CancelFunc
	req    *http.Request
	body   bytes.Buffer

	header  http.Header
	started bool
	ended   bool
}

// open takes the headers of a new stream: served, unread after a GOAWAY, or refused above the cap.
func (c *h2conn) open(f *http2.MetaHeadersFrame) {
	req, err := request(f)
	if err != nil {
		c.write(func() error { return c.fr.WriteRSTStream(f.StreamID, http2.ErrCodeProtocol) })
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.StreamID <= c.newest {
		return // trailers, which we ignore
	}
	c.newest = f.StreamID
	if c.leaving {
		c.s.drop(req, c.n, KindGoAway)
		return
	}
	if len(c.streams) >= c.most {
		c.s.drop(req, c.n, KindRefused)
		c.writeLocked(func() error { return c.fr.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream) })
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	if c.s.control(req.URL.Path) == nil {
		v := c.s.admit(req, c.n)
		ctx = context.WithValue(ctx, visitKey{}, v)
		c.served++
		if v.b.GoAwayEvery > 0 && c.served >= v.b.GoAwayEvery {
			c.farewell(f.StreamID, http2.ErrCodeNo)
		}
	}
	st := &h2stream{c: c, id: f.StreamID, window: c.initial, cancel: cancel, req: req.WithContext(ctx), header: http.Header{}}
	c.streams[f.StreamID] = st
	if f.StreamEnded() {
		go st.run()
	}
}

// data adds to a request's body, and gives the client its window back at once.
func (c *h2conn) data(f *http2.DataFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := f.Header().Length; n > 0 {
		c.writeLocked(func() error {
			return errors.Join(c.fr.WriteWindowUpdate(0, n), c.fr.WriteWindowUpdate(f.StreamID, n))
		})
	}
	st := c.streams[f.StreamID]
	if st == nil {
		return
	}
	st.body.Write(f.Data())
	if f.StreamEnded() {
		go st.run()
	}
}

// request makes an [http.Request] of a stream's headers.
func request(f *http2.MetaHeadersFrame) (*http.Request, error) {
	u, err := url.ParseRequestURI(f.PseudoValue("path"))
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: f.PseudoValue("method"), URL: u, RequestURI: f.PseudoValue("path"), Host: f.PseudoValue("authority"),
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{}, Body: http.NoBody,
	}
	for _, field := range f.RegularFields() {
		r.Header.Add(field.Name, field.Value)
	}
	return r, nil
}

// run answers the request, and ends the stream.
func (st *h2stream) run() {
	defer st.c.end(st.id)
	st.req.Body = io.NopCloser(&st.body)
	st.c.s.ServeHTTP(st, st.req)
	st.finish()
}

// Header returns the header of the answer.
func (st *h2stream) Header() http.Header { return st.header }

// WriteHeader sends the head of the answer.
func (st *h2stream) WriteHeader(status int) {
	if st.started || st.ended {
		return
	}
	st.started = true
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.gone() {
		return
	}
	c.encBuf.Reset()
	c.field(":status", strconv.Itoa(status))
	if st.header.Get("Date") == "" {
		c.field("date", httpDate())
	}
	for name, values := range st.header {
		for _, value := range values {
			c.field(strings.ToLower(name), value)
		}
	}
	c.writeLocked(func() error { return c.head(st.id, c.encBuf.Bytes()) })
}

func (c *h2conn) field(name, value string) {
	_ = c.enc.WriteField(hpack.HeaderField{Name: name, Value: value}) // a bytes.Buffer takes all
}

// head sends a block of header fields in as many frames as it needs.
func (c *h2conn) head(id uint32, block []byte) error {
	first := block[:min(len(block), frameSize)]
	rest := block[len(first):]
	if err := c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndHeaders: len(rest) == 0}); err != nil {
		return err
	}
	for len(rest) > 0 {
		next := rest[:min(len(rest), frameSize)]
		rest = rest[len(next):]
		if err := c.fr.WriteContinuation(id, len(rest) == 0, next); err != nil {
			return err
		}
	}
	return nil
}

// Write sends a part of the body, as the client's windows allow.
func (st *h2stream) Write(p []byte) (int, error) {
	st.WriteHeader(http.StatusOK)
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := 0
	for sent < len(p) {
		for !st.gone() && (c.window <= 0 || st.window <= 0) {
			c.room.Wait()
		}
		if st.gone() {
			return sent, http.ErrAbortHandler
		}
		n := min(int64(len(p)-sent), c.window, st.window, frameSize)
		c.window -= n
		st.window -= n
		c.writeLocked(func() error { return c.fr.WriteData(st.id, false, p[sent:sent+int(n)]) })
		sent += int(n)
	}
	return sent, nil
}

// gone reports whether the client does not wait for more of the answer.
func (st *h2stream) gone() bool { return st.ended || st.c.dead || st.c.streams[st.id] != st }

// Flush does nothing: every write is sent at once.
func (st *h2stream) Flush() {}

// finish ends the body unless it was broken off.
func (st *h2stream) finish() {
	st.WriteHeader(http.StatusOK)
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if st.gone() {
		return
	}
	st.c.writeLocked(func() error { return st.c.fr.WriteData(st.id, true, nil) })
}

// reset breaks the stream off with code, unless the client has left it: it must see its own end,
// not ours.
func (st *h2stream) reset(code http2.ErrCode) {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	if !st.gone() {
		st.c.writeLocked(func() error { return st.c.fr.WriteRSTStream(st.id, code) })
	}
	st.ended = true
}

// goAway ends the connection after the streams that it has.
func (st *h2stream) goAway() {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.c.farewell(st.c.newest, http2.ErrCodeNo)
}

// calm sends ENHANCE_YOUR_CALM, and leaves all streams of the connection unanswered.
func (st *h2stream) calm() {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.c.farewell(st.id-1, http2.ErrCodeEnhanceYourCalm)
	st.ended, st.c.dead = true, true
	st.c.linger()
	st.c.room.Broadcast()
}
