package worker

import (
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// How a worker may end other than drained or interrupted; each is an exit code of its own.
var (
	// ErrRefused: the upstream refuses us, and a person is needed.
	ErrRefused = errors.New("the upstream refuses us")
	// ErrPatience: a dependency, the upstream or a backoff outlasted --patience.
	ErrPatience = errors.New("waited longer than --patience")
	// ErrIncomplete: the corpus is damaged, or not every item handed out was committed.
	ErrIncomplete = errors.New("incomplete")
	// ErrAnother: what the store held when the pass began may not be there any more. Another pass finds what is missing.
	ErrAnother = fmt.Errorf("%w: the store was restored, failed over or its ledger rebuilt while this worker ran; start again, so that nothing is missed", ErrIncomplete)
	// ErrDoubt: the ledger says of more items that they have ended than the store has counted. A pass with Config.Verify tells.
	ErrDoubt = fmt.Errorf("%w: Redis says of more items that they have ended than the store has counted", ErrIncomplete)
	// ErrFenced: somebody else owns the shard.
	ErrFenced = errors.New("somebody else owns this shard now")
	// ErrStopped: the first signal came; what was in flight has landed.
	ErrStopped = errors.New("stopped; start the same command again to continue")
)

func impatient(what string, since time.Time, cause error) error {
	return fmt.Errorf("%w: %s since %s: %w", ErrPatience, what, since.Format(time.TimeOnly), cause)
}

// tooLong is for a silence that a person must decide about.
func tooLong(d retry.Decision, most time.Duration) error {
	return fmt.Errorf("%w: the upstream asks for a silence of %s (%s), longer than --max-silence %s: nothing is sent to it for %s; then start again, "+
		"or give a longer --max-silence, or end it with coordinator resume --host", ErrPatience, d.Pause.Round(time.Second), d.Source, most, most)
}

// Refused is the ErrRefused of a single answer. Where the answer says how the item ends that was asked for, and not that
// nobody is to ask any more, Verdict has the outcome, its reason and the evidence.
type Refused struct {
	Text    string
	Class   retry.Class
	Verdict harvest.Page
}

func (r *Refused) Error() string { return ErrRefused.Error() + ": " + r.Text }

// Unwrap implements errors.Is.
func (r *Refused) Unwrap() error { return ErrRefused }
