package storetest

import (
	"context"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Opener opens a store, as stores.Open does.
type Opener func(ctx context.Context, url string, options store.Options) (*store.Store, error)

// Twin is one database of one kind of store, empty at first: how to open it, and what a test does
// to it that no caller of a store can.
type Twin interface {
	// Open opens the store, as one more process does.
	Open(ctx context.Context, options store.Options) (*store.Store, error)
	Owners
	Damages
}

// Owners is what happens to the owners of shards.
type Owners interface {
	// Overtake gives the shard a new token, as the take of another owner does, and leaves the shard
	// free.
	Overtake(t testing.TB, run string, shard harvest.Shard)
	// Lapse lets the time of all leases run out, as if their owners had been silent for long.
	Lapse(t testing.TB)
	// Crash lets an owner of a shard be killed.
	Crash(t testing.TB, c Crash)
}

// Crash is the life of an owner of a shard in the run [Name], whose lease lasts [ShortTTL]: it
// notes pages as in flight, withdraws some of them, lands others, and is killed. All are of
// [SomePages].
type Crash struct {
	Shard                    harvest.Shard
	Noted, Withdrawn, Landed []harvest.Page
}

// Live lets an owner in this process live such a life, up to its end: the store then has to forget
// that the process lives. For a store that keeps its owners in processes, [CrashChild] does all.
func (c Crash) Live(t testing.TB, s *store.Store) *store.Lease {
	t.Helper()
	owner := MustClaim(t, s, store.Claim{Run: Name, Shard: c.Shard, Owner: "child", TTL: ShortTTL})
	if len(c.Noted) > 0 {
		must(t, "Note()", owner.Suspects.Note(t.Context(), KeysOf(c.Noted)))
		must(t, "Withdraw()", owner.Suspects.Withdraw(t.Context(), KeysOf(c.Withdrawn)))
	}
	if len(c.Landed) > 0 {
		MustLand(t, owner, c.Landed)
	}
	return owner
}

// Damages is what a database may look like when it is opened.
type Damages interface {
	// LosePages deletes all pages and leaves their records.
	LosePages(t testing.TB)
	// Upgrade makes the schema one of a version that this binary does not know, made by that
	// version of Shoal.
	Upgrade(t testing.TB, version int, by string)
}

// open opens a twin until the end of the test.
func open(t testing.TB, twin Twin, options store.Options) *store.Store {
	t.Helper()
	return Open(t, func(ctx context.Context, _ string, options store.Options) (*store.Store, error) {
		return twin.Open(ctx, options)
	}, "", options)
}

// claim takes a shard and keeps it until it is released; a shard that this test holds already stays
// its own. Shards of another N give way.
func (f *fixture) claim(t testing.TB, run string, shard harvest.Shard) *store.Lease {
	t.Helper()
	at := place{run, shard}
	for other, lease := range f.leases {
		if other.run == run && other.shard.Of != shard.Of {
			must(t, "Release()", lease.Release(t.Context()))
			delete(f.leases, other)
		}
	}
	if f.leases[at] == nil {
		// It is not renewed while the test runs, so that Lapse is for good.
		f.leases[at] = MustClaim(t, f.store, store.Claim{Run: run, Shard: shard, Owner: "lab:1", TTL: time.Hour})
	}
	return f.leases[at]
}

// place is a shard of a run.
type place struct {
	run   string
	shard harvest.Shard
}

// landIn lands pages in a shard.
func (f *fixture) landIn(t testing.TB, run string, shard harvest.Shard, pages ...harvest.Page) harvest.Counts {
	t.Helper()
	counts, err := f.claim(t, run, shard).Land(t.Context(), pages)
	if err != nil {
		t.Fatalf("Land(%d pages in %s of %s) = %v, want nil", len(pages), shard, run, err)
	}
	return counts
}

// land lands pages in the shard 0/1.
func (f *fixture) land(t testing.TB, pages ...harvest.Page) harvest.Counts {
	t.Helper()
	return f.landIn(t, Name, whole, pages...)
}

// release gives all shards back.
func (f *fixture) release(t testing.TB) {
	t.Helper()
	for at, lease := range f.leases {
		must(t, "Release()", lease.Release(t.Context()))
		delete(f.leases, at)
	}
}

// complete drains a shard.
func (f *fixture) complete(t testing.TB, shard harvest.Shard, rejected int64) {
	t.Helper()
	lease := f.claim(t, Name, shard)
	_, err := lease.Complete(t.Context(), rejected)
	must(t, "Complete()", err)
	must(t, "Release()", lease.Release(t.Context()))
	delete(f.leases, place{Name, shard})
}

// overtake returns the lease of the shard 0/1 after another owner has taken it.
func (f *fixture) overtake(t testing.TB) (old *store.Lease) {
	t.Helper()
	old = f.claim(t, Name, whole)
	f.Overtake(t, Name, whole)
	delete(f.leases, place{Name, whole})
	return old
}
