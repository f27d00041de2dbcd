package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// rateWindow is the span over which a body must keep to Config.MinRate.
const rateWindow = 10 * time.Second

// Slot is the right to make one exchange at once: a place in flight, memory for the answer, and a
// stream of a live connection. Use it once, with [Slot.Send] or [Slot.Release].
type Slot struct {
	c        *Client
	o        *origin
	expected int64 // bytes counted for the body to come

	mu        sync.Mutex
	exclusive bool // it is the one that has a connection of its own
	link      link // nil when there is none any more
	spent     bool
}

// Alive reports whether the slot can send at this moment: its connection takes requests (or it
// could move to one that does) and its credential is valid. It never waits for the network. After
// false, Release the slot and Reserve another.
func (s *Slot) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent || s.link == nil || s.o.own && !s.c.auth.fresh() {
		return false
	}
	var ok bool
	s.link, ok = s.o.alive(s.link)
	return ok
}

// Release gives back an unused slot. After [Slot.Send], and a second time, it does nothing.
func (s *Slot) Release() {
	l, ok := s.spend()
	if !ok {
		return
	}
	if l != nil {
		s.o.release(l)
	}
	s.giveBack()
}

func (s *Slot) spend() (link, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spent {
		return nil, false
	}
	l := s.link
	s.spent, s.link = true, nil
	return l, true
}

func (s *Slot) giveBack() {
	s.c.budget.add(-s.expected)
	s.c.places.Release(1)
	if s.exclusive {
		s.c.endIsolated()
	}
}

// Send makes the exchange and reads the whole answer. usable is called at the last moment before
// the request is written; if it returns false, nothing is sent and the error is [harvest.ErrLate].
// A nil usable is a permit that never expires. Every other error is a [*harvest.Failure]. A
// cancelled ctx abandons the exchange; the failure then wraps the context's cause and its Fault
// means nothing, so look at ctx first.
func (s *Slot) Send(ctx context.Context, req *harvest.Request, usable func() bool) (*harvest.Answer, error) {
	l, ok := s.spend()
	if !ok {
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: errors.New("the slot was used before")}
	}
	defer s.giveBack()
	if !ofOrigin(req.URL, s.o.name) {
		if l != nil {
			s.o.release(l)
		}
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: fmt.Errorf("the slot is for %s, not for %s", s.o.name, harvest.Quote(req.URL))}
	}
	for again := false; ; again = true {
		if l == nil {
			return nil, errNotSent()
		}
		turn, err := s.c.door.enter(ctx, usable)
		if err != nil {
			s.o.release(l)
			return nil, err
		}
		if l, err = s.o.exchange(l); err != nil {
			turn.end()
			return nil, err
		}
		before, began := s.o.company(l), time.Now()
		answer, err := s.c.exchange(ctx, l, req, s.o.own, turn)
		err = s.o.blame(l, before, began, req, err)
		calm := isCalm(err)
		s.o.finish(l, calm)
		if err == nil {
			return answer, nil
		}
		// The library refused it before a byte was written: another place that is free now will do.
		if f := (*harvest.Failure)(nil); !again && errors.As(err, &f) && f.Status == 0 && unsent(f.Err) && ctx.Err() == nil {
			l = s.o.takeNow()
			continue
		}
		return nil, s.c.scrub(err)
	}
}

func isCalm(err error) bool {
	f := (*harvest.Failure)(nil)
	return errors.As(err, &f) && f.Fault == harvest.FaultCalm
}

// exchange sends the request once; own means that the credential goes with it.
func (c *Client) exchange(ctx context.Context, l link, req *harvest.Request, own bool, turn *turn) (*harvest.Answer, error) {
	defer turn.end()
	memory := &account{b: &c.budget, ctx: ctx}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cred := c.auth.current()
	if !own {
		cred = c.auth.none(cred)
	}
	r, sent, err := c.build(ctx, req, cred)
	if err != nil {
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: err}
	}
	dog := c.watch(cancel)
	memory.rest = dog.rest
	defer dog.timer.Stop()
	c.flying.Add(1)
	defer c.flying.Add(-1)

	resp, err := l.roundTrip(r, turn.left)
	turn.left() // an answer may overtake that
	if err == nil {
		defer resp.Body.Close()
	}
	if err = becauseOf(ctx, err); err != nil {
		return nil, &harvest.Failure{Fault: faultOf(err, l.calm()), Err: explained(err)}
	}
	first := time.Since(sent(dog.start))
	dog.headersCame()
	if own {
		c.auth.keep(resp)
	}
	s := &sink{pool: c.buffers, memory: memory}
	replaced, err := c.readBody(resp, s, &dog.wire, l.calm)
	if err := overruled(ctx, resp.StatusCode, err); err != nil {
		s.close()
		memory.Close()
		return nil, err
	}
	memory.rest = nil
	a := harvest.Answer{
		Memory: memory,
		Status: resp.StatusCode, Header: resp.Header, Wire: dog.wire.Load(),
		Arrived: time.Now(), First: first, Took: time.Since(dog.start), Replaced: replaced,
	}
	if s.buf == nil {
		c.redact(cred, resp, nil)
		return harvest.NewAnswer(a, nil), nil
	}
	c.remember(int64(cap(s.buf.b)))
	if a.Body, a.Masked = c.redact(cred, resp, s.buf.b); a.Masked { // in memory of its own
		s.close()
		memory.Add(int64(len(a.Body)))
		return harvest.NewAnswer(a, nil), nil
	}
	return harvest.NewAnswer(a, s.close), nil
}

