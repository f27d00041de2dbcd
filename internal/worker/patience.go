package worker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Patience is how long a process waits for an unreachable dependency before it leaves with
// [ErrPatience].
type Patience struct {
	Limit time.Duration // 0: for ever
	Say   func(sentence string)
}

// Retry repeats do, with growing pauses, while temporary accepts its error and patience lasts. what
// names the dependency. Patience counts from the first failure: until then the dependency worked.
// The error of a context that ended wraps the last one of do.
func (p Patience) Retry(ctx context.Context, what string, temporary func(error) bool, do func() error) error {
	var since time.Time
	noted := false
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		err := do()
		if err == nil || !temporary(err) {
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if p.Limit > 0 && time.Since(since) > p.Limit {
			return fmt.Errorf("%w for %s: %w", ErrPatience, what, err)
		}
		if ctx.Err() != nil { // an error of a call that was cut off is not one of the dependency
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if !noted {
			p.Say(fmt.Sprintf("waiting for %s: %v", what, err))
			noted = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

// Ask returns what ask answers; again repeats it while the dependency is away.
func Ask[T any](ctx context.Context, again func(ctx context.Context, do func() error) error, ask func() (T, error)) (answer T, err error) {
	err = again(ctx, func() (err error) {
		answer, err = ask()
		return err
	})
	return answer, err
}

// RetryAnew takes a step, which waits with this patience, until its error is not that the patience
// ended, or is that right away. A step may wait for hours for something other than a dependency,
// which answers meanwhile: patience is for one that is away.
func (p Patience) RetryAnew(ctx context.Context, step func(context.Context) error) error {
	for {
		began := time.Now()
		err := step(ctx)
		if !errors.Is(err, ErrPatience) || time.Since(began) < 2*p.Limit {
			return err
		}
	}
}
