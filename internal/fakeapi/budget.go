package fakeapi

import (
	"math"
	"time"
)

// budget decides over arrivals only by the clock. Refused ones use nothing of it.
type budget struct {
	// recent holds the admitted arrivals that still count in the sliding window, oldest first.
	recent []time.Time
	// tokens were left in the bucket at the instant filled.
	tokens float64
	filled time.Time
}

// take admits an arrival at now, or returns how long until there is room.
func (b *budget) take(now time.Time, rate float64, burst int) (wait time.Duration, ok bool) {
	if rate <= 0 {
		return 0, true
	}
	if burst > 0 {
		return b.takeToken(now, rate, burst)
	}
	window, most := windowOf(rate)
	for len(b.recent) > 0 && now.Sub(b.recent[0]) >= window {
		b.recent = b.recent[1:]
	}
	if n := len(b.recent); n >= most {
		return window - now.Sub(b.recent[n-most]), false
	}
	b.recent = append(b.recent, now)
	return 0, true
}

// windowOf returns the sliding window of a rate, and how many it admits.
func windowOf(rate float64) (window time.Duration, most int) {
	window = time.Duration(max(1, 1/rate) * float64(time.Second))
	return window, int(math.Ceil(rate * window.Seconds()))
}

func (b *budget) takeToken(now time.Time, rate float64, burst int) (wait time.Duration, ok bool) {
	if b.filled.IsZero() {
		b.tokens = float64(burst)
	} else {
		b.tokens = min(float64(burst), b.tokens+rate*now.Sub(b.filled).Seconds())
	}
	b.filled = now
	if b.tokens < 1-1e-9 { // a sum of fractions may miss 1 by a hair
		return time.Duration((1 - b.tokens) / rate * float64(time.Second)), false
	}
	b.tokens--
	return 0, true
}