// becauseOf returns the reason for which the exchange was given up, if it was, in place of err.
// That includes a nil err: after we have hung up, an HTTP/1.1 server may end its answer in good
// form, and the library may still hand it to us.
func becauseOf(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// overruled is becauseOf for the result of reading the body of a success. The bodies of other
// answers do not count.
func overruled(ctx context.Context, status int, err error) error {
	if ctx.Err() == nil || !isSuccess(status) {
		return err
	}
	cause := context.Cause(ctx)
	return &harvest.Failure{Fault: faultOf(cause, false), Err: cause, Status: status}
}

// build makes the request. sent returns the moment at which its last byte was handed over.
func (c *Client) build(ctx context.Context, req *harvest.Request, cred *credential) (*http.Request, func(time.Time) time.Time, error) {
	r, err := http.NewRequestWithContext(ctx, req.Method, req.URL, http.NoBody)
	if err != nil {
		return nil, nil, fmt.Errorf("request %s: %w", harvest.Quote(req.URL), err)
	}
	if cred.param != "" {
		r.URL.RawQuery = setParam(r.URL.RawQuery, cred.param, cred.paramValue)
	}
	r.Header = cred.headers // shared by all requests: transports only read it
	sent := func(start time.Time) time.Time { return start }
	if len(req.Body) > 0 {
		body := &upload{r: bytes.NewReader(req.Body)}
		r.Body, r.ContentLength = body, int64(len(req.Body)) // and no GetBody: nothing may be sent twice
		r.Header = r.Header.Clone()
		r.Header.Set("Content-Type", req.Type)
		sent = body.sent
	}
	return r, sent, nil
}

// upload is a request's body that remembers when its last byte was taken.
type upload struct {
	r  *bytes.Reader
	at atomic.Pointer[time.Time]
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err == io.EOF && u.at.Load() == nil {
		now := time.Now()
		u.at.Store(&now)
	}
	return n, err
}

func (u *upload) Close() error { return nil }

func (u *upload) sent(start time.Time) time.Time {
	if at := u.at.Load(); at != nil {
		return *at
	}
	return start
}

// ofOrigin reports whether a canonical URL belongs to scheme://host.
func ofOrigin(canonical, name string) bool {
	rest, ok := strings.CutPrefix(canonical, name)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// watchdog ends an exchange that takes too long or brings too little.
type watchdog struct {
	cfg     *Config
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	start   time.Time
	headers atomic.Bool
	wire    atomic.Int64 // bytes of the body so far
	mark    int64        // wire at the last look

	forgiven time.Duration // rested at the last look
	resting  atomic.Int64  // since when the body is not read because there is no memory for it, in nanoseconds from start; 0 if it is
	rested   atomic.Int64  // for how long it was not read in all
}

// rest pauses the watchdog while we do not read. The function it returns ends that.
func (d *watchdog) rest() func() {
	began := time.Since(d.start)
	d.resting.Store(max(1, int64(began)))
	return func() {
		d.rested.Add(int64(time.Since(d.start) - began))
		d.resting.Store(0)
	}
}

func (c *Client) watch(cancel context.CancelCauseFunc) *watchdog {
	d := &watchdog{cfg: &c.cfg, cancel: cancel, start: time.Now()}
	d.timer = time.AfterFunc(min(c.cfg.HeaderTimeout, c.cfg.Timeout), d.look)
	return d
}

func (d *watchdog) headersCame() {
	d.headers.Store(true)
	d.timer.Reset(min(rateWindow, max(0, d.cfg.Timeout-time.Since(d.start))))
}

func (d *watchdog) look() {
	rested := time.Duration(d.rested.Load())
	left := d.cfg.Timeout - time.Since(d.start) + rested
	got := d.wire.Load()
	switch {
	case d.resting.Load() != 0, rested > d.forgiven: // a new window begins when the body is read again
		d.mark, d.forgiven = got, rested
		d.timer.Reset(min(rateWindow, max(left, time.Second)))
	case !d.headers.Load():
		d.cancel(errNoHeaders)
	case left <= 0:
		d.cancel(errDeadline)
	case d.cfg.MinRate > 0 && got-d.mark < d.cfg.MinRate*int64(rateWindow/time.Second):
		d.cancel(errTooSlow)
	default:
		d.mark = got
		d.timer.Reset(min(rateWindow, left))
	}
}
