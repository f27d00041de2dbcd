package pace

import (
	"context"
	"math"
	"time"

	"shoal/internal/harvest"
)

// silences is what a [Pacer] knows of them, as local instants: no instant of one clock is ever
// compared with another's.
type silences struct {
	sure      int64 // end of the upstream's silence that this worker was asked for, or that the store knows of
	heard     int64 // end of the silence that the backend knows of
	rumour    int64 // end of the silence that an event announced, until the backend has answered
	rumourAt  int64 // when that came
	jumped    int64 // the backend's clock jumped ahead: slots from before and after overlap until then
	held      int64 // end of the operator's silence
	untilSeen int64 // the backend's instants that heard and held were made of
	holdSeen  int64
	keptTo    int64 // the store knows of a silence until then
}

// trust is what a [Pacer] believes of the backend's answers. After the store's first answer, the
// store wins.
type trust struct {
	told       bool  // the store has answered once
	staleAt    int64 // the backend's state was lost then, and the store has not been asked since
	opRate     float64
	opBy       string
	opHold     int64 // local end of the operator's silence, as the store or the lost state knew it
	lifted     time.Time
	heardAt    int64 // since when heard is beyond what is sure
	heldAt     int64 // since when the backend holds longer than the store
	rateAt     int64 // since when the backend's rate differs from the store's
	believed   believed
	liftEnd    int64 // end of the silence that an operator ended; until liftDone another worker may not know that yet
	liftDone   int64
	doubtAfter int64 // no other doubt before
	repairs    repairs
}

// believed is a silence or a hold that came back after it was doubted: another worker, perhaps of
// another store, is sure of it.
type believed struct {
	silence, hold int64 // their ends
	rate          float64
}

// repairs are what the backend has to undo.
type repairs int

const (
	repairSilence repairs = 1 << iota // end the upstream's silence
	repairAll                         // begin anew
)

const (
	maxRumour   = int64(2 * time.Second)  // an event silences no longer than this: the backend is asked
	unconfirmed = int64(3 * time.Second)  // what the store does not confirm within this time has another source
	sameEnd     = int64(2 * time.Second)  // ends of a silence that are no further apart are one
	doubtEvery  = int64(20 * time.Second) // a doubt costs the fleet three seconds
)

// silentUntil returns the end of the upstream's silence, as far as it is known.
func (p *Pacer) silentUntil() int64 { return max(p.sure, p.heard, p.rumour) }

// quiet returns the local instant before which no permit that is due is valid.
func (p *Pacer) quiet() int64 { return max(p.silentUntil(), p.jumped, p.held) }

// unsure reports whether the backend's state was lost and the store has not been asked since.
func (p *Pacer) unsure() bool { return p.told && p.staleAt > 0 }

// meet notices that an answer is about another state than earlier ones: that state was lost. Slots
// in hand are void.
func (p *Pacer) meet(g grant) {
	if g.born == p.born {
		return
	}
	if p.born != 0 {
		p.staleAt = p.now()
		p.opHold = max(p.opHold, p.held)
		p.voided++
	}
	p.born, p.epoch, p.untilSeen, p.holdSeen = g.born, g.epoch, 0, 0
}

// know learns the upstream's silence from the backend. An end is translated once: if the backend's
// clock jumps later, the instant stays.
func (p *Pacer) know(f fact, arrived int64) {
	if f.epoch > p.epoch {
		p.epoch = f.epoch
		p.voided++
	}
	if f.until == p.untilSeen || !p.clock.ready() {
		return
	}
	p.untilSeen = f.until
	if left := f.until - f.now; left > 0 {
		most := arrived + min(left, p.set.MaxSilence.Microseconds())*nsPerMicro
		if end := min(p.clock.local(f.until, 0), most); end > p.heard && (arrived > p.liftDone || end > p.liftEnd+sameEnd) {
			p.heard, p.heardAt = end, arrived
		}
	}
}

