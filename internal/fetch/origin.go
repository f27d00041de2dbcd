package fetch

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// ErrClosed is returned once the [Client] is closed.
var ErrClosed = errors.New("fetch: the client is closed")

// recheck is how often a waiter looks again without being woken: the HTTP/2 library applies a new
// stream cap a moment after we have seen it.
const recheck = 50 * time.Millisecond

// link is one place for an exchange on one connection.
type link interface {
	booking
	carrier
}

// booking is what an origin does with a place. Its methods are called with the origin's lock held.
type booking interface {
	ready() bool // the place can be used at this moment
	lost() bool  // its connection accepts nothing any more
	unbook()     // gives it back unused
	begin()      // it is in use from now on
	end()        // the exchange is over, its body read or given up
}

// carrier is the connection of a place. silence and calm are called without the origin's lock.
type carrier interface {
	roundTrip(r *http.Request, left func()) (*http.Response, error) // left is called when the head of r is written
	company() (exchanges, flying int64)                             // that it has carried and carries, this one included
	silence() time.Duration                                         // since the peer was last heard on it
	giveUp()                                                        // takes it out of use
	calm() bool                                                     // the peer sent ENHANCE_YOUR_CALM on it
}

// origin is one scheme, host and port, with the connections to it.
type origin struct {
	c    *Client
	name string
	url  *url.URL
	own  bool // the credential goes there

	isolated bool // for one exchange, whose connection was opened for it

	mu      sync.Mutex
	waiters list.List // of *waiter, first come first served
	booked  int       // places given out, in use or not
	flight  *flight   // the latest dial
	dialing int
	full    bool // takes no connection any more
	plain   bool // speaks HTTP/1.1
	calm    bool // ENHANCE_YOUR_CALM came and no caller has reported it yet
	h2      h2pool
	h1      h1pool
}

type waiter struct {
	woken chan struct{} // closed when it should look
	at    *list.Element
}

// flight is one dial that any number of waiters share. Its fields are guarded by the origin's lock.
type flight struct {
	landed bool
	err    error
}

func newOrigin(c *Client, name string) (*origin, error) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("%s is not an origin; write it as https://host", harvest.Quote(name))}
	}
	o := &origin{c: c, name: name, url: u, own: c.cfg.entitled(u), plain: u.Scheme == "http"}
	o.h2.learned = unlearned
	return o, nil
}

// book waits for a place on a live connection and takes it.
func (o *origin) book(ctx context.Context) (link, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var mine *flight
	var w *waiter
	defer func() { o.leave(w) }()
	since := time.Now()
	for {
		if l := o.take(); l != nil {
			o.wakeOne()
			return l, nil
		}
		if err := o.hopeless(mine, since); err != nil {
			return nil, err
		}
		if mine == nil || mine.landed {
			mine = o.dialIfNeeded()
		}
		w = o.queue(w)
		o.mu.Unlock()
		err := w.wait(ctx)
		o.mu.Lock()
		if err != nil {
			o.wakeOne() // the place that this one was woken for may still be free
			return nil, err
		}
	}
}

// hopeless returns why it is useless to wait longer; mine is the dial that was waited for.
func (o *origin) hopeless(mine *flight, since time.Time) error {
	switch {
	case o.c.closed.Load():
		return ErrClosed
	case o.calm:
		return o.tellCalm()
	case mine != nil && mine.landed && mine.err != nil:
		return mine.err
	case o.h2.unused >= maxUnused:
		o.h2.unused = 0
		return &harvest.Failure{Fault: harvest.FaultConnect, Err: fmt.Errorf("%s ends each connection before a request can be sent", o.url.Host)}
	case o.shutFor(since) > o.c.patience.shut:
		return &harvest.Failure{Fault: harvest.FaultTimeout, Err: fmt.Errorf("%s has allowed no stream for %s", o.url.Host, o.c.patience.shut)}
	}
	return nil
}

// tellCalm reports an ENHANCE_YOUR_CALM because of which no exchange has failed. One report is
// enough.
func (o *origin) tellCalm() error {
	o.calm = false
	return &harvest.Failure{Fault: harvest.FaultCalm, Err: fmt.Errorf("%s closed the connection with ENHANCE_YOUR_CALM; nothing was sent", o.url.Host)}
}

// queue puts a newcomer at the end. A waiter that was woken and found nothing goes back to the
// front; one that only looked again keeps its place.
func (o *origin) queue(w *waiter) *waiter {
	if w == nil {
		w = &waiter{woken: make(chan struct{})}
		w.at = o.waiters.PushBack(w)
		return w
	}
	select {
	case <-w.woken:
		w.woken = make(chan struct{})
		w.at = o.waiters.PushFront(w)
	default:
	}
	return w
}

func (o *origin) leave(w *waiter) {
	if w != nil {
		o.waiters.Remove(w.at)
	}
}

