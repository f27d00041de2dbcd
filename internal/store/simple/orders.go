package simple

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Host is what operators ordered for an upstream, and what it asked for itself.
type Host struct {
	Rate        string
	By          string // who gave the last order, and when
	At          time.Time
	HeldForever bool
	HeldUntil   time.Time
	SilentUntil time.Time
	Lifted      time.Time
}

// Control returns the orders as they are now, without those for a run.
func (h Host) Control(now time.Time) harvest.Control {
	c := harvest.Control{Rate: h.Rate, By: h.By, At: h.At, Lifted: h.Lifted, Hold: max(0, h.HeldUntil.Sub(now)), Silence: max(0, h.SilentUntil.Sub(now))}
	if h.HeldForever {
		c.Hold = harvest.Forever
	}
	return c
}

// Orders derives the orders of [store.Controls] for a host, and [store.Silences], from one method.
type Orders struct {
	// Change lets do change what is known of the host, which is the zero Host at first.
	Change func(ctx context.Context, host string, do func(h *Host, now time.Time)) error
}

// SetRate implements [store.Controls].
func (o Orders) SetRate(ctx context.Context, host, rate, by string) error {
	return o.Change(ctx, host, func(h *Host, now time.Time) { h.Rate, h.By, h.At = rate, by, now })
}

// Hold implements [store.Controls].
func (o Orders) Hold(ctx context.Context, host string, length time.Duration, by string) error {
	return o.Change(ctx, host, func(h *Host, now time.Time) {
		h.HeldForever, h.HeldUntil, h.By, h.At = length == harvest.Forever, now.Add(length), by, now
	})
}

// Silence implements [store.Silences].
func (o Orders) Silence(ctx context.Context, host string, length time.Duration) error {
	return o.Change(ctx, host, func(h *Host, now time.Time) {
		if end := now.Add(length); end.After(h.SilentUntil) {
			h.SilentUntil = end
		}
	})
}

// Lift implements [store.Silences].
func (o Orders) Lift(ctx context.Context, host, by string) error {
	return o.Change(ctx, host, func(h *Host, now time.Time) { h.SilentUntil, h.Lifted, h.By, h.At = time.Time{}, now, by, now })
}