// knowHold learns the operator's silence from the backend. An unchanged one is not translated
// again, so that a clock that jumps ahead ends no pause.
func (p *Pacer) knowHold(g grant, arrived int64) {
	if g.hold == p.holdSeen {
		return
	}
	p.holdSeen = g.hold
	switch left := g.hold - g.now; {
	case g.hold == 0, left <= 0:
		p.held, p.opHold = 0, 0
	default:
		p.held = min(p.clock.local(g.hold, 0), arrived+min(left, int64(longest/time.Microsecond))*nsPerMicro)
		p.opHold = p.held
	}
}

// vouch puts into a call what this worker is sure of: what the upstream asked of it, what the store
// knows and, without a store, what the backend sent before.
func (p *Pacer) vouch(a *ask) {
	now, sure := p.now(), p.sure
	if !p.told {
		sure = max(sure, p.heard)
	} else {
		a.most = p.allowedRate()
	}
	a.silent, a.opHold = micros(max(0, sure-now)), micros(max(0, p.opHold-now))
}

// allowedRate returns the rate that the store allows, or this worker's own.
func (p *Pacer) allowedRate() float64 {
	if p.opRate > 0 {
		return p.opRate
	}
	return p.set.Rate
}

// learn keeps the operator's rate for a backend that loses it, where no store keeps it.
func (p *Pacer) learn(a ask, g grant) {
	if !p.told && p.opRate == a.opRate && g.rateBy != "" {
		p.opRate, p.opBy = g.rate, g.rateBy
	}
}

// insist reports a silence again if the backend knows of a shorter one than this worker is sure of:
// its state was lost, or its clock jumped.
func (p *Pacer) insist(g grant, arrived int64) {
	theirs := max(0, g.until-g.now) * nsPerMicro
	if p.sure-arrived > theirs+p.trip+sameSilence*nsPerMicro && p.pending == nil && p.repairs == 0 {
		p.pend(&silence{until: p.sure})
	}
}

// hear takes in an event. It is only a rumour: the worker asks the backend in any case.
func (p *Pacer) hear(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if e.turned {
		p.live = e.live
		p.must = p.must || e.live && p.made > 0
	} else {
		if e.epoch > p.epoch {
			p.freezes++
			p.voided++
		}
		if left := e.until - e.now; left > 0 && e.until != p.untilSeen {
			p.rumour, p.rumourAt = max(p.rumour, now+min(left, maxRumour/nsPerMicro)*nsPerMicro), now
		}
		p.must = p.must || p.made > 0
	}
	p.askAt = 0
	p.wake()
}

// Known is what the store knows about the budget's host.
type Known = harvest.PaceOrder

// Confirm passes on what the store knows. A worker that has a store calls it before the first
// [Pacer.Wait] and regularly from then on. If [Redis] claims more than that, and no worker is sure
// of it, the claim holds for some seconds: then the state in Redis is made anew.
func (p *Pacer) Confirm(s Known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, asked := p.now(), int64(s.Asked.Sub(p.began))
	first := !p.told
	p.told = true
	if asked >= p.staleAt {
		p.staleAt = 0
	}
	if !first && !s.Lifted.Equal(p.lifted) {
		p.lift()
	}
	p.lifted = s.Lifted
	if end := now + int64(min(s.Silence, p.set.MaxSilence)); s.Silence > 0 && end > p.sure+(now-asked)+sameSilence*nsPerMicro {
		p.sure = end
	}
	p.obey(s, now)
	p.doubt(s, now, asked)
	p.wake()
}

// obey applies the operator's rate and hold. The backend's state wins unless it was lost.
func (p *Pacer) obey(s Known, now int64) {
	rate, by, hold := max(0, s.Rate), operator(s.By), int64(0)
	switch {
	case s.Hold < 0:
		hold = now + int64(longest)
	case s.Hold > 0:
		hold = now + int64(min(s.Hold, longest))
	}
	same := rate == p.opRate && max(hold-p.opHold, p.opHold-hold) < int64(time.Second)
	if s.Hold < 0 {
		same = rate == p.opRate && p.opHold > now+int64(longest)/2
	}
	if same {
		return
	}
	p.opRate, p.opBy, p.opHold = rate, by, hold
	p.must = p.must || p.last.now > 0
}

