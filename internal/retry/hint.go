package retry

import (
	"net/http"
	"time"
)

// Unit says how a bare number in a reset header is read.
type Unit uint8

// The units. A profile pins one where the guess by size would be wrong.
const (
	UnitGuess      Unit = iota // by its size, see resetIn
	UnitDelta                  // seconds from now
	UnitEpoch                  // seconds since 1970
	UnitEpochMilli             // milliseconds since 1970
)

// MostWait is the longest wait that is believed. It is far beyond any patience,
// so nothing that a person would wait for is cut, and short enough that no
// arithmetic on it overflows.
const MostWait = 366 * 24 * time.Hour

// Hint is what the rate-limit headers of one answer say.
type Hint struct {
	Wait      time.Duration // silence asked for; 0 means none, never "at once"
	WaitUntil time.Time     // now + Wait on the local clock; zero without Wait
	Source    string        // the header that asked for Wait

	// Of the policy that leaves least room.
	Remaining int64         // requests left in the window; -1 when unknown
	Limit     int64         // requests per window; -1 when unknown
	Reset     time.Duration // until Remaining is filled up again; 0 when unknown
	Window    time.Duration // length of the window; 0 when unknown

	Concurrency int64    // requests allowed at once; 0 when unknown
	Scope       string   // what the limit is about, if the upstream says so
	Malformed   []string // headers that could not be understood, sorted
}

// Pace is the rate in requests/s that uses up Remaining just when the window
// ends, never above the budget. It is the budget when the headers say nothing.
func (h Hint) Pace(budget float64) float64 {
	if h.Remaining <= 0 || h.Reset <= 0 {
		return budget
	}
	return min(budget, float64(h.Remaining)/h.Reset.Seconds())
}

// ParseHint reads the headers of an answer with this status that came at now.
func ParseHint(h http.Header, status int, now time.Time, unit Unit) Hint {
	return Hint{Remaining: -1, Limit: -1}
}
