package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

const (
	// ShortTTL keeps the tests short, and still leaves a busy machine time to renew.
	ShortTTL = 600 * time.Millisecond
	// Patience is how long a test waits for what should have come long ago.
	Patience = 30 * time.Second
)

// OpenWithRun opens the store with the run [Name] in it.
func OpenWithRun(t testing.TB, open Opener, url string) *store.Store {
	t.Helper()
	s := Open(t, open, url, store.Options{Version: "test"})
	OpenRunNamed(t, s, Name)
	return s
}

// OpenRunNamed opens a run of another name.
func OpenRunNamed(t testing.TB, s store.Runs, name string) string {
	t.Helper()
	given := harvest.Run{Name: name, Inputs: harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "urls.txt"}, Rate: "50/s"}
	if _, _, err := s.OpenRun(t.Context(), given); err != nil {
		t.Fatalf("OpenRun(%s) = %v", name, err)
	}
	return name
}

// ClaimOf leaves the TTL as it is in production, so that a busy machine cannot make a lease lapse.
func ClaimOf(owner string) store.Claim {
	return store.Claim{Run: Name, Shard: harvest.Shard{Index: 0, Of: 1}, Owner: owner}
}

// Briefly is ClaimOf for tests in which leases are to lapse.
func Briefly(owner string) store.Claim {
	c := ClaimOf(owner)
	c.TTL = ShortTTL
	return c
}

// MustClaim takes the shard, however long it waits, and releases it at the end of the test.
func MustClaim(t testing.TB, s store.Leases, c store.Claim) *store.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	lease, err := s.Claim(ctx, c)
	for errors.Is(err, store.ErrUnavailable) && pause(ctx, 10*time.Millisecond) == nil {
		lease, err = s.Claim(ctx, c)
	}
	if err != nil {
		t.Fatalf("Claim(%s by %s) = %v, want a lease", c.Shard, c.Owner, err)
	}
	t.Cleanup(func() { _ = lease.Release(context.Background()) })
	return lease
}

// someURL is what the URLs of [SomePages] begin with.
const someURL = "https://api.example/"

// SomePages makes n pages whose keys depend only on their number.
func SomePages(from, n int) []harvest.Page {
	pages := make([]harvest.Page, n)
	for i := range pages {
		url := fmt.Sprintf("%s%d", someURL, from+i)
		pages[i] = harvest.Page{
			Key: harvest.KeyOf(url), URL: url, Outcome: harvest.Landed, Status: 200, Attempts: 1,
			FetchedAt: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC), Body: fmt.Appendf(nil, `{"n":%d}`, from+i),
		}
	}
	return pages
}

// LandUntilDecided repeats a batch as a worker does, until it has landed or never will.
func LandUntilDecided(ctx context.Context, lease *store.Lease, pages []harvest.Page) (harvest.Counts, error) {
	for {
		counts, err := lease.Land(ctx, pages)
		if err == nil || !errors.Is(err, store.ErrUnavailable) {
			return counts, err
		}
		if pause(ctx, 10*time.Millisecond) != nil {
			return counts, err
		}
	}
}

// MustLand lands pages, and repeats until that is decided.
func MustLand(t testing.TB, lease *store.Lease, pages []harvest.Page) harvest.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	counts, err := LandUntilDecided(ctx, lease, pages)
	if err != nil {
		t.Fatalf("Land(%d pages) = %v, want nil", len(pages), err)
	}
	return counts
}

// WantRows fails unless the run holds exactly n pages and its counters agree.
func WantRows(t testing.TB, s Counted, n int) {
	t.Helper()
	keys := map[harvest.Key]bool{}
	for key, err := range s.Keys(t.Context(), Name) {
		if err != nil {
			t.Fatalf("Keys(%s) = %v", Name, err)
		}
		keys[key] = true
	}
	counts, err := s.Totals(t.Context(), Name)
	if err != nil || len(keys) != n || counts.Landed != int64(n) {
		t.Errorf("the run has %d pages, %d landed by its counters, %v, want %d of both", len(keys), counts.Landed, err, n)
	}
}

// IsLost reports whether the lease is known to be lost.
func IsLost(lease *store.Lease) bool {
	select {
	case <-lease.Lost():
		return true
	default:
		return false
	}
}

// WantLost waits until the lease knows that it is lost.
func WantLost(t testing.TB, lease *store.Lease) {
	t.Helper()
	select {
	case <-lease.Lost():
	case <-time.After(Patience):
		t.Errorf("Lost() is open %s after the take, want it closed", Patience)
	}
}

// Eventually waits until ok.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(Patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not within %s", what, Patience)
		}
	}
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Counted is what [WantRows] looks at.
type Counted interface {
	store.Pages
	store.Counts
}
