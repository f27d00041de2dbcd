package pace

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Held is a permit in the hands of one caller, which reports to the pacer that granted it.
type Held struct {
	Permit

	pacer *Pacer
}

// Acquire is [Pacer.Wait] for a caller that only holds the permit.
func (p *Pacer) Acquire(ctx context.Context) (Held, error) {
	permit, err := p.Wait(ctx)
	return Held{permit, p}, err
}

// Usable reports whether the permit may still be used.
func (h Held) Usable() bool { return h.pacer.Usable(h.Permit) }

// Unused gives the permit up.
func (h Held) Unused() { h.pacer.Unused(h.Permit) }

// Done reports how the exchange ended; ok when the upstream works.
func (h Held) Done(ctx context.Context, ok bool) { h.pacer.Done(ctx, h.Permit, ok) }

// Neutral reports that the exchange is no evidence about the upstream. The result of a probe counts
// all the same, as up has it: the fleet waits for it.
func (h Held) Neutral(ctx context.Context, up bool) {
	if h.Probe {
		h.Done(ctx, up)
		return
	}
	h.Unused()
}

// Backoff asks the whole fleet for silence. The silence holds here at once and is reported again
// until the backend has it.
func (h Held) Backoff(ctx context.Context, silence time.Duration, cut bool) {
	_ = h.pacer.Backoff(ctx, h.Permit, silence, cut)
}

// climbing is the part of the budget below which the rate is still on its way back.
const climbing = 0.97

// Pacing returns the state as a person and --patience see it.
func (s State) Pacing() harvest.Pacing {
	seen := harvest.Pacing{Budget: s.Budget, Lowered: s.Lowered, Share: s.Budget / float64(max(1, s.Active)), Limit: s.Limit, Until: s.Until, Since: s.Unreachable}
	if s.Limit == harvest.LimitBudget && s.Rate < climbing*s.Budget*s.Ceiling {
		seen.Limit = harvest.LimitRamp
	}
	if s.Hold.After(seen.Until) {
		seen.Until = s.Hold
	}
	if seen.Since.IsZero() {
		seen.Since = s.Outage
	}
	return seen
}
