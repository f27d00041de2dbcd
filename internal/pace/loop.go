package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	lead        = int64(60 * time.Millisecond)   // ask again when the last slot is that near
	nap         = int64(50 * time.Millisecond)   // slots in hand are looked at that often
	beatEvery   = int64(1500 * time.Millisecond) // a worker with requests out stays among the active
	callTimeout = 3 * time.Second
	retryFirst  = int64(50 * time.Millisecond)
	retryMost   = int64(time.Second)
)

// calls is what a Pacer keeps about its calls to the backend.
type calls struct {
	busy    bool
	must    bool  // call now, whatever else
	askAt   int64 // told to wait until then
	retryAt int64 // after a failure
	called  int64 // when the latest call began
	trip    int64 // the latest round trip
	failing int64 // since when calls fail, 0: they do not
	failed  int   // how often in a row
	made    int64
	pending *silence
}

// recent counts the permits handed out in this second and the one before.
type recent struct {
	second        int64
	before, count int
}

func (r *recent) add(now int64, n int) int {
	second := now / int64(time.Second)
	switch {
	case second > r.second+1:
		r.before, r.count = 0, 0
	case second > r.second:
		r.before, r.count = r.count, 0
	}
	r.second = second
	r.count += n
	return max(r.before, r.count)
}

// loop hands out what is due and calls the backend when there is a reason to.
func (p *Pacer) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.kick:
		case <-timer.C:
		case <-p.ctx.Done():
			return
		}
		timer.Reset(p.turn())
	}
}

// turn does what is due now and returns how long nothing else will be.
func (p *Pacer) turn() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	next := p.dispatch(now)
	if !p.busy && !p.closed {
		at := p.plan(now)
		if at > now {
			return time.Duration(min(next, at) - now)
		}
		p.busy = true
		p.running.Go(p.call)
	}
	return time.Duration(min(next-now, nap))
}

// dispatch gives slots that are due to those who wait, longest first, wastes those that are void or late, and returns
// when to look again.
func (p *Pacer) dispatch(now int64) int64 {
	p.alive(now)
	for len(p.slots) > 0 {
		l := &p.slots[0]
		if l.left() == 0 && len(p.slots) > 1 {
			p.slots = p.slots[1:]
			continue
		}
		if l.left() == 0 {
			return never
		}
		due := l.due(l.next)
		switch {
		case p.void(l.grant.epoch, due) || now > due+l.late:
			l.next++
			p.wasted++
		case now < due:
			return min(due, now+nap)
		case len(p.queue) == 0:
			return min(due+l.late+1, now+nap)
		default:
			p.hand(l, due, now)
		}
	}
	return never
}

func (p *Pacer) hand(l *lease, due, now int64) {
	l.next++
	w := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	w.permit <- Permit{Epoch: l.grant.epoch, Due: p.began.Add(time.Duration(due)), Probe: l.grant.probe, last: due + l.late}
	p.used++
	p.out++
	p.recent.add(now, 1)
}

// alive notices that this process stood still while it held slots or waited for some: what it knows may be old.
func (p *Pacer) alive(now int64) {
	if (p.busy || p.slots.left() > 0) && now-p.beat > nap+int64(fellBehind) {
		p.freeze()
	}
	p.beat = now
}

// freeze drops every slot, those of an answer under way too, and asks what happened meanwhile.
func (p *Pacer) freeze() {
	p.wasted += int64(p.slots.left())
	p.slots = nil
	p.freezes++
	p.must = true
}

func (p *Pacer) void(epoch, due int64) bool { return epoch < p.epoch || due < p.quiet }

// want is how many more slots this worker could use.
func (p *Pacer) want(now int64) int {
	return len(p.queue) + min(p.expected, p.recent.add(now, 0)) - p.slots.left()
}

// plan returns when the backend is to be called next.
func (p *Pacer) plan(now int64) int64 {
	at := int64(never)
	if p.want(now) > 0 {
		at = p.askAt
		if p.slots.left() > 0 {
			at = max(at, p.slots.end()-max(lead, 3*p.trip))
		}
	}
	if p.ok+p.bad+p.out > 0 {
		at = min(at, p.called+beatEvery)
	}
	if p.quiet > now && p.made > 0 {
		at = min(at, p.called+heartbeat*nsPerMicro)
	}
	if p.must || p.pending != nil {
		at = now
	}
	return max(at, p.retryAt)
}

