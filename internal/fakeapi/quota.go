package fakeapi

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// quota is what a budget has left: up to reset it admits so many more, and no others.
type quota struct {
	// limit is the most that it ever admits at once; 0 where there is no budget.
	limit int
	left  int
	// reset is when there is room for one more than left; zero where nothing keeps anybody out.
	reset time.Time
}

// left says what take would admit after now.
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

// quotaOf is the quota after a visit was decided over. The lock is held.
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

// write says it in headers; nothing where there is no budget and nobody is kept out.
func (q quota) write(h http.Header, as Reset) {
	if q.reset.IsZero() {
		return
	}
	if q.limit > 0 {
		h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit))
	}
	h.Set("X-RateLimit-Remaining", strconv.Itoa(q.left))
	// Rounded up, each of them: who comes at the reset is let in.
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
