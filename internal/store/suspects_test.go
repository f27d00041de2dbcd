package store

import (
	"errors"
	"maps"
	"testing"

	"shoal/internal/harvest"
)

func keysOf(pages []harvest.Page) []harvest.Key {
	keys := make([]harvest.Key, len(pages))
	for i := range pages {
		keys[i] = pages[i].Key
	}
	return keys
}

// onBothCrashing is onBoth for tests whose owners are processes that are killed.
func onBothCrashing(t *testing.T, test func(t *testing.T, s Store, url string)) {
	t.Parallel()
	for name, url := range leasers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := url(t)
			test(t, openWithRun(t, url), url)
		})
	}
}

// crash lets an owner of the shard note items, where there are any, land others, and be killed.
func crash(t *testing.T, url, shard string, notes, lands int) {
	t.Helper()
	owner := startChild(t, url, testRun, shard, shortTTL)
	if notes > 0 {
		owner.tell("note 0 %d", notes)
		if got := owner.read(); got != "noted <nil>" {
			t.Fatalf("the child says %q, want that it noted %d items", got, notes)
		}
	}
	if lands > 0 {
		owner.tell("land 0 %d", lands)
		owner.read()
	}
	owner.kill()
}

// suspectsOf loads what a lease has to suspect.
func suspectsOf(t *testing.T, lease Lease) map[harvest.Key]int {
	t.Helper()
	if lease.Suspects() == nil {
		t.Fatal("Suspects() = nil, want some")
	}
	found, err := lease.Suspects().Load(t.Context())
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	return found
}

func release(t *testing.T, lease Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Fatalf("Release() = %v", err)
	}
}

func TestAnOrdinaryOwnerSuspectsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s Store) {
		for range 2 {
			lease := mustClaim(t, s, claimOf("calm"))
			mustLand(t, lease, somePages(0, 3))
			if lease.Suspects() != nil {
				t.Error("Suspects() of a lease that follows one that was given back is not nil")
			}
			release(t, lease)
		}
		lease := mustClaim(t, s, claimOf("calm"))
		if _, err := lease.Drained(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if lease := mustClaim(t, s, claimOf("calm")); lease.Suspects() != nil {
			t.Error("Suspects() of a lease that follows one that drained is not nil")
		}
	})
}

func TestWhatWasInFlightInACrashIsSuspected(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/1", 0, 0)
		crash(t, url, "0/1", 3, 1)
		keys := keysOf(somePages(0, 4))
		lease := mustClaim(t, s, briefly("third"))
		if got, want := suspectsOf(t, lease), map[harvest.Key]int{keys[1]: 1, keys[2]: 1}; !maps.Equal(got, want) {
			t.Fatalf("after a crash with three items noted and one landed the suspects are %v, want %v", got, want)
		}
		if err := lease.Suspects().Note(t.Context(), keys[1:]); err != nil {
			t.Fatalf("Note() = %v", err)
		}
		release(t, lease)
		if got := suspectsOf(t, mustReclaim(t, s)); len(got) != 2 || got[keys[1]] != 1 {
			t.Errorf("after a release the suspects are %v, want the two of before, each with one crash", got)
		}
	})
}

// mustReclaim takes the shard that was just given back, for as long as the test runs.
func mustReclaim(t *testing.T, s Store) Lease {
	t.Helper()
	return mustClaim(t, s, briefly("next"))
}

func TestEachCrashWithTheItemInFlightCounts(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/1", 0, 0)
		for range 3 {
			crash(t, url, "0/1", 1, 0)
		}
		crash(t, url, "0/1", 0, 0) // with nothing in flight
		key := somePages(0, 1)[0].Key
		lease := mustClaim(t, s, briefly("last"))
		if got := suspectsOf(t, lease); got[key] != 3 {
			t.Errorf("Load() = %v, want 3 crashes of the item", got)
		}
		// Its end, whatever it is, takes it out; the run's put-back gives it a fresh start.
		dead := somePages(0, 1)
		dead[0].Outcome, dead[0].Body = harvest.Dead, nil
		mustLand(t, lease, dead)
		if got := suspectsOf(t, lease); len(got) != 0 {
			t.Errorf("Load() = %v after the item has ended, want none", got)
		}
	})
}

func TestACalmOwnerEndsTheSuspicion(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/1", 0, 0)
		crash(t, url, "0/1", 2, 0)
		lease := mustClaim(t, s, briefly("calm"))
		if err := errors.Join(lease.Suspects().Clear(t.Context(), keysOf(somePages(0, 2))), lease.Suspects().Calm(t.Context())); err != nil {
			t.Fatalf("Clear(), Calm() = %v", err)
		}
		release(t, lease)
		if lease := mustReclaim(t, s); lease.Suspects() != nil {
			t.Error("Suspects() after all was calm is not nil")
		}
	})
}

func TestACrashUnderAnotherNumberOfShardsCounts(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/2", 0, 0)
		crash(t, url, "0/2", 2, 0)
		if got := suspectsOf(t, mustClaim(t, s, briefly("of one"))); len(got) != 2 {
			t.Errorf("Load() = %v, want the two items that an owner of 0/2 had in flight", got)
		}
	})
}

func TestAnOldOwnerNotesNothing(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/1", 0, 0)
		lease := mustClaim(t, s, briefly("old"))
		RaiseToken(t, s, testRun, harvest.Shard{Of: 1})
		if err := lease.Suspects().Note(t.Context(), keysOf(somePages(0, 1))); !errors.Is(err, ErrFenced) {
			t.Errorf("Note() under an old token = %v, want ErrFenced", err)
		}
		<-lease.Lost()
	})
}

func TestDroppingARunForgetsItsSuspects(t *testing.T) {
	onBothCrashing(t, func(t *testing.T, s Store, url string) {
		crash(t, url, "0/1", 0, 0)
		crash(t, url, "0/1", 2, 0)
		err := s.DropRun(t.Context(), testRun)
		for errors.Is(err, ErrBusy) && pause(t.Context(), shortTTL/10) == nil { // the killed owner's lease runs out
			err = s.DropRun(t.Context(), testRun)
		}
		if err != nil {
			t.Fatalf("DropRun() = %v", err)
		}
		openRunNamed(t, s, testRun)
		if lease := mustClaim(t, s, briefly("anew")); lease.Suspects() != nil {
			t.Error("Suspects() of a run that was dropped and opened again is not nil")
		}
	})
}
