package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"shoal/internal/harvest"
)

// The ledger claims three items that the store does not have: the pass ends in doubt, and one that
// asks the store finds them.
func TestWhatTheLedgerInventedIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(20)...)
		r.invented = map[harvest.Key]bool{}
		for _, entry := range r.items[5:8] {
			r.invented[entry.Item.Key] = true
		}
		if _, err := r.worker(t, r.config()).Drain(t.Context(), nil); !errors.Is(err, ErrDoubt) || r.sent() != 17 {
			t.Fatalf("Drain() = %v after %d requests, want ErrDoubt after 17", err, r.sent())
		}
		verify := r.config()
		verify.Verify = true
		result, err := r.worker(t, verify).Drain(t.Context(), nil)
		if err != nil || !result.Complete || r.sent() != 20 || len(r.pages) != 20 {
			t.Errorf("Drain(Verify) = %+v, %v with %d requests and %d rows, want complete with 20 and 20", result, err, r.sent(), len(r.pages))
		}
		// A rerun trusts the ledger, and one count confirms it.
		for _, entry := range r.items {
			r.invented[entry.Item.Key] = true
		}
		if _, err := r.worker(t, r.config()).Drain(t.Context(), nil); err != nil || r.sent() != 20 {
			t.Errorf("Drain() again = %v after %d requests, want nil and no further one", err, r.sent())
		}
	})
}

func (r *rig) ListShards(context.Context, string) ([]harvest.ShardState, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return []harvest.ShardState{{Shard: r.config().Shard, Counts: harvest.Counts{Landed: int64(len(r.pages))}}}, nil
}
