package pace

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// Pacer is one worker's client of a [Backend]. Its methods are safe for concurrent use.
type Pacer struct {
	set     Settings
	backend Backend
	grace   int64 // µs for which a state that was lost grants nothing
	began   time.Time
	ctx     context.Context // ends the loop, the calls and the subscription
	stop    context.CancelFunc
	running sync.WaitGroup
	kick    chan struct{} // the loop has something to reconsider

	mu       sync.Mutex
	closed   bool
	queue    []*waiter
	expected int
	slots    held
	clock    clock
	born     int64 // which state the backend's answers are about
	epoch    int64 // highest known of that state
	voided   int   // permits of leases from before the latest count are void
	beat     int64 // when the slots were last looked at, to notice a frozen process
	freezes  int   // an answer to a call from before a freeze grants nothing
	live     bool  // the subscription hears
	recent   recent
	silences
	trust
	calls
	outages
	ok, bad, out          int64 // permits that succeeded, failed, are out
	granted, used, wasted int64
	last                  grant   // the latest answer
	lowered               float64 // see State
}

// waiter is one caller blocked in Wait.
type waiter struct{ permit chan Permit }

// New returns a [Pacer] that runs until [Pacer.Close]. It makes no call before the first
// [Pacer.Wait].
func New(s Settings, b Backend) *Pacer {
	if s.Rate <= 0 {
		s.Rate = 1
	}
	if s.Headroom == 0 {
		s.Headroom = 0.01
	}
	s.Headroom = min(max(s.Headroom, 0), 0.99)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Lateness <= 0 {
		s.Lateness = 10 * time.Millisecond
	}
	if s.MaxSilence <= 0 {
		s.MaxSilence = DefaultMaxSilence
	}
	p := &Pacer{set: s, backend: b, began: time.Now(), kick: make(chan struct{}, 1), grace: horizon}
	if _, far := b.(*Redis); far {
		p.grace = lostWait
	}
	p.heardAt, p.heldAt, p.rateAt = never, never, never
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.running.Go(func() { b.subscribe(p.ctx, s.Host, p.hear) })
	p.running.Go(p.loop)
	return p
}

// now returns the local clock: monotonic, ns since the [Pacer] began.
func (p *Pacer) now() int64 { return int64(time.Since(p.began)) }

// Wait blocks until a permit is due and returns it, to be used at once. It also blocks while the
// backend is away, see State. It fails with ctx's error, with ErrUnsafeRedis where Redis refuses
// our rights, or with ErrClosed.
func (p *Pacer) Wait(ctx context.Context) (Permit, error) {
	for {
		w := &waiter{permit: make(chan Permit, 1)}
		if !p.join(w) {
			return Permit{}, p.ended()
		}
		select {
		case permit, ok := <-w.permit:
			if !ok {
				return Permit{}, p.ended()
			}
			if p.Usable(permit) {
				return permit, nil
			}
			p.Unused(permit)
		case <-ctx.Done():
			p.leave(w)
			return Permit{}, ctx.Err()
		}
	}
}

func (p *Pacer) join(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refused != nil {
		return false
	}
	p.queue = append(p.queue, w)
	p.dispatch(p.now())
	p.wake()
	return true
}

func (p *Pacer) leave(w *waiter) {
	p.mu.Lock()
	i := slices.Index(p.queue, w)
	if i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		return
	}
	if permit, ok := <-w.permit; ok {
		p.Unused(permit)
	}
}

// wake makes the loop look again.
func (p *Pacer) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Expect announces that n more callers will come soon, so that slots may be leased ahead for them:
// never more than were used in the last second.
func (p *Pacer) Expect(n int) {
	p.mu.Lock()
	p.expected = max(0, n)
	p.wake()
	p.mu.Unlock()
}

// Usable reports whether the permit may be used now: it is neither late nor void.
func (p *Pacer) Usable(permit Permit) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := int64(permit.Due.Sub(p.began))
	return !p.void(permit.voided, due) && p.now() <= permit.last
}

// Unused returns a permit that could not be used. Its slot is wasted, never given to another
// caller.
func (p *Pacer) Unused(Permit) {
	p.mu.Lock()
	p.out--
	p.used--
	p.wasted++
	p.mu.Unlock()
}

// Done reports how the exchange of a permit ended: ok if the upstream gave a success. The outcome
// of a probe is reported before Done returns, or before ctx ends; everything else travels with the
// next call.
func (p *Pacer) Done(ctx context.Context, permit Permit, ok bool) {
	p.mu.Lock()
	p.out--
	if ok {
		p.ok++
	} else {
		p.bad++
	}
	p.wake()
	p.mu.Unlock()
	if permit.Probe {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		p.exchange(ctx, 0)
	}
}

// State returns what the [Pacer] knows now.
func (p *Pacer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	g := &p.last
	s := State{Rate: g.rate * g.share, Budget: g.rate, RateBy: g.rateBy, Limit: harvest.LimitBudget, Active: g.active,
		Lowered: p.lowered, Calls: p.made, Granted: p.granted, Used: p.used, Late: p.wasted, Unreachable: p.at(p.failing), Outage: p.since()}
	if g.now == 0 {
		s.Rate, s.Budget = p.set.Rate, p.set.Rate
	}
	if s.Ceiling = 1; g.now > 0 {
		s.Ceiling = g.top
	}
	if until := p.silentUntil(); until > now {
		s.Until = p.at(until)
	}
	if p.held > now {
		s.Hold = p.at(p.held)
	}
	if s.Unreachable.IsZero() && p.unsure() {
		s.Unreachable = p.at(p.staleAt)
	}
	switch {
	case !s.Unreachable.IsZero():
		s.Limit = harvest.LimitPace
	case g.standby:
		s.Limit = harvest.LimitStandby
	case !s.Outage.IsZero():
		s.Limit = harvest.LimitOutage
	case !s.Hold.IsZero():
		s.Limit = harvest.LimitHold
	case !s.Until.IsZero():
		s.Limit = harvest.LimitBackoff
	}
	return s
}

// at makes a time of a local instant, and the zero time of 0.
func (p *Pacer) at(local int64) time.Time {
	if local == 0 {
		return time.Time{}
	}
	return p.began.Add(time.Duration(local))
}

// leaving is how long [Pacer.Leave] waits for the backend.
const leaving = 2 * time.Second

// Leave is [Pacer.Close] of a process that ends, and does not wait long for that.
func (p *Pacer) Leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	return p.Close(ctx)
}

// Close ends the Pacer: callers of [Pacer.Wait] get [ErrClosed], unused slots are given back and
// the worker's place is free at once. If the backend does not answer before ctx ends, that takes
// five seconds. A second Close does nothing.
func (p *Pacer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	for _, w := range p.queue {
		close(w.permit)
	}
	p.queue = nil
	p.mu.Unlock()
	p.stop()
	p.running.Wait()
	if p.made == 0 {
		return nil
	}
	return p.backend.release(ctx, p.set.Host, p.slots.parting(parting{worker: p.set.Worker}))
}
