package ledger

import (
	"context"
	"fmt"
	"iter"

	"shoal/internal/harvest"
)

// Source is the store that knows which items of a run have ended. Its errors are passed on.
type Source interface {
	// Fingerprint returns the generation of the run's sets that workers believe.
	Fingerprint(ctx context.Context, run string) (string, error)
	// NewGeneration replaces it.
	NewGeneration(ctx context.Context, run string) error
	// Keys yields the keys of all items of the run that have ended. It stops after the first error.
	Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error]
}

// Rebuild gives the run a new generation and fills the sets for it from the store. The new
// generation comes first: from then on no worker believes the old sets. It returns how many keys it
// marked.
func (l *Ledger) Rebuild(ctx context.Context, from Source) (keys int64, err error) {
	old, err := from.Fingerprint(ctx, l.run)
	if err != nil {
		return 0, err
	}
	if err := from.NewGeneration(ctx, l.run); err != nil {
		return 0, err
	}
	fresh, err := from.Fingerprint(ctx, l.run)
	if err != nil {
		return 0, err
	}
	if keys, err = Refill(ctx, l, fresh, from.Keys(ctx, l.run)); err != nil {
		return keys, fmt.Errorf("refill the ledger of run %s: %w", l.run, err)
	}
	if err := l.Drop(ctx, old); err != nil {
		return keys, fmt.Errorf("drop the old ledger of run %s: %w", l.run, err)
	}
	return keys, nil
}
