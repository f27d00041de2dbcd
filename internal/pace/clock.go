package pace

import "math"

// samples is how many calls the clock remembers.
const samples = 256

// stepped is the least jump of the backend's clock that is waited out; anything smaller is drift.
const stepped = int64(20_000_000)

// sample bounds the difference local − backend clock, in ns: a call was sent, the backend read its
// clock, the answer arrived.
type sample struct{ low, high int64 }

// clock translates the backend's instants (µs) into monotonic ones of this process (ns since the
// [Pacer] began). It uses the smallest difference seen, which is never less than the true one. So a
// translated instant is late by at most the fastest answer's way, and never early.
type clock struct {
	ring []sample
	next int
	off  int64
	sure int64 // the largest difference that cannot be more than the true one
}

// add takes one call into account. It reports whether the backend's clock jumped ahead, which makes
// slots leased before and after the jump overlap.
func (c *clock) add(sent, arrived, now int64) (ahead bool) {
	s := sample{low: sent - (now+1)*nsPerMicro, high: arrived - now*nsPerMicro}
	kept := c.ring[:0]
	for _, old := range c.ring {
		ahead = ahead || old.low-s.high > stepped
		if old.high >= s.low && old.low <= s.high {
			kept = append(kept, old)
		}
	}
	if len(kept) < len(c.ring) {
		c.next = 0
	}
	c.ring = kept
	if len(c.ring) < samples {
		c.ring = append(c.ring, s)
	} else {
		c.ring[c.next] = s
		c.next = (c.next + 1) % samples
	}
	c.off, c.sure = math.MaxInt64, math.MinInt64
	for _, one := range c.ring {
		c.off, c.sure = min(c.off, one.high), max(c.sure, one.low)
	}
	return ahead
}

// local translates a backend's instant plus ns.
func (c *clock) local(micros, ns int64) int64 { return micros*nsPerMicro + ns + c.off }

// slack returns how late an instant from local may be.
func (c *clock) slack() int64 { return max(0, c.off-c.sure) }

// ready reports whether a call was ever answered.
func (c *clock) ready() bool { return len(c.ring) > 0 }
