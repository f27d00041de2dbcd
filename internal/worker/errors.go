package worker

import (
	"errors"
	"fmt"
	"time"
)

// How a worker may end other than drained or interrupted; each is an exit code of its own.
var (
	// ErrRefused: the upstream refuses us, and a person is needed.
	ErrRefused = errors.New("the upstream refuses us")
	// ErrPatience: a dependency, the upstream or a backoff outlasted --patience.
	ErrPatience = errors.New("waited longer than --patience")
	// ErrIncomplete: the corpus is damaged, or not every item handed out was committed.
	ErrIncomplete = errors.New("incomplete")
	// ErrFenced: somebody else owns the shard.
	ErrFenced = errors.New("somebody else owns this shard now")
	// ErrStopped: the first signal came; what was in flight has landed.
	ErrStopped = errors.New("stopped; start the same command again to go on")
)

func impatient(what string, since time.Time, cause error) error {
	return fmt.Errorf("%w: %s since %s: %w", ErrPatience, what, since.Format(time.TimeOnly), cause)
}

// Refused is the ErrRefused of a single answer.
type Refused struct {
	Status int // of the answer; 0 if it is no matter of its status
	Text   string
}

func (r *Refused) Error() string { return ErrRefused.Error() + ": " + r.Text }

// Unwrap implements errors.Is.
func (r *Refused) Unwrap() error { return ErrRefused }
