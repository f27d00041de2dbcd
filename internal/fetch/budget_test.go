package fetch

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"shoal/internal/harvest"
)

// TestGrowthWaits checks that answers that grow wait while the budget is used up, except for one,
// so that all of them end; together they never hold more than the budget and what one answer may
// hold.
func TestGrowthWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &budget{limit: 100, largest: 100}
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				a := &account{b: b, ctx: t.Context()}
				defer a.Close()
				for range 10 { // each needs all that one answer may hold
					if err := a.Grow(10); err != nil {
						t.Errorf("Grow(10) = %v, want none", err)
					}
					if used := b.inUse(); used > 200 {
						t.Errorf("%d bytes are in use, want at most the budget and what one answer may hold", used)
					}
				}
			})
		}
		all.Wait() // a deadlock fails the test
		if used := b.inUse(); used != 0 {
			t.Errorf("%d bytes are in use at the end, want 0", used)
		}
	})
}

// TestGrowthEnds checks that an answer that needs more than one may hold is refused, and that an
// abandoned one does not wait.
func TestGrowthEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &budget{limit: 100, largest: 150}
		first := &account{b: b, ctx: t.Context()}
		if err := first.Grow(120); err != nil { // beyond the budget, as the only one
			t.Fatalf("Grow(120) = %v, want none", err)
		}
		if err := first.Grow(31); !errors.Is(err, harvest.ErrMemory) {
			t.Errorf("Grow() beyond the largest = %v, want %v", err, harvest.ErrMemory)
		}
		ctx, cancel := context.WithCancel(t.Context())
		second := &account{b: b, ctx: ctx}
		got := make(chan error)
		go func() { got <- second.Grow(1) }()
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("Grow() of an answer that is not wanted any more = %v, want %v", err, context.Canceled)
		}
		first.Close()
		third := &account{b: b, ctx: t.Context()}
		if err := third.Grow(100); err != nil {
			t.Errorf("Grow() once all is given back = %v, want none", err)
		}
		third.Close()
	})
}
