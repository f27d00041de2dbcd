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
	callTimeout = 2 * time.Second                // lostWait is longer than this and maxRetry together
	retryFirst  = int64(50 * time.Millisecond)
	maxRetry    = int64(500 * time.Millisecond)
	slowCall    = int64(500 * time.Millisecond) // a call that takes longer, and four times the usual, fell into a time without the backend
	calmly      = int64(10 * time.Millisecond)  // events cause at most one call in this time
)

// calls is what a [Pacer] keeps about its calls to the backend.
type calls struct {
	busy    bool
	must    bool  // call now, whatever else
	askAt   int64 // the backend asked to wait until then
	retryAt int64 // after a failure
	called  int64 // when the latest call began
	trip    int64 // the latest round trip
	usual   int64 // what one takes on average
	spell   bool  // the backend was unreachable: the other workers' reports come first
	failing int64 // since when calls fail, 0: they do not
	failed  int   // how often in a row
	made    int64
	pending *silence
	denied  int64 // since when the backend refuses our rights, 0: it does not
	refused error // it refuses them for good: no permit is given any more
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

// turn does what is due now and returns how long until something else is.
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

// dispatch gives due slots to the waiting callers, longest wait first, wastes those that are void
// or late, and returns when to look again.
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
		case p.void(l.voided, due) || now > due+l.late:
			l.next++
			p.wasted++
		case now < due:
			return min(due, now+nap)
		case len(p.queue) == 0 || p.unsure():
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
	w.permit <- Permit{Epoch: l.grant.epoch, Due: p.began.Add(time.Duration(due)), Probe: l.grant.probe, last: due + l.late, voided: l.voided}
	p.used++
	p.out++
	p.recent.add(now, 1)
}

// alive notices that this process was frozen while it held slots or waited for some: what it knows
// may be old.
func (p *Pacer) alive(now int64) {
	if (p.busy || p.slots.left() > 0) && now-p.beat > nap+int64(fellBehind) {
		p.freeze()
	}
	p.beat = now
}

// freeze drops every slot, including those of an answer under way, and asks what happened
// meanwhile.
func (p *Pacer) freeze() {
	p.wasted += int64(p.slots.left())
	p.slots = nil
	p.freezes++
	p.must = true
}

func (p *Pacer) void(voided int, due int64) bool { return voided < p.voided || due < p.quiet() }

// want returns how many more slots this worker could use.
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
	if p.quiet() > now && p.made > 0 {
		at = min(at, p.called+heartbeat*nsPerMicro)
	}
	if p.must {
		at = min(at, p.called+calmly)
	}
	if p.pending != nil || p.repairs != 0 {
		at = now
	}
	return max(at, p.retryAt)
}

// call makes the one call that is most urgent.
func (p *Pacer) call() {
	p.mu.Lock()
	pending, repairs := p.pending, p.repairs
	if p.repairs = 0; repairs == 0 {
		p.pending = nil
	}
	now := p.now()
	want := max(0, p.want(now))
	if p.slots.left() > 0 && p.slots.end()-now > max(lead, 3*p.trip) {
		want = 0 // called for another reason: the leased slots suffice
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	switch {
	case repairs != 0:
		p.repair(ctx, repairs)
	case pending != nil:
		p.tell(ctx, pending)
	default:
		p.exchange(ctx, want)
	}
	p.mu.Lock()
	p.busy = false
	p.wake()
	p.mu.Unlock()
}

// exchange asks for want slots and sends the backend everything that it may not know.
func (p *Pacer) exchange(ctx context.Context, want int) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	a := ask{worker: p.set.Worker, rate: p.set.Rate, headroom: p.set.Headroom, limit: p.set.Workers,
		want: want, ahead: horizon, grace: p.grace, spell: p.spell,
		opRate: p.opRate, opBy: p.opBy, ok: p.ok, bad: p.bad}
	p.vouch(&a)
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
		// The counts may have arrived: to count a failure twice is harmless, to lose a success is
		// not.
		p.ok, p.bad = p.ok+a.ok, p.bad+a.bad
		p.fail(arrived, err)
		return
	}
	usual := p.usual
	p.answered(sent, arrived, g.now)
	p.meet(g)
	if sent > p.rumourAt {
		p.rumour = 0
	}
	p.know(fact{epoch: g.epoch, until: g.until, now: g.now}, arrived)
	p.knowHold(g, arrived)
	p.noteOutage(g, arrived)
	p.noteCeiling(g)
	p.last = g
	p.learn(a, g)
	p.insist(g, arrived)
	if a.spell {
		p.spell = false
	}
	if arrived-sent > max(slowCall, 4*usual) { // what others could not report meanwhile comes first
		p.spell, p.must = true, true
		p.freezes++
	}
	p.alive(arrived)
	p.take(g, arrived, freezes)
}

// take adds the slots of an answer to the slots in hand.
func (p *Pacer) take(g grant, arrived int64, freezes int) {
	p.granted += int64(g.n)
	if g.n == 0 {
		p.askAt = arrived + min(max(g.wait, 1), heartbeat)*nsPerMicro
		return
	}
	p.askAt = 0
	if freezes != p.freezes || g.epoch < p.epoch {
		p.wasted += int64(g.n)
		return
	}
	p.slots = append(p.slots, lease{grant: g, voided: p.voided, first: p.clock.local(g.base, g.off), late: p.lateness()})
	p.wake()
}

// lateness returns how late a slot of the latest answer may be used. The clock's own error is
// subtracted, else the slots of two workers come closer than the bound allows; half is left in any
// case, for a backend that is far away.
func (p *Pacer) lateness() int64 {
	d := int64(p.set.Lateness)
	return d - min(d/2, p.clock.slack())
}

func (p *Pacer) begin() int64 {
	p.made++
	p.called = p.now()
	return p.called
}

// answered notes a call that worked. If the backend's clock jumped ahead, slots leased before and
// after the jump overlap: this worker then stays silent until the earlier ones are used up.
func (p *Pacer) answered(sent, arrived, now int64) {
	p.trip, p.failing, p.failed, p.retryAt, p.denied = arrived-sent, 0, 0, 0, 0
	p.usual += (p.trip - p.usual) / 8
	if p.clock.add(sent, arrived, now) {
		p.jumped = max(p.jumped, arrived+horizon*nsPerMicro)
	}
}

func (p *Pacer) fail(now int64, err error) {
	if p.ctx.Err() != nil {
		return
	}
	p.deny(now, err)
	if p.failing == 0 {
		p.failing = max(1, p.called)
	}
	delay := min(maxRetry, retryFirst<<min(p.failed, 10))
	p.failed++
	p.spell = true
	p.retryAt = now + delay/2 + rand.Int64N(delay/2)
	p.must = true
}