// call makes the one call that is most urgent.
func (p *Pacer) call() {
	p.mu.Lock()
	pending := p.pending
	p.pending = nil
	now := p.now()
	want := max(0, p.want(now))
	if p.slots.left() > 0 && p.slots.end()-now > max(lead, 3*p.trip) {
		want = 0 // called for another reason: what is leased lasts
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	if pending != nil {
		p.tell(ctx, pending)
	} else {
		p.exchange(ctx, want)
	}
	p.mu.Lock()
	p.busy = false
	p.wake()
	p.mu.Unlock()
}

// exchange asks for want slots and tells the backend all that it may not know.
func (p *Pacer) exchange(ctx context.Context, want int) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	a := ask{worker: p.set.Worker, rate: p.set.Rate, headroom: p.set.Headroom, limit: p.set.Workers,
		want: want, ahead: horizon, epoch: p.epoch, until: p.until,
		opRate: p.opRate, opBy: p.opBy, opHold: p.opHold, ok: p.ok, bad: p.bad}
	if !p.live {
		a.want, a.ahead = min(want, 1), cautious
	}
	p.ok, p.bad, p.must = 0, 0, false
	freezes := p.freezes
	sent := p.begin()
	p.mu.Unlock()

	g, err := p.backend.acquire(ctx, p.set.Host, a)

	p.mu.Lock()
	defer p.mu.Unlock()
	arrived := p.now()
	if err != nil {
		// The counts may have arrived: counting a failure twice is harmless, losing a success is not.
		p.ok, p.bad = p.ok+a.ok, p.bad+a.bad
		p.fail(arrived)
		return
	}
	p.answered(sent, arrived, g.now)
	p.know(fact{epoch: g.epoch, until: g.until})
	p.noteOutage(g, arrived)
	p.noteCeiling(g)
	p.last = g
	if p.opHold == a.opHold {
		p.opHold = g.hold
	}
	if p.opRate == a.opRate && g.rateBy != "" {
		p.opRate, p.opBy = g.rate, g.rateBy
	}
	p.alive(arrived)
	p.take(g, arrived, freezes)
}

// take adds the slots of an answer to those in hand.
func (p *Pacer) take(g grant, arrived int64, freezes int) {
	p.granted += int64(g.n)
	if g.n == 0 {
		p.askAt = arrived + min(max(g.wait, 1), heartbeat)*nsPerMicro
		return
	}
	p.askAt = 0
	if freezes != p.freezes {
		p.wasted += int64(g.n)
		return
	}
	p.slots = append(p.slots, lease{grant: g, first: p.clock.local(g.base, g.off), late: p.lateness()})
	p.wake()
}

// lateness is how late a slot of the latest answer may be used. What the clock may be late by is a part of it, or the
// slots of two workers come closer than the bound allows; half is left in any case, for a backend that is far away.
func (p *Pacer) lateness() int64 {
	d := int64(p.set.Lateness)
	return d - min(d/2, p.clock.slack())
}

func (p *Pacer) begin() int64 {
	p.made++
	p.called = p.now()
	return p.called
}

// answered notes a call that worked. When the backend's clock jumped ahead, slots leased before the jump and after it
// overlap: this worker then stays silent until the earlier ones are used up.
func (p *Pacer) answered(sent, arrived, now int64) {
	p.trip, p.failing, p.failed, p.retryAt = arrived-sent, 0, 0, 0
	if p.clock.add(sent, arrived, now) {
		p.quiet = max(p.quiet, arrived+horizon*nsPerMicro)
	}
}

func (p *Pacer) fail(now int64) {
	if p.ctx.Err() != nil {
		return
	}
	if p.failing == 0 {
		p.failing = max(1, p.called)
	}
	delay := min(retryMost, retryFirst<<min(p.failed, 10))
	p.failed++
	p.retryAt = now + delay/2 + rand.Int64N(delay/2)
	p.must = true
}

// know takes in what was heard or answered. A silence is translated once: if the backend's clock jumps later, the
// instant stays.
func (p *Pacer) know(f fact) {
	p.epoch, p.until = max(p.epoch, f.epoch), max(p.until, f.until)
	if p.until > p.translated && p.clock.ready() {
		p.translated = p.until
		p.quiet = max(p.quiet, p.clock.local(p.until, 0))
	}
}

// hear takes in an event.
func (p *Pacer) hear(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.turned {
		p.live = e.live
		p.must = p.must || e.live && p.made > 0
	} else {
		p.know(fact{epoch: e.epoch, until: e.until})
	}
	p.askAt = 0
	p.wake()
}
