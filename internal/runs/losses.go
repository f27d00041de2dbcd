package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

// ErrOverLimit: the run is drained, with more losses than its operator allows.
var ErrOverLimit = errors.New("drained, with more losses than allowed")

// Allowance is how many items may end in one way.
type Allowance interface {
	// Exceeded reports whether n of all items are too many.
	Exceeded(n, all int64) bool
	// String is the allowance as an operator writes it.
	String() string
}

// Allowed are the losses that an operator allows.
type Allowed struct{ Dead, Skipped, Rejected, Missing Allowance }

// Check compares the losses of a whole run with what is allowed. items is how many the corpus has:
// while shards are at work more may be in it than have ended. Its error is [ErrOverLimit].
func (a Allowed) Check(totals harvest.Counts, items int64) error {
	all := max(items, totals.Items()) + totals.Rejected
	var over []string
	for _, loss := range []struct {
		name  string
		n     int64
		allow Allowance
	}{
		{"dead", totals.Dead, a.Dead},
		{"skipped", totals.Skipped, a.Skipped},
		{"rejected", totals.Rejected, a.Rejected},
		{"missing", totals.Missing, a.Missing},
	} {
		if loss.allow.Exceeded(loss.n, all) {
			over = append(over, fmt.Sprintf("%d %s (--max-%s %s)", loss.n, loss.name, loss.name, loss.allow))
		}
	}
	if len(over) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOverLimit, strings.Join(over, ", "))
}

// AllRejected returns [ErrOverLimit] for the error of a corpus each of whose lines is rejected; nil
// where that is allowed.
func (a Allowed) AllRejected(err error) error {
	if !a.Rejected.Exceeded(1, 1) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrOverLimit, err)
}

// Ended is what the store has of how the items of a run ended. Its errors are passed on.
type Ended interface {
	Totals(ctx context.Context, run string) (harvest.Counts, error)
	FindRun(ctx context.Context, name string) (harvest.Run, error)
}

// Judge checks the losses of a run as the store has them now. Its error is [ErrOverLimit], or the
// store's.
func (a Allowed) Judge(ctx context.Context, store Ended, name string) error {
	totals, err := store.Totals(ctx, name)
	if err != nil {
		return err
	}
	run, err := store.FindRun(ctx, name)
	if err != nil {
		return err
	}
	return a.Check(totals, run.CorpusItems)
}
