package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/testenv"
)

const (
	// shortTTL keeps the tests short, and still leaves a busy machine time to renew.
	shortTTL = 600 * time.Millisecond
	// patience is how long a test waits for what should have come long ago.
	patience = 30 * time.Second
	testRun  = "2026q4"
)

// openWithRun opens the store with the run testRun in it.
func openWithRun(t testing.TB, url string) Store {
	t.Helper()
	s, err := Open(t.Context(), url, Options{Version: "test"})
	if err != nil {
		t.Fatalf("Open(%s) = %v", url, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	openRunNamed(t, s, testRun)
	return s
}

func openRunNamed(t testing.TB, s Store, name string) string {
	t.Helper()
	given := harvest.Run{Name: name, Inputs: harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "urls.txt"}, Rate: "50/s"}
	if _, _, err := s.OpenRun(t.Context(), given); err != nil {
		t.Fatalf("OpenRun(%s) = %v", name, err)
	}
	return name
}

func openPostgresWithRun(t testing.TB) (*Postgres, string) {
	t.Helper()
	url := testenv.Postgres(t).URL
	return openWithRun(t, url).(*Postgres), url
}

// claimOf leaves the TTL as it is in production, so that a busy machine cannot make a lease lapse.
func claimOf(owner string) Claim {
	return Claim{Run: testRun, Shard: harvest.Shard{Index: 0, Of: 1}, Owner: owner}
}

// briefly is claimOf for tests in which leases are to lapse.
func briefly(owner string) Claim {
	c := claimOf(owner)
	c.TTL = shortTTL
	return c
}

// mustClaim takes the shard, however long it waits, and releases it at the end of the test.
func mustClaim(t testing.TB, s Store, c Claim) Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lease, err := s.Claim(ctx, c)
	for errors.Is(err, ErrUnavailable) && pause(ctx, 10*time.Millisecond) == nil {
		lease, err = s.Claim(ctx, c)
	}
	if err != nil {
		t.Fatalf("Claim(%s by %s) = %v, want a lease", c.Shard, c.Owner, err)
	}
	t.Cleanup(func() { _ = lease.Release(context.Background()) })
	return lease
}

// somePages makes n pages whose keys depend on their number alone.
func somePages(from, n int) []harvest.Page {
	pages := make([]harvest.Page, n)
	for i := range pages {
		url := fmt.Sprintf("https://api.example/%d", from+i)
		pages[i] = harvest.Page{
			Key: harvest.KeyOf(url), URL: url, Outcome: harvest.Landed, Status: 200, Attempts: 1,
			FetchedAt: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC), Body: fmt.Appendf(nil, `{"n":%d}`, from+i),
		}
	}
	return pages
}

// landUntilDecided repeats a batch as a worker does, until it has landed or never will.
func landUntilDecided(ctx context.Context, lease Lease, pages []harvest.Page) (harvest.Counts, error) {
	for {
		counts, err := lease.Land(ctx, pages)
		if err == nil || !errors.Is(err, ErrUnavailable) {
			return counts, err
		}
		if pause(ctx, 10*time.Millisecond) != nil {
			return counts, err
		}
	}
}

func mustLand(t testing.TB, lease Lease, pages []harvest.Page) harvest.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	counts, err := landUntilDecided(ctx, lease, pages)
	if err != nil {
		t.Fatalf("Land(%d pages) = %v, want nil", len(pages), err)
	}
	return counts
}

// wantRows fails unless the run holds exactly n pages and its counters say so too.
func wantRows(t testing.TB, s Store, n int) {
	t.Helper()
	keys := map[harvest.Key]bool{}
	for key, err := range s.Keys(t.Context(), testRun) {
		if err != nil {
			t.Fatalf("Keys(%s) = %v", testRun, err)
		}
		keys[key] = true
	}
	counts, err := s.Totals(t.Context(), testRun)
	if err != nil || len(keys) != n || counts.Landed != int64(n) {
		t.Errorf("the run has %d pages, %d landed by its counters, %v, want %d of both", len(keys), counts.Landed, err, n)
	}
}

// lost tells whether the lease is known to be lost.
func lost(lease Lease) bool {
	select {
	case <-lease.Lost():
		return true
	default:
		return false
	}
}

// wantLost waits until the lease knows that it is lost.
func wantLost(t testing.TB, lease Lease) {
	t.Helper()
	select {
	case <-lease.Lost():
	case <-time.After(patience):
		t.Errorf("Lost() is open %s after the take, want it closed", patience)
	}
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