// lift ends every silence that the upstream asked for, because an operator ordered so.
func (p *Pacer) lift() {
	now := p.now()
	p.liftEnd, p.liftDone = p.silentUntil(), now+unconfirmed
	p.sure, p.heard, p.rumour, p.keptTo = 0, 0, 0, 0
	if p.pending != nil {
		p.pending.until = now
	}
	p.repairs |= repairSilence
}

// doubt finds what the backend claims and the store does not know, for longer than an order or a
// report takes to reach both.
func (p *Pacer) doubt(s Known, now, asked int64) {
	since := func(at *int64, yes bool) bool {
		if !yes {
			*at = math.MaxInt64
		} else if *at > now {
			*at = now
		}
		return *at < asked-unconfirmed
	}
	other := func(one, two int64) bool { return max(one-two, two-one) > sameEnd }
	silence := since(&p.heardAt, p.heard > max(p.sure, now)+sameEnd && other(p.heard, p.believed.silence))
	hold := since(&p.heldAt, p.held > max(p.opHold, now)+sameEnd && other(p.held, p.believed.hold))
	rate := since(&p.rateAt, p.last.rateBy != "" && p.last.rate != s.Rate && p.last.rate != p.believed.rate)
	if !silence && !hold && !rate || now < p.doubtAfter {
		return
	}
	if silence {
		p.believed.silence, p.heard = p.heard, 0
	}
	if hold {
		p.believed.hold, p.held = p.held, p.opHold
	}
	if rate {
		p.believed.rate = p.last.rate
	}
	p.heardAt, p.heldAt, p.rateAt = math.MaxInt64, math.MaxInt64, math.MaxInt64
	p.doubtAfter = now + doubtEvery
	p.repairs |= repairAll
	p.set.Log.Warn("Redis holds a state that neither the store nor a worker knows of: its state of this host is made anew",
		"host", p.set.Host, "silence", silence, "pause", hold, "rate", rate)
}

// repair makes the backend undo something; it is tried again if that fails.
func (p *Pacer) repair(ctx context.Context, what repairs) {
	p.mu.Lock()
	sent := p.begin()
	p.mu.Unlock()
	known, err := p.backend.repair(ctx, p.set.Host, what&repairAll != 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	arrived := p.now()
	if err != nil {
		p.repairs |= what
		p.fail(arrived, err)
		return
	}
	p.answered(sent, arrived, known.now)
	p.know(known, arrived)
	p.must = true
}

// keep makes the store note a silence of a second or more. Refusals of one burst end at nearly the
// same instant: the second of them is noted as a little longer, which covers all that follow.
func (p *Pacer) keep(until int64, delay time.Duration) {
	if p.set.Silences == nil || delay < time.Second || until <= p.keptTo || p.closed {
		return
	}
	if p.keptTo > 0 && until-p.keptTo < int64(250*time.Millisecond) {
		until += int64(250 * time.Millisecond)
	}
	p.keptTo = until
	p.running.Go(func() { p.keepOn(until) })
}

// keepOn tries until the store has noted it. When the [Pacer] ends it tries once more: the process
// may be started again within the silence.
func (p *Pacer) keepOn(until int64) {
	for {
		last := p.ctx.Err() != nil
		left := until - p.now()
		if left <= 0 || p.wasLifted(until) {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), callTimeout)
		err := p.set.Silences.Silence(ctx, p.set.Host, time.Duration(left))
		cancel()
		if err == nil || last {
			return
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (p *Pacer) wasLifted(until int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sure < until-int64(time.Second)
}
