package fakeapi

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// quota is what a budget has left: up to reset it admits that many more, and no others.
type quota struct {
	// limit is the most that it ever admits at once; 0 if there is no budget.
	limit int
	left  int
	// reset is when there is room for one more than left; zero if nothing is refused.
	reset time.Time
}

// left returns what take would admit after now.
func (b *budget) left(now time.Time, rate float64, burst int) quota {
	switch {
	case rate <= 0:
		return quota{}
	case burst > 0:
		return b.leftOfBucket(now, rate, burst)
	}
	window, most := windowOf(rate)
	q := quota{limit: most, left: most, reset: now}
	for i := len(b.recent) - 1; i >= 0 && now.Sub(b.recent[i]) < window && q.left > 0; i-- {
		q.left--
		q.reset = b.recent[i].Add(window)
	}
	return q
}

func (b *budget) leftOfBucket(now time.Time, rate float64, burst int) quota {
	q := quota{limit: burst, left: burst, reset: now}
	if b.filled.IsZero() {
		return q
	}
	tokens := b.tokens + rate*now.Sub(b.filled).Seconds()
	if tokens >= float64(burst) {
		return q
	}
	q.left = int(tokens + 1e-9) // as in takeToken
	q.reset = now.Add(time.Duration((float64(q.left+1) - tokens) / rate * float64(time.Second)))
	return q
}

// quotaOf returns the quota after a visit was decided. The lock is held.
func (s *Server) quotaOf(v *visit) quota {
	q := s.budget.left(v.arrival.At, v.b.Rate, v.b.Burst)
	switch {
	case v.arrival.Refused:
		q.left, q.reset = 0, v.arrival.At.Add(v.wait)
	case v.fault.Kind == KindTooMany:
		q.left, q.reset = 0, s.closed
	}
	return q
}

// write writes the quota into headers; nothing if there is no budget and nothing is refused.
func (q quota) write(h http.Header, as Reset) {
	if q.reset.IsZero() {
		return
	}
	if q.limit > 0 {
		h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
	}
	h.Set("X-RateLimit-Remaining", strconv.Itoa(q.left))
	// Each form is rounded up: a client that comes at the reset is admitted.
	var reset int64
	switch as {
	case ResetEpoch:
		reset = q.reset.Add(time.Second - 1).Unix()
	case ResetEpochMS:
		reset = q.reset.Add(time.Millisecond - 1).UnixMilli()
	default:
		reset = int64(math.Ceil(max(0, time.Until(q.reset).Seconds())))
	}
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset, 10))
}
