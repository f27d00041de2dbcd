package storetest

import (
	"errors"
	"maps"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// KeysOf returns the keys of pages.
func KeysOf(pages []harvest.Page) []harvest.Key {
	keys := make([]harvest.Key, len(pages))
	for i := range pages {
		keys[i] = pages[i].Key
	}
	return keys
}

// crash lets an owner of the shard note the first pages, land the first others, and be killed.
func (f *fixture) crash(t *testing.T, shard harvest.Shard, notes, lands int) {
	t.Helper()
	f.Crash(t, Crash{Shard: shard, Noted: SomePages(0, notes), Landed: SomePages(0, lands)})
}

// suspectsOf loads what a lease has to suspect.
func suspectsOf(t *testing.T, lease *store.Lease) map[harvest.Key]int {
	t.Helper()
	if lease.Suspects == nil {
		t.Fatal("Suspects() = nil, want some")
	}
	found, err := lease.Suspects.Load(t.Context())
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	return found
}

func release(t *testing.T, lease *store.Lease) {
	t.Helper()
	if err := lease.Release(t.Context()); err != nil {
		t.Fatalf("Release() = %v", err)
	}
}

func leaseAnOrdinaryOwnerSuspectsNothing(t *testing.T, f *fixture) {
	s := f.store
	for range 2 {
		lease := MustClaim(t, s, ClaimOf("calm"))
		MustLand(t, lease, SomePages(0, 3))
		if lease.Suspects != nil {
			t.Error("Suspects() of a lease that follows one that was given back is not nil")
		}
		release(t, lease)
	}
	lease := MustClaim(t, s, ClaimOf("calm"))
	if _, err := lease.Complete(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if lease := MustClaim(t, s, ClaimOf("calm")); lease.Suspects != nil {
		t.Error("Suspects() of a lease that follows one that drained is not nil")
	}
}

func leaseWhatWasInFlightInACrashIsSuspected(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	f.crash(t, whole, 3, 1)
	keys := KeysOf(SomePages(0, 4))
	lease := MustClaim(t, s, Briefly("third"))
	if got, want := suspectsOf(t, lease), map[harvest.Key]int{keys[1]: 1, keys[2]: 1}; !maps.Equal(got, want) {
		t.Fatalf("after a crash with three items noted and one landed the suspects are %v, want %v", got, want)
	}
	if err := lease.Suspects.Note(t.Context(), keys[1:]); err != nil {
		t.Fatalf("Note() = %v", err)
	}
	release(t, lease)
	if got := suspectsOf(t, mustReclaim(t, s)); len(got) != 2 || got[keys[1]] != 1 {
		t.Errorf("after a release the suspects are %v, want the two of before, each with one crash", got)
	}
}

// mustReclaim takes the shard that was just given back, for as long as the test runs.
func mustReclaim(t *testing.T, s *store.Store) *store.Lease {
	t.Helper()
	return MustClaim(t, s, Briefly("next"))
}

func leaseEachCrashWithTheItemInFlightCounts(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	for range 3 {
		f.crash(t, whole, 1, 0)
	}
	f.crash(t, whole, 0, 0) // with nothing in flight
	key := SomePages(0, 1)[0].Key
	lease := MustClaim(t, s, Briefly("last"))
	if got := suspectsOf(t, lease); got[key] != 3 {
		t.Errorf("Load() = %v, want 3 crashes of the item", got)
	}
	// Its end, whatever it is, takes it out; the run's put-back gives it a fresh start.
	dead := SomePages(0, 1)
	dead[0].Outcome, dead[0].Body = harvest.Dead, nil
	MustLand(t, lease, dead)
	if got := suspectsOf(t, lease); len(got) != 0 {
		t.Errorf("Load() = %v after the item has ended, want none", got)
	}
}

func leaseACalmOwnerEndsTheSuspicion(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	f.crash(t, whole, 2, 0)
	lease := MustClaim(t, s, Briefly("calm"))
	if err := errors.Join(lease.Suspects.Clear(t.Context(), KeysOf(SomePages(0, 2))), lease.Suspects.Calm(t.Context())); err != nil {
		t.Fatalf("Clear(), Calm() = %v", err)
	}
	release(t, lease)
	if lease := mustReclaim(t, s); lease.Suspects != nil {
		t.Error("Suspects() after all was calm is not nil")
	}
}

func leaseACrashUnderAnotherNumberOfShardsCounts(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, harvest.Shard{Index: 0, Of: 2}, 0, 0)
	f.crash(t, harvest.Shard{Index: 0, Of: 2}, 2, 0)
	if got := suspectsOf(t, MustClaim(t, s, Briefly("of one"))); len(got) != 2 {
		t.Errorf("Load() = %v, want the two items that an owner of 0/2 had in flight", got)
	}
}

// The step of a listing is noted by the shard of its listing, whichever shard its own key would be
// of.
func leaseASuspectIsThatOfTheShardWhichNotedIt(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, harvest.Shard{Index: 0, Of: 3}, 0, 0)
	f.crash(t, harvest.Shard{Index: 0, Of: 3}, 6, 0)
	for shard, want := range []int{6, 0} {
		lease := MustClaim(t, s, store.Claim{Run: Name, Shard: harvest.Shard{Index: shard, Of: 3}, Owner: "next", TTL: ShortTTL})
		if want == 0 && lease.Suspects == nil {
			continue
		}
		if got := suspectsOf(t, lease); len(got) != want {
			t.Errorf("Load() of shard %d = %d suspects, want %d", shard, len(got), want)
		}
	}
}

