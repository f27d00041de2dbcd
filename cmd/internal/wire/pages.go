package wire

import (
	"context"
	"errors"
	"shoal/internal/listing"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// drainListing walks the chains of the shard to their ends.
func (h *Harvester) drainListing(ctx context.Context) (Outcome, error) {
	out := Outcome{Run: h.run}
	walk, end := h.untilStopped(ctx, 0)
	defer end()
	err := h.pages.Walk(walk)
	switch {
	case errors.Is(err, store.ErrFenced):
		return out, worker.ErrFenced
	case errors.Is(err, listing.ErrLimit):
		return out, nil
	case err != nil:
		return out, err
	}
	settle, stop := h.untilStopped(ctx, lastWord)
	defer stop()
	h.report(settle, lastWord/2, false)
	return out, h.settle(settle, worker.Result{Complete: true}, &out)
}
