package leasing

import (
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// ErrReleased is the error of using a lease after Release or Complete.
var ErrReleased = errors.New("this lease was given back")

// WithTTL gives the claim the store's ttl if it has none of its own.
func WithTTL(c store.Claim, ttl time.Duration) store.Claim {
	if c.TTL <= 0 {
		c.TTL = ttl
	}
	return c
}

// Holder is the owner of a shard as others see it.
type Holder struct {
	Run     string
	Shard   harvest.Shard
	Owner   string
	Since   time.Time
	Renewed time.Time // zero where a lease is not renewed
	Now     time.Time
	silent  bool // the owner may be dead
}

// sentence names the owner in the way of a claim of want.
func (h Holder) sentence(want harvest.Shard) string {
	s := fmt.Sprintf("shard %s of run %s is held by %s since %s", h.Shard, h.Run, h.who(), h.Since.UTC().Format(time.DateTime+" MST"))
	if !h.Renewed.IsZero() {
		s += fmt.Sprintf(" (last heard of %s ago)", h.Now.Sub(h.Renewed).Round(100*time.Millisecond))
	}
	if h.Shard.Of != want.Of {
		s += fmt.Sprintf(": a run is cut into one number of shards at a time, so %s waits until no /%d is at work", want, h.Shard.Of)
	}
	if h.silent {
		s += "; it is silent and gives way in a moment, unless it comes back"
	}
	return s
}

func (h Holder) who() string {
	if h.Owner == "" {
		return "an unnamed worker"
	}
	return h.Owner
}

// held is the error of a claim that does not wait.
func (h Holder) held(want harvest.Shard) error {
	return fmt.Errorf("%w: %s; stop that worker, or start without --no-wait to wait for it", store.ErrHeld, h.sentence(want))
}

// Claiming is a claim under way, and the owner that it waits for.
type Claiming struct {
	store.Claim
	told   Holder // the owner of the last call of Waiting
	stands bool   // StandBy has called Waiting
}

// Report reports which owner the claim waits for, or refuses to wait for an owner who is alive.
func (w *Claiming) Report(inWay []HeldLease) error {
	for _, l := range inWay {
		if w.NoWait && !l.silent {
			return l.held(w.Shard)
		}
	}
	h := inWay[0].Holder
	if w.Waiting != nil && !h.same(w.told) {
		w.told = h
		w.Waiting(h.sentence(w.Shard))
	}
	return nil
}

// same reports whether both are one lease.
func (h Holder) same(other Holder) bool { return h.Shard == other.Shard && h.Since.Equal(other.Since) }
