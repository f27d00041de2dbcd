package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

const (
	// maxConns is one connection that takes requests, one that drains and one standby. While two
	// drain there is no standby.
	maxConns = 3

	unlearned = 1 << 62

	// maxUnused is how many connections may come and go without a request before an error is
	// returned instead of the next being dialled.
	maxUnused = 3

	// streamWindow is how much of one body the peer may send ahead of our reading.
	streamWindow = 1 << 20
)

// h2pool is the HTTP/2 side of an origin, guarded by its lock.
type h2pool struct {
	active  *h2conn // takes new requests
	standby *h2conn // warm, takes over
	conns   []*h2conn

	learned int64 // requests after which this peer last sent GOAWAY
	agreed  int   // times in a row that it did so after about as many
	unused  int   // connections in a row that ended without having carried a request
}

// h2conn is one HTTP/2 connection. Its fields are guarded by the origin's lock.
type h2conn struct {
	o     *origin
	cc    *http2.ClientConn // deprecated; docs/adr/0001-own-http2-connections.md explains why it is used
	watch *watchedConn

	booked  int // places given out, in use or not
	flying  int // exchanges in flight
	opened  int64
	tried   bool // a standby was dialled because of this connection's age
	retired bool // takes no new requests
	gone    bool // closed
	calmed  atomic.Bool
	shut    time.Time // since when the peer allows no stream; zero while it does
}

func negotiated(c net.Conn) string {
	if t, ok := c.(*tls.Conn); ok {
		return t.ConnectionState().NegotiatedProtocol
	}
	return ""
}

// openH2 makes a connection ready for requests: the answer to our PING proves that the peer's
// SETTINGS have come, because they come first.
func (o *origin) openH2(ctx context.Context, raw net.Conn) error {
	c := &h2conn{o: o, watch: newWatchedConn(raw)}
	c.watch.onGoAway = c.goAway
	c.watch.onClose = c.closed
	c.watch.onCap = c.capChanged
	c.watch.onPong = func() { o.c.pings.Add(1) }
	t, err := o.c.h2transport()
	if err != nil {
		raw.Close()
		return err
	}
	cc, err := t.NewClientConn(c.watch)
	if err != nil {
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("HTTP/2 with %s: %w", o.url.Host, err)}
	}
	o.mu.Lock()
	c.cc = cc // the reading goroutine runs since NewClientConn
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, o.c.cfg.DialTimeout)
	defer cancel()
	if err := cc.Ping(ctx); err != nil {
		cc.Close()
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("HTTP/2 with %s: no answer to PING: %w", o.url.Host, err)}
	}
	if err := o.adoptH2(c); err != nil {
		cc.Close()
		return err
	}
	return nil
}

// h2transport holds the options of one connection. Its own pool is never used: NewClientConn gives
// the connection to us only, and ClientConn.RoundTrip sends once.
func (c *Client) h2transport() (*http2.Transport, error) {
	window := min(c.cfg.Streams*streamWindow, 1<<30)
	t, err := http2.ConfigureTransports(&http.Transport{HTTP2: &http.HTTP2Config{
		MaxReceiveBufferPerStream:     streamWindow,
		MaxReceiveBufferPerConnection: window, // of all streams together, so that a slow one stalls no other
	}})
	if err != nil {
		return nil, err
	}
	t.DisableCompression = true
	t.MaxHeaderListSize = maxHeaderBytes
	t.ReadIdleTimeout = c.patience.readIdle
	t.PingTimeout = c.patience.ping
	t.WriteByteTimeout = c.patience.write
	// A stream beyond the peer's cap is refused to us at once instead of waiting with a permit in
	// hand.
	t.StrictMaxConcurrentStreams = false
	return t, nil
}

func (o *origin) adoptH2(c *h2conn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.gone || c.retired {
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("the peer closed the connection at once")}
	}
	if o.full || o.c.closed.Load() {
		return ErrClosed
	}
	o.plain = false
	o.h2.conns = append(o.h2.conns, c)
	if o.h2.active == nil {
		o.h2.active = c
	} else {
		o.h2.standby = c
	}
	return nil
}

func (o *origin) takeH2() link {
	c := o.h2.active
	if c == nil || c.booked >= int(c.watch.streams.Load()) {
		return nil
	}
	if !c.cc.ReserveNewRequest() {
		// The connection is full by the library's count (streams that it resets count until the
		// peer answers), or not usable any more. Only State knows, and it may wait for a write.
		go c.retireIfClosing()
		return nil
	}
	c.booked++
	return c
}

