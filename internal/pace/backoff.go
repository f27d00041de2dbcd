package pace

import (
	"context"
	"fmt"
	"time"
)

// longest bounds every silence: a request for more is a mistake.
const longest = 10 * 365 * 24 * time.Hour

// silence is a backoff that the backend does not have yet; several reports are merged into one.
type silence struct {
	until int64 // local
	seen  int64 // of the newest permit among those that may cut
	cut   bool
	done  chan struct{} // closed after the next attempt
	err   error         // of that attempt, valid once done is closed
}

// Backoff silences the fleet: the upstream asked for it in its answer to permit. cut means that the
// rate was at fault (429), not the upstream's own state (maxlag, 503 with Retry-After). The silence
// holds in this process at once. Backoff returns after the report to the backend; if that has
// failed so far, its error wraps [ErrUnreachable], or ctx's error, and the report is repeated as
// soon as the backend answers.
func (p *Pacer) Backoff(ctx context.Context, permit Permit, delay time.Duration, cut bool) error {
	p.mu.Lock()
	delay = min(max(delay, 0), p.set.MaxSilence)
	until := p.now() + int64(delay)
	p.sure = max(p.sure, until)
	p.keep(until, delay)
	s := p.pend(&silence{until: until, seen: permit.Epoch, cut: cut})
	p.dispatch(p.now())
	p.wake()
	p.mu.Unlock()
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("report a backoff of %v for %s: %w", delay, p.set.Host, ctx.Err())
	case <-p.ctx.Done():
		return fmt.Errorf("report a backoff of %v for %s: %w", delay, p.set.Host, ErrClosed)
	}
}

// pend queues a silence for the backend, merged with one that is queued already.
func (p *Pacer) pend(s *silence) *silence {
	if s == nil {
		return p.pending
	}
	if p.pending == nil {
		p.pending = &silence{done: make(chan struct{})}
		if s.done != nil {
			p.pending.done = s.done
		}
	}
	p.pending.merge(s)
	return p.pending
}

func (s *silence) merge(other *silence) {
	s.until = max(s.until, other.until)
	if other.cut {
		s.cut, s.seen = true, max(s.seen, other.seen)
	}
}

// tell reports a silence to the backend, and queues it again if that fails.
func (p *Pacer) tell(ctx context.Context, s *silence) {
	p.mu.Lock()
	// One more µs: the backend's clock is rounded down, and the silence must never be shorter than
	// asked.
	r := report{seen: s.seen, cut: s.cut, delay: micros(max(0, s.until-p.now())) + 1}
	sent := p.begin()
	p.mu.Unlock()

	known, err := p.backend.backoff(ctx, p.set.Host, r)

	p.mu.Lock()
	defer p.mu.Unlock()
	arrived := p.now()
	if err == nil {
		p.answered(sent, arrived, known.now)
		p.know(known, arrived)
	} else {
		s.err = fmt.Errorf("%w: %w", ErrUnreachable, err)
		p.fail(arrived, err)
		p.pend(&silence{until: s.until, seen: s.seen, cut: s.cut})
	}
	close(s.done)
}

// outages is the latest outage by the local clock; tries within it cost their items nothing.
type outages struct{ from, to int64 }

// noteOutage follows the outage as the backend reports it.
func (p *Pacer) noteOutage(g grant, now int64) {
	switch {
	case g.outage:
		p.from, p.to = max(1, p.clock.local(g.goodAt, 0)), never
	case p.to == never:
		p.to = now
	}
}

// since returns the beginning of the current outage.
func (p *Pacer) since() time.Time {
	if p.to != never {
		return time.Time{}
	}
	return p.at(p.from)
}

// Forgiven reports whether a try made at t fell into an outage of the upstream. Such a try costs
// its item nothing.
func (p *Pacer) Forgiven(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := int64(t.Sub(p.began))
	return p.from != 0 && at >= p.from && at <= p.to
}