func leaseWhatWasWithdrawnWasNotInFlight(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	f.crash(t, whole, 2, 0)
	f.Crash(t, Crash{Shard: whole, Noted: SomePages(0, 4), Withdrawn: SomePages(1, 2)})
	keys := KeysOf(SomePages(0, 4))
	if got, want := suspectsOf(t, mustReclaim(t, s)), (map[harvest.Key]int{keys[0]: 2, keys[1]: 1, keys[3]: 1}); !maps.Equal(got, want) {
		t.Errorf("Load() = %v, want %v: of four the second and third were not in flight any more", got, want)
	}
}

func leaseSuspectsAreForgiven(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	for _, notes := range []int{3, 2, 1} {
		f.crash(t, whole, notes, 0)
	}
	lease := mustReclaim(t, s)
	_, err := s.Forgive(t.Context(), Name, 2)
	wantError(t, "Forgive() beside a worker", err, store.ErrBusy)
	release(t, lease)
	n, err := s.Forgive(t.Context(), Name, 2)
	if err != nil || n != 2 {
		t.Errorf("Forgive() = %d, %v, want 2", n, err)
	}
	keys := KeysOf(SomePages(0, 3))
	if got, want := suspectsOf(t, mustReclaim(t, s)), (map[harvest.Key]int{keys[2]: 1}); !maps.Equal(got, want) {
		t.Errorf("Load() = %v after that, want %v", got, want)
	}
}

func leaseAnOldOwnerNotesNothing(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	lease := MustClaim(t, s, Briefly("old"))
	f.Overtake(t, Name, whole)
	if err := lease.Suspects.Note(t.Context(), KeysOf(SomePages(0, 1))); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Note() under an old token = %v, want ErrFenced", err)
	}
	WantLost(t, lease)
}

func leaseDroppingARunForgetsItsSuspects(t *testing.T, f *fixture) {
	s := f.store
	f.crash(t, whole, 0, 0)
	f.crash(t, whole, 2, 0)
	err := s.DropRun(t.Context(), Name)
	for errors.Is(err, store.ErrBusy) && pause(t.Context(), ShortTTL/10) == nil { // the killed owner's lease runs out
		err = s.DropRun(t.Context(), Name)
	}
	if err != nil {
		t.Fatalf("DropRun() = %v", err)
	}
	OpenRunNamed(t, s, Name)
	if lease := MustClaim(t, s, Briefly("anew")); lease.Suspects != nil {
		t.Error("Suspects() of a run that was dropped and opened again is not nil")
	}
}
