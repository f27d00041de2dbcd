package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testLeases(t *testing.T, e *env) {
	e.run(t, "of two starts at once one proceeds", leaseOfTwoStartsAtOnceOneProceeds)
	e.run(t, "a second starter waits and names the owner", leaseASecondStarterWaitsAndSaysForWhom)
	e.run(t, "no wait names the holder of the shard", leaseNoWaitSaysWhoHoldsTheShard)
	e.run(t, "a live lease of another n is waited for", leaseALiveLeaseOfAnotherNIsWaitedFor)
	e.run(t, "a shard of no run is refused", leaseAShardOfNoRunIsRefused)
	e.run(t, "a released shard is free at once", leaseAReleasedShardIsFreeAtOnce)
	e.run(t, "the last drain finishes the run", leaseTheLastDrainFinishesTheRun)
	e.run(t, "a lease has the ledgers generation", leaseALeaseTellsTheLedgersGeneration)
	e.run(t, "each shard is given to one", leaseEachShardIsGivenToOne)
	e.run(t, "shards that were begun come first", leaseShardsThatWereBegunComeFirst)
	e.run(t, "claim any waits for what is given back", leaseClaimAnyWaitsForWhatIsGivenBack)
	e.run(t, "claim any has nothing left", leaseClaimAnyHasNothingLeft)
	e.run(t, "one leads", leaseOneLeads)
	e.run(t, "an ordinary owner suspects nothing", leaseAnOrdinaryOwnerSuspectsNothing)
	e.run(t, "what was in flight in a crash is suspected", leaseWhatWasInFlightInACrashIsSuspected)
	e.run(t, "each crash with the item in flight counts", leaseEachCrashWithTheItemInFlightCounts)
	e.run(t, "a calm owner ends the suspicion", leaseACalmOwnerEndsTheSuspicion)
	e.run(t, "a crash under another number of shards counts", leaseACrashUnderAnotherNumberOfShardsCounts)
	e.run(t, "an old owner notes nothing", leaseAnOldOwnerNotesNothing)
	e.run(t, "a suspect is that of the shard which noted it", leaseASuspectIsThatOfTheShardWhichNotedIt)
	e.run(t, "what was withdrawn was not in flight", leaseWhatWasWithdrawnWasNotInFlight)
	e.run(t, "suspects are forgiven", leaseSuspectsAreForgiven)
	e.run(t, "dropping a run forgets its suspects", leaseDroppingARunForgetsItsSuspects)
}

func leaseOfTwoStartsAtOnceOneProceeds(t *testing.T, f *fixture) {
	s := f.store
	var last int64
	for round := range 50 {
		leases, errs := claimTogether(t, s, 2)
		if len(leases) != 1 || len(errs) != 1 || !errors.Is(errs[0], store.ErrHeld) {
			t.Fatalf("round %d: %d claims proceed, the others get %v, want 1 and ErrHeld", round, len(leases), errs)
		}
		if errors.Is(errs[0], store.ErrUnavailable) {
			t.Fatalf("Claim() = %v, which asks to be repeated", errs[0])
		}
		if leases[0].Token <= last {
			t.Fatalf("round %d: Token() = %d after %d, want a greater one", round, leases[0].Token, last)
		}
		last = leases[0].Token
		if err := leases[0].Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// claimTogether lets n claims of one shard race.
func claimTogether(t *testing.T, s *store.Store, n int) (leases []*store.Lease, errs []error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range n {
		all.Go(func() {
			<-begin
			c := ClaimOf("racer")
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

func leaseASecondStarterWaitsAndSaysForWhom(t *testing.T, f *fixture) {
	s := f.store
	first := MustClaim(t, s, ClaimOf("lab1:4711"))
	said := make(chan string, 100)
	taken := make(chan *store.Lease, 1)
	go func() {
		c := ClaimOf("lab2:4712")
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
	defer func() { _ = second.Release(context.Background()) }()
	if second.Token <= first.Token || len(said) > 0 {
		t.Errorf("Token() = %d after %d, and Waiting was called %d times more, want a greater one and 0", second.Token, first.Token, len(said))
	}
}

func leaseNoWaitSaysWhoHoldsTheShard(t *testing.T, f *fixture) {
	s := f.store
	MustClaim(t, s, ClaimOf("lab1:4711"))
	c := ClaimOf("lab2:4712")
	c.NoWait = true
	_, err := s.Claim(t.Context(), c)
	if !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), "lab1:4711 since 20") {
		t.Errorf("Claim(NoWait) = %v, want ErrHeld with the owner and since when", err)
	}
}

func leaseALiveLeaseOfAnotherNIsWaitedFor(t *testing.T, f *fixture) {
	s := f.store
	quarter := ClaimOf("lab1:4711")
	quarter.Shard = harvest.Shard{Index: 2, Of: 4}
	first := MustClaim(t, s, quarter)
	quarter.Shard.Index = 3
	MustClaim(t, s, quarter) // the same N works beside it
	half := ClaimOf("lab2:4712")
	half.Shard, half.NoWait = harvest.Shard{Index: 0, Of: 2}, true
	_, err := s.Claim(t.Context(), half)
	if !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), "2/4") && !strings.Contains(err.Error(), "3/4") {
		t.Fatalf("Claim(0/2) beside 2/4 and 3/4 = %v, want ErrHeld that names one of them", err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), half); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), "3/4") {
		t.Errorf("Claim(0/2) beside 3/4 = %v, want ErrHeld that names it", err)
	}
	half.Run = OpenRunNamed(t, s, "another")
	MustClaim(t, s, half)
}

func leaseAShardOfNoRunIsRefused(t *testing.T, f *fixture) {
	s := f.store
	c := ClaimOf("worker")
	c.Run = "unheard-of"
	if _, err := s.Claim(t.Context(), c); !errors.Is(err, store.ErrNoRun) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Claim(%s) = %v, want ErrNoRun", c.Run, err)
	}
}

