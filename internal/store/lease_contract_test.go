package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/testenv"
)

// leasers are the stores that fulfil the contract of Lease.
func leasers() map[string]func(t *testing.T) string {
	return map[string]func(t *testing.T) string{
		"postgres": func(t *testing.T) string { return testenv.Postgres(t).URL },
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "shoal.db") },
	}
}

// onBoth runs a test of the contract on each store.
func onBoth(t *testing.T, test func(t *testing.T, s Store)) {
	t.Parallel()
	for name, url := range leasers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, openWithRun(t, url(t)))
		})
	}
}

func TestOfTwoStartsAtOnceOneProceeds(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		var last int64
		for round := range 50 {
			leases, errs := claimTogether(t, s, 2)
			if len(leases) != 1 || len(errs) != 1 || !errors.Is(errs[0], ErrHeld) {
				t.Fatalf("round %d: %d claims proceed, the others get %v, want 1 and ErrHeld", round, len(leases), errs)
			}
			if errors.Is(errs[0], ErrUnavailable) {
				t.Fatalf("Claim() = %v, which asks to be repeated", errs[0])
			}
			if leases[0].Token() <= last {
				t.Fatalf("round %d: Token() = %d after %d, want a greater one", round, leases[0].Token(), last)
			}
			last = leases[0].Token()
			if err := leases[0].Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// claimTogether lets n claims of one shard race.
func claimTogether(t *testing.T, s Store, n int) (leases []Lease, errs []error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range n {
		all.Go(func() {
			<-begin
			c := claimOf("racer")
			c.NoWait = true
			lease, err := s.Claim(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			leases = append(leases, lease)
		})
	}
	close(begin)
	all.Wait()
	return leases, errs
}

func TestASecondStarterWaitsAndSaysForWhom(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		first := mustClaim(t, s, claimOf("lab1:4711"))
		said := make(chan string, 100)
		taken := make(chan Lease, 1)
		go func() {
			c := claimOf("lab2:4712")
			c.Waiting = func(sentence string) { said <- sentence }
			lease, err := s.Claim(t.Context(), c)
			if err != nil {
				t.Errorf("Claim() = %v, want a lease", err)
			}
			taken <- lease
		}()
		if got := <-said; !strings.Contains(got, "lab1:4711") || !strings.Contains(got, "0/1") || !strings.Contains(got, "since 20") {
			t.Errorf("Waiting(%q), want owner, shard and since when", got)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := <-taken
		defer second.Release(context.Background())
		if second.Token() <= first.Token() || len(said) > 0 {
			t.Errorf("Token() = %d after %d, and Waiting was called %d times more, want a greater one and 0", second.Token(), first.Token(), len(said))
		}
	})
}

func TestNoWaitSaysWhoHoldsTheShard(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		mustClaim(t, s, claimOf("lab1:4711"))
		c := claimOf("lab2:4712")
		c.NoWait = true
		_, err := s.Claim(t.Context(), c)
		if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "lab1:4711 since 20") {
			t.Errorf("Claim(NoWait) = %v, want ErrHeld with the owner and since when", err)
		}
	})
}

func TestALiveLeaseOfAnotherNIsWaitedFor(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		quarter := claimOf("lab1:4711")
		quarter.Shard = harvest.Shard{Index: 2, Of: 4}
		first := mustClaim(t, s, quarter)
		quarter.Shard.Index = 3
		mustClaim(t, s, quarter) // the same N works beside it
		half := claimOf("lab2:4712")
		half.Shard, half.NoWait = harvest.Shard{Index: 0, Of: 2}, true
		_, err := s.Claim(t.Context(), half)
		if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "2/4") && !strings.Contains(err.Error(), "3/4") {
			t.Fatalf("Claim(0/2) beside 2/4 and 3/4 = %v, want ErrHeld that names one of them", err)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), half); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "3/4") {
			t.Errorf("Claim(0/2) beside 3/4 = %v, want ErrHeld that names it", err)
		}
		half.Run = openRunNamed(t, s, "another")
		mustClaim(t, s, half)
	})
}

func TestAShardOfNoRunIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		c := claimOf("worker")
		c.Run = "unheard-of"
		if _, err := s.Claim(t.Context(), c); !errors.Is(err, ErrNoRun) || errors.Is(err, ErrUnavailable) {
			t.Errorf("Claim(%s) = %v, want ErrNoRun", c.Run, err)
		}
	})
}

func TestAReleasedShardIsFreeAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		first := mustClaim(t, s, claimOf("first"))
		mustLand(t, first, somePages(0, 10))
		if err := first.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := first.Release(t.Context()); err != nil {
			t.Errorf("second Release() = %v, want nil", err)
		}
		if _, err := first.Land(t.Context(), somePages(10, 1)); err == nil || errors.Is(err, ErrUnavailable) {
			t.Errorf("Land() after Release = %v, want an error that no repeating mends", err)
		}
		c := claimOf("second")
		c.Waiting = func(sentence string) { t.Errorf("Waiting(%q) for a released shard, want no call", sentence) }
		second := mustClaim(t, s, c)
		mustLand(t, second, somePages(0, 20))
		if lost(first) || lost(second) {
			t.Errorf("Lost() is closed = %t, %t, want false, false", lost(first), lost(second))
		}
		wantRows(t, s, 20)
	})
}

func TestTheLastDrainFinishesTheRun(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		var leases []Lease
		for i := range 4 {
			c := claimOf("worker")
			c.Shard = harvest.Shard{Index: i, Of: 4}
			leases = append(leases, mustClaim(t, s, c))
		}
		var done sync.WaitGroup
		finished := make(chan bool, len(leases))
		for i, lease := range leases {
			done.Go(func() {
				last, err := lease.Drained(t.Context(), int64(i))
				if err != nil {
					t.Errorf("Drained() = %v, want nil", err)
				}
				finished <- last
			})
		}
		done.Wait()
		close(finished)
		n := 0
		for last := range finished {
			if last {
				n++
			}
		}
		run, err := s.FindRun(t.Context(), testRun)
		if err != nil || n != 1 || run.FinishedAt.IsZero() {
			t.Errorf("%d of 4 Drained() finish the run, finished at %v, %v, want 1 and a time", n, run.FinishedAt, err)
		}
		again := mustClaim(t, s, Claim{Run: testRun, Shard: harvest.Shard{Index: 3, Of: 4}, Owner: "again"})
		if last, err := again.Drained(t.Context(), 3); err != nil || !last {
			t.Errorf("Drained() of a rerun = %t, %v, want true, nil", last, err)
		}
		if counts, err := s.Totals(t.Context(), testRun); err != nil || counts.Rejected != 6 {
			t.Errorf("Totals().Rejected = %d, %v, want 6: set, not added", counts.Rejected, err)
		}
	})
}

func TestALeaseTellsTheLedgersGeneration(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		lease := mustClaim(t, s, claimOf("worker"))
		want := func() string {
			gen, err := s.Fingerprint(t.Context(), testRun)
			if err != nil {
				t.Fatal(err)
			}
			return gen
		}
		before := want()
		if got := lease.Fingerprint(); got != before {
			t.Errorf("Fingerprint() = %s, want %s", got, before)
		}
		if err := s.NewGeneration(t.Context(), testRun); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the lease reads the new generation when it renews", func() bool {
			return lease.Fingerprint() == want() && lease.Fingerprint() != before
		})
		if got := lease.Trouble(); got != "" {
			t.Errorf("Trouble() = %q, want none", got)
		}
	})
}
