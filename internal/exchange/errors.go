package exchange

import (
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// How work that needs the upstream may end without it; each has an exit code of its own.
var (
	// ErrRefused is [harvest.ErrRefused]: the upstream refuses us, and a person is needed.
	ErrRefused = harvest.ErrRefused
	// ErrPatience means that a dependency, an upstream or a backoff outlasted --patience.
	ErrPatience = errors.New("waited longer than --patience")
)

// Impatient returns the [ErrPatience] of a dependency that has failed since an instant.
func Impatient(what string, since time.Time, cause error) error {
	return fmt.Errorf("%w: %s since %s: %w", ErrPatience, what, since.Format(time.TimeOnly), cause)
}

// Bounded returns the [ErrPatience] of a silence, at now, that is longer than a person agrees to
// wait without being asked; nil for any other. 0 means no bound.
func Bounded(d retry.Decision, now time.Time, maxSilence, patience time.Duration) error {
	switch {
	case maxSilence > 0 && d.Pause > maxSilence:
		return fmt.Errorf("%w: the upstream asks for a silence of %s (%s), longer than --max-silence %s: nothing is sent to it for %s; then start again, "+
			"or give a longer --max-silence, or end it with coordinator resume --host", ErrPatience, d.Pause.Round(time.Second), d.Source, maxSilence, maxSilence)
	case patience > 0 && d.Pause > patience:
		return SilentUntil(now.Add(d.Pause))
	}
	return nil
}

// SilentUntil returns the [ErrPatience] of a silence that lasts until then.
func SilentUntil(then time.Time) error {
	return fmt.Errorf("%w: the upstream asked for silence until %s; start again then", ErrPatience, then.Format(time.DateTime))
}

// persistent is how many incidents in a row make a refused certificate or credential something that
// a person must look at.
const persistent = 4

// Hopeless returns the [ErrRefused] of a connection that failed that many times in a row, if a
// person must act; nil if it may come back.
func Hopeless(err error, incidents int) error {
	failure, ok := errors.AsType[*harvest.Failure](err)
	if ok && (failure.Fault == harvest.FaultBlocked || incidents >= persistent && (failure.Fault == harvest.FaultTLS || failure.Fault == harvest.FaultCredential)) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// Refused is the [ErrRefused] of a single answer. If the answer decides how the requested item
// ends, rather than that all requests must stop, Verdict has the outcome, its reason and the
// evidence.
type Refused struct {
	Text    string
	Setting string // that the answer does not fit; empty if the upstream refuses us
	Class   retry.Class
	Verdict harvest.Page
}

// Error implements error.
func (r *Refused) Error() string {
	if r.Setting != "" {
		return "the answers do not fit " + r.Setting + ": " + r.Text
	}
	return ErrRefused.Error() + ": " + r.Text
}

// Unwrap implements [errors.Is].
func (r *Refused) Unwrap() error { return ErrRefused }