func leaseAReleasedShardIsFreeAtOnce(t *testing.T, f *fixture) {
	s := f.store
	first := MustClaim(t, s, ClaimOf("first"))
	MustLand(t, first, SomePages(0, 10))
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Errorf("second Release() = %v, want nil", err)
	}
	if _, err := first.Land(t.Context(), SomePages(10, 1)); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Land() after Release = %v, want an error that repeating does not remove", err)
	}
	c := ClaimOf("second")
	c.Waiting = func(sentence string) { t.Errorf("Waiting(%q) for a released shard, want no call", sentence) }
	second := MustClaim(t, s, c)
	MustLand(t, second, SomePages(0, 20))
	if IsLost(first) || IsLost(second) {
		t.Errorf("Lost() is closed = %t, %t, want false, false", IsLost(first), IsLost(second))
	}
	WantRows(t, s, 20)
}

func leaseTheLastDrainFinishesTheRun(t *testing.T, f *fixture) {
	s := f.store
	var leases []*store.Lease
	for i := range 4 {
		c := ClaimOf("worker")
		c.Shard = harvest.Shard{Index: i, Of: 4}
		leases = append(leases, MustClaim(t, s, c))
	}
	var done sync.WaitGroup
	finished := make(chan bool, len(leases))
	for i, lease := range leases {
		done.Go(func() {
			last, err := lease.Complete(t.Context(), int64(i))
			if err != nil {
				t.Errorf("Complete() = %v, want nil", err)
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
	run, err := s.FindRun(t.Context(), Name)
	if err != nil || n != 1 || run.FinishedAt.IsZero() {
		t.Errorf("%d of 4 Complete() finish the run, finished at %v, %v, want 1 and a time", n, run.FinishedAt, err)
	}
	again := MustClaim(t, s, store.Claim{Run: Name, Shard: harvest.Shard{Index: 3, Of: 4}, Owner: "again"})
	if last, err := again.Complete(t.Context(), 3); err != nil || !last {
		t.Errorf("Complete() of a rerun = %t, %v, want true, nil", last, err)
	}
	if counts, err := s.Totals(t.Context(), Name); err != nil || counts.Rejected != 6 {
		t.Errorf("Totals().Rejected = %d, %v, want 6: set, not added", counts.Rejected, err)
	}
}

func leaseALeaseTellsTheLedgersGeneration(t *testing.T, f *fixture) {
	s := f.store
	lease := MustClaim(t, s, ClaimOf("worker"))
	want := func() string {
		gen, err := s.Fingerprint(t.Context(), Name)
		if err != nil {
			t.Fatal(err)
		}
		return gen
	}
	before := want()
	if got := lease.Fingerprint(); got != before {
		t.Errorf("Fingerprint() = %s, want %s", got, before)
	}
	if err := s.NewGeneration(t.Context(), Name); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "the lease reads the new generation when it renews", func() bool {
		return lease.Fingerprint() == want() && lease.Fingerprint() != before
	})
	if got := lease.Trouble(); got != "" {
		t.Errorf("Trouble() = %q, want none", got)
	}
}