// age follows a connection towards the request after which this peer sends GOAWAY: the standby is
// dialled at 90 %, and once the peer has proved regular the standby takes over before requests are
// refused.
func (c *h2conn) age() {
	p := &c.o.h2
	if c != p.active {
		return
	}
	if !c.tried && p.standby == nil && c.opened >= p.learned-p.learned/10 && len(p.conns) < maxConns && c.o.dialing == 0 {
		c.tried = true
		c.o.dial()
	}
	if p.agreed >= 2 && p.standby != nil && c.opened >= p.learned {
		c.retire()
	}
}

// goAway is called by the reading goroutine, before the library has seen the frame.
func (c *h2conn) goAway(last uint32, code http2.ErrCode) {
	o := c.o
	o.mu.Lock()
	defer o.mu.Unlock()
	o.c.goaways.Add(1)
	o.c.log.Debug("GOAWAY", "origin", o.name, "code", code.String(), "requests", c.opened)
	if code == http2.ErrCodeEnhanceYourCalm && !c.calmed.Swap(true) {
		o.calm = true
	}
	if code == http2.ErrCodeNo && !c.retired && c.opened > 0 {
		o.h2.learn(c.opened, int64(last+1)/2)
	}
	c.retire()
	o.wakeOne()
}

// learn remembers how many requests a connection was good for. The last stream's id is exact unless
// the peer only announces its leave.
func (p *h2pool) learn(opened, processed int64) {
	if processed > 0 && processed < opened {
		opened = processed
	}
	if diff := opened - p.learned; max(diff, -diff) <= p.learned/100 {
		p.agreed++
	} else {
		p.agreed = 1
	}
	p.learned = opened
}

func (c *h2conn) capChanged(streams int64) {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	switch {
	case streams > 0:
		c.shut = time.Time{}
	case c.shut.IsZero():
		c.shut = time.Now()
	}
	c.o.wakeOne()
}

// retire takes the connection out of use; it is closed once nothing flies on it.
func (c *h2conn) retire() {
	if c.retired {
		return
	}
	c.retired = true
	p := &c.o.h2
	if p.standby == c {
		p.standby = nil
	}
	if p.active == c {
		p.active, p.standby = p.standby, nil
	}
	c.closeIfIdle()
	// A connection that carried nothing does not make us open the next one: the peer may end each
	// one like that.
	if c.opened == 0 {
		p.unused++
		return
	}
	c.o.keepWarm()
}

func (c *h2conn) closeIfIdle() {
	if c.retired && c.flying == 0 && !c.gone && c.cc != nil {
		go c.cc.Close()
	}
}

// closed is called when the connection is closed, by either side.
func (c *h2conn) closed() {
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	if c.gone {
		return
	}
	c.gone = true
	c.o.h2.conns = slices.DeleteFunc(c.o.h2.conns, func(other *h2conn) bool { return other == c })
	c.retire()
	if c.opened > 0 {
		c.o.keepWarm() // there may have been one too many when it retired
	}
	c.o.wakeOne()
}

func (c *h2conn) retireIfClosing() {
	if s := c.cc.State(); s.Closing || s.Closed {
		c.o.mu.Lock()
		defer c.o.mu.Unlock()
		c.retire()
		c.o.wakeOne()
	}
}

func (c *h2conn) ready() bool {
	return !c.retired && c.booked <= int(c.watch.streams.Load())
}

func (c *h2conn) lost() bool { return c.retired }

func (c *h2conn) begin() {
	c.flying++
	c.opened++
	c.o.h2.unused = 0
	c.watch.requests.Add(1)
	c.age()
}

func (c *h2conn) end() {
	c.flying--
	c.booked--
	c.closeIfIdle()
}

// unbook also takes back the library's reservation. The library has no call for that, so it
// abandons an exchange before it starts.
func (c *h2conn) unbook() {
	c.booked--
	if c.retired {
		return
	}
	go func() {
		abandoned, cancel := context.WithCancel(context.Background())
		cancel()
		req, err := http.NewRequestWithContext(abandoned, http.MethodGet, c.o.name, http.NoBody)
		if err == nil {
			_, _ = c.cc.RoundTrip(req) //nolint:bodyclose // there is no answer
		}
	}()
}

func (c *h2conn) calm() bool { return c.calmed.Load() }

func (c *h2conn) roundTrip(req *http.Request, left func()) (*http.Response, error) {
	trace := httptrace.ClientTrace{WroteHeaders: left} // called once they are flushed, under the connection's lock for writing
	return c.cc.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), &trace)))
}

func (c *h2conn) company() (exchanges, flying int64) { return c.opened, int64(c.flying) }

func (c *h2conn) silence() time.Duration { return time.Since(time.Unix(0, c.watch.heard.Load())) }

func (c *h2conn) giveUp() { c.retire() }