func (w *waiter) wait(ctx context.Context) error {
	t := time.NewTimer(recheck)
	defer t.Stop()
	select {
	case <-w.woken:
	case <-t.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// wakeOne lets the first waiter look; one that succeeds wakes the next.
func (o *origin) wakeOne() {
	if e := o.waiters.Front(); e != nil {
		close(o.waiters.Remove(e).(*waiter).woken)
	}
}

func (o *origin) wakeAll() {
	for o.waiters.Len() > 0 {
		o.wakeOne()
	}
}

// take books a place if one is free now.
func (o *origin) take() link {
	if o.calm || o.c.closed.Load() {
		return nil
	}
	var l link
	if o.plain {
		l = o.takeH1()
	} else {
		l = o.takeH2()
	}
	if l != nil {
		o.booked++
	}
	return l
}

// exchange turns a booked place into one in use. If the connection went away while the owner waited
// for a permit, another place is taken if that needs no waiting. With an error the place is given
// back.
func (o *origin) exchange(l link) (link, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.calm {
		o.giveBack(l)
		return nil, o.tellCalm()
	}
	if !l.ready() {
		l = o.rebook(l)
	}
	if l != nil && l.ready() {
		l.begin()
		o.full = o.isolated
		return l, nil
	}
	if l != nil {
		o.giveBack(l)
	}
	return nil, errNotSent()
}

func errNotSent() error {
	return &harvest.Failure{Fault: harvest.FaultUnprocessed, Err: errors.New("no live connection; nothing was sent")}
}

// alive reports whether the place can be used now, or returns another one in exchange for it.
func (o *origin) alive(l link) (link, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.ready() {
		return l, !o.calm
	}
	l = o.rebook(l)
	return l, l != nil && l.ready()
}

// rebook exchanges a place that is not ready for one that is, if that needs no waiting. Otherwise
// it keeps the place if the connection is lost, since another is then being opened, and gives it
// back if the peer now allows fewer.
func (o *origin) rebook(l link) link {
	if other := o.take(); other != nil {
		o.giveBack(l)
		return other
	}
	o.keepWarm()
	if l.lost() {
		return l
	}
	o.giveBack(l)
	return nil
}

func (o *origin) giveBack(l link) {
	l.unbook()
	o.booked--
	o.wakeOne()
}

// release gives an unused place back.
func (o *origin) release(l link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.giveBack(l)
}

// finish ends an exchange. reported means that its failure reports ENHANCE_YOUR_CALM, so that no
// other exchange has to.
func (o *origin) finish(l link, reported bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if reported {
		o.calm = false
	}
	l.end()
	o.booked--
	o.wakeOne()
}

// dialIfNeeded starts a dial if one more connection would help, and returns the dial to wait for,
// if any.
func (o *origin) dialIfNeeded() *flight {
	if o.plain {
		if o.h1.open+o.dialing < o.c.cfg.Streams {
			return o.dial()
		}
		return nil
	}
	if o.h2.active != nil {
		return nil
	}
	if o.dialing > 0 {
		return o.flight
	}
	if len(o.h2.conns) < maxConns {
		return o.dial()
	}
	return nil
}

// keepWarm opens a connection for the holders of places while none is live, so that it is open
// before they draw their permits.
func (o *origin) keepWarm() {
	if !o.c.closed.Load() && !o.full && !o.plain && o.h2.active == nil && o.dialing == 0 && o.booked+o.waiters.Len() > 0 && len(o.h2.conns) < maxConns {
		o.dial()
	}
}

func (o *origin) dial() *flight {
	f := &flight{}
	o.flight = f
	o.dialing++
	o.c.spawn(func() { o.fly(f) })
	return f
}

// fly opens one connection; it outlives the waiter that asked for it, because others may share it.
func (o *origin) fly(f *flight) {
	err := o.open(o.c.ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	f.landed, f.err = true, err
	o.dialing--
	if err != nil {
		o.c.log.Debug("no connection", "origin", o.name, "error", err)
		o.wakeAll()
		return
	}
	o.wakeOne()
}

func (o *origin) open(ctx context.Context) error {
	raw, via, err := o.c.dialer.connect(ctx, o.url, http2.NextProtoTLS, protocolH1)
	if err != nil {
		return o.c.scrub(err)
	}
	if negotiated(raw) == http2.NextProtoTLS {
		return o.c.scrub(o.openH2(ctx, raw))
	}
	return o.c.scrub(o.openH1(ctx, raw, via))
}

// shutFor returns how long the peer has allowed no stream, counted from since at the earliest.
func (o *origin) shutFor(since time.Time) time.Duration {
	c := o.h2.active
	if c == nil || c.shut.IsZero() {
		return 0
	}
	if c.shut.After(since) {
		since = c.shut
	}
	return time.Since(since)
}

// takeNow books a place if one is free now.
func (o *origin) takeNow() link {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.take()
}
