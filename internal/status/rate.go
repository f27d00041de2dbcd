package status

import (
	"math"
	"time"
)

// The window over which speed is measured: ten seconds, or as long as it takes to see a few items
// of a slow upstream, but never more than five minutes.
const (
	minWindow   = 10 * time.Second
	maxWindow   = 5 * time.Minute
	windowItems = 20
)

// maxETA is longer than any plan; a longer time is shown as unknown.
const maxETA = 100 * 365 * 24 * time.Hour

type sample struct {
	at    time.Time
	items int64
}

// Speed measures items, or requests, per second over a sliding window. It has no clock of its own.
type Speed struct{ samples []sample }

// Add adds the number of items done at an instant. Instants never go back.
func (s *Speed) Add(at time.Time, items int64) {
	if n := len(s.samples); n > 0 && !at.After(s.samples[n-1].at) {
		return
	}
	s.samples = append(s.samples, sample{at, items})
	old := 0
	for old < len(s.samples)-1 && at.Sub(s.samples[old].at) > maxWindow {
		old++
	}
	s.samples = append(s.samples[:0], s.samples[old:]...)
}

// PerSecond returns the speed in items per second, 0 while it is not known.
func (s *Speed) PerSecond() float64 {
	if len(s.samples) == 0 {
		return 0
	}
	last := s.samples[len(s.samples)-1]
	for i := len(s.samples) - 2; i >= 0; i-- {
		first := s.samples[i]
		span, items := last.at.Sub(first.at), last.items-first.items
		if i == 0 || (span >= minWindow && items >= windowItems) {
			return max(0, float64(items)/span.Seconds())
		}
	}
	return 0
}

// ETA returns the time that so many items take at a speed; not ok if that is unknown.
func ETA(left int64, perSecond float64) (eta time.Duration, ok bool) {
	seconds := float64(max(0, left)) / perSecond
	if perSecond <= 0 || math.IsNaN(seconds) || seconds > maxETA.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second), true
}
