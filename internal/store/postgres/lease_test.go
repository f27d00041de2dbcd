package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/storetest"
	"shoal/internal/testenv"
)

// bigRows make a batch of about 3 MB. The server writes the rows of a COPY a thousand at a time, so
// after 2 MB it has written some and not all.
const (
	bigRows = 2500
	midCopy = 2 << 20
)

func bigPages() []harvest.Page {
	pages := storetest.SomePages(0, bigRows)
	for i := range pages {
		pages[i].Body = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte{'a' + byte(i%26)}, 1<<10))
	}
	return pages
}

// through opens the store behind a proxy of its own, as a worker on another machine would.
func through(t testing.TB, url string) (*store.Store, *proxy) {
	t.Helper()
	p := newProxy(t, url)
	return storetest.OpenWithRun(t, Open, p.url), p
}

func openPostgresWithRun(t testing.TB) (*Store, string) {
	t.Helper()
	url := testenv.Postgres(t).URL
	return storetest.OpenWithRun(t, Open, url).Runs.(*Store), url
}

// claimAsync claims in the background and repeats if the server is unreachable.
func claimAsync(t testing.TB, s store.Leases, c store.Claim) <-chan *store.Lease {
	taken := make(chan *store.Lease, 1)
	ctx := t.Context()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			lease, err := s.Claim(ctx, c)
			if err == nil {
				taken <- lease
				return
			}
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("Claim(%s by %s) = %v, want a lease", c.Shard, c.Owner, err)
				return
			}
			if leasing.Pause(ctx, 10*time.Millisecond) != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		<-ended
		select {
		case lease := <-taken:
			_ = lease.Release(context.Background())
		default:
		}
	})
	return taken
}

// query reads one value from the server, past all proxies.
func query[T any](t testing.TB, p *Store, sql string, args ...any) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	var v T
	if err := p.pool.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// renewals waits until the lease connection has renewed the shard's row n times more.
func renewals(t testing.TB, p *Store, n int) {
	t.Helper()
	last := time.Time{}
	for range 2*n + 1 { // a new connection renews twice
		storetest.Eventually(t, "the lease is renewed", func() bool {
			at := last
			if err := p.pool.QueryRow(t.Context(), `SELECT renewed_at FROM shoal.shards`).Scan(&at); err != nil {
				return false
			}
			defer func() { last = at }()
			return at.After(last)
		})
	}
}

func TestAKilledOwnersShardIsFreeAfterHalfTheTTL(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	const ttl = 4 * time.Second
	owner := storetest.StartChild(t, url, storetest.Name, harvest.Shard{Index: 0, Of: 1}, ttl)
	owner.Tell("land 0 10")
	if got := owner.Read(); got != "landed 10 <nil>" {
		t.Fatalf("the child says %q, want landed 10 <nil>", got)
	}
	owner.Kill()
	killed := time.Now()
	c := storetest.Briefly("next")
	c.TTL, c.NoWait = ttl, true // a dead owner must not make it give up
	lease := storetest.MustClaim(t, p, c)
	if took := time.Since(killed); took < ttl/2 || took >= ttl {
		t.Errorf("Claim() after kill -9 took %s, want at least %s and less than %s", took, ttl/2, ttl)
	}
	if lease.Token <= owner.Token {
		t.Errorf("Token() = %d after %d, want a greater one", lease.Token, owner.Token)
	}
	storetest.MustLand(t, lease, storetest.SomePages(0, 20))
	storetest.WantRows(t, p, 20)
}

func TestAFrozenOwnerIsOvertakenAndThenRefused(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	owner := storetest.StartChild(t, url, storetest.Name, harvest.Shard{Index: 0, Of: 1}, storetest.ShortTTL)
	owner.Tell("land 0 10")
	owner.Read()
	owner.Signal(syscall.SIGSTOP)
	frozen := time.Now()
	lease := storetest.MustClaim(t, p, storetest.Briefly("next"))
	// The last renewal is at most a third of the ttl old.
	if took := time.Since(frozen); took < storetest.ShortTTL*2/3+storetest.ShortTTL/2 {
		t.Errorf("Claim() after SIGSTOP took %s, want at least %s", took, storetest.ShortTTL*2/3+storetest.ShortTTL/2)
	}
	owner.Signal(syscall.SIGCONT)
	owner.Tell("land 10 10")
	if got := owner.Read(); got != "fenced" {
		t.Errorf("the overtaken child says %q, want fenced", got)
	}
	storetest.WantRows(t, p, 10)
	storetest.MustLand(t, lease, storetest.SomePages(0, 20))
	storetest.WantRows(t, p, 20)
}

func TestAGhostInAnOpenTransactionBlocksNobody(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	old := storetest.MustClaim(t, s, storetest.Briefly("old"))
	pages := bigPages()
	frozen := line.freezeAfter(midCopy)
	refused := make(chan error, 1)
	go func() {
		_, err := storetest.LandUntilDecided(t.Context(), old, pages)
		refused <- err
	}()
	<-frozen
	c := storetest.Briefly("new")
	c.TTL = 2 * time.Second // the ghost is to be ended, not to be outlived
	lease := storetest.MustClaim(t, p, c)
	counts, err := lease.Land(t.Context(), pages)
	if err != nil || counts.Landed != bigRows {
		t.Errorf("Land() of the keys that a ghost has in its COPY = %d, %v, want %d, nil at the first attempt", counts.Landed, err, bigRows)
	}
	line.thaw()
	if err := <-refused; !errors.Is(err, store.ErrFenced) {
		t.Errorf("Land() of the ghost, awake again = %v, want ErrFenced", err)
	}
	storetest.WantLost(t, old)
	storetest.WantRows(t, p, bigRows)
}

func TestAnOwnerEndsItsOwnGhosts(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := storetest.MustClaim(t, s, storetest.Briefly("owner"))
	pages := bigPages()
	frozen := line.freezeAfter(midCopy)
	first := make(chan error, 1)
	go func() {
		_, err := lease.Land(t.Context(), pages)
		first <- err
	}()
	<-frozen
	line.strand() // the server still has the open COPY, and both locks held
	line.thaw()
	if err := <-first; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Land() on a line that was lost = %v, want ErrUnavailable", err)
	}
	counts, err := lease.Land(t.Context(), pages)
	if err != nil || counts.Landed != bigRows {
		t.Errorf("Land() again = %d, %v, want %d, nil", counts.Landed, err, bigRows)
	}
	renewals(t, p, 3)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token || storetest.IsLost(lease) {
		t.Errorf("the shard's token = %d, lost %t, want %d, false", token, storetest.IsLost(lease), lease.Token)
	}
	storetest.WantRows(t, p, bigRows)
}

func TestAStaleTokenCommitsNothingNotEvenFromTheMiddleOfCopy(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := storetest.MustClaim(t, s, storetest.Briefly("stale"))
	frozen := line.freezeAfter(midCopy)
	landed := make(chan error, 1)
	go func() {
		_, err := lease.Land(t.Context(), bigPages())
		landed <- err
	}()
	<-frozen
	// This is not a take, which would end the backend: only the token has to hold.
	if _, err := p.pool.Exec(t.Context(), `UPDATE shoal.shards SET token = token + 1`); err != nil {
		t.Fatal(err)
	}
	line.thaw()
	if err := <-landed; !errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Land() under a stale token = %v, want ErrFenced", err)
	}
	storetest.WantLost(t, lease)
	if _, err := lease.Complete(t.Context(), 0); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Complete() under a stale token = %v, want ErrFenced", err)
	}
	storetest.WantRows(t, p, 0)
}

// A taker ends the landing connections that it finds: one that is made after it must not come to a
// COPY.
func TestAStaleTokenGetsNoLandingConnection(t *testing.T) {
	t.Parallel()
	p, _ := openPostgresWithRun(t)
	lease := storetest.MustClaim(t, p, storetest.Briefly("stale")).Lander.(*shardLease)
	if _, err := p.pool.Exec(t.Context(), `UPDATE shoal.shards SET token = token + 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.dialLander(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("dialLander() under a stale token = %v, want ErrFenced", err)
	}
}

func TestALapsedLeaseThatNobodyTookGoesOn(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := storetest.MustClaim(t, s, storetest.Briefly("sleeper"))
	line.freeze()
	storetest.Eventually(t, "the lease lapses", func() bool {
		return query[bool](t, p, `SELECT expires_at < clock_timestamp() FROM shoal.shards`)
	})
	storetest.Eventually(t, "the owner notices", func() bool { return strings.Contains(lease.Trouble(), "since") })
	line.thaw()
	storetest.MustLand(t, lease, storetest.SomePages(0, 10))
	renewals(t, p, 2)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token || storetest.IsLost(lease) {
		t.Errorf("the shard's token = %d, lost %t, want %d, false", token, storetest.IsLost(lease), lease.Token)
	}
	storetest.Eventually(t, "the trouble is over", func() bool { return lease.Trouble() == "" })
}

func TestALostLeaseConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	p, _ := openPostgresWithRun(t)
	c := storetest.Briefly("owner")
	c.TTL = 2 * time.Second
	lease := storetest.MustClaim(t, p, c)
	c.Owner = "next"
	next := claimAsync(t, p, c)
	lock := lockText(leaseLock, lease.Lander.(*shardLease).Own)
	for range 3 {
		storetest.Eventually(t, "the lease connection is there and ended", func() bool {
			return query[int](t, p, `SELECT count(pg_terminate_backend(h.pid)) FROM (`+fmt.Sprintf(lockHolders, "$1")+`) h`, lock) == 1
		})
		renewals(t, p, 2)
	}
	storetest.MustLand(t, lease, storetest.SomePages(0, 10))
	if len(next) > 0 || storetest.IsLost(lease) {
		t.Errorf("taken by the next %t, lost %t, want false, false", len(next) > 0, storetest.IsLost(lease))
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-next; got.Token <= lease.Token {
		t.Errorf("Token() = %d after %d, want a greater one", got.Token, lease.Token)
	} else if err := got.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADeadLeaseOfAnotherNIsVoided(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	half := storetest.Briefly("half")
	half.Shard = harvest.Shard{Index: 1, Of: 2}
	old := storetest.MustClaim(t, s, half)
	line.freeze()
	quarter := storetest.Briefly("quarter")
	quarter.Shard = harvest.Shard{Index: 0, Of: 4}
	lease := storetest.MustClaim(t, p, quarter)
	line.thaw()
	storetest.WantLost(t, old)
	if _, err := storetest.LandUntilDecided(t.Context(), old, storetest.SomePages(0, 10)); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Land() under 1/2 beside 0/4 = %v, want ErrFenced", err)
	}
	storetest.MustLand(t, lease, storetest.SomePages(0, 10))
	storetest.WantRows(t, p, 10)
}

func TestAClaimSaysThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	_, url := openPostgresWithRun(t)
	s, line := through(t, url)
	c := storetest.Briefly("owner")
	c.Waiting = func(string) { line.cut() }
	storetest.MustClaim(t, storetest.OpenWithRun(t, Open, url), c)
	if _, err := s.Claim(t.Context(), c); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Claim() whose line is cut = %v, want ErrUnavailable", err)
	}
}

// outage makes a server fail under an owner who lands and another who waits, and expects the owner
// to continue under its token.
func outage(t *testing.T, strike func(s *testenv.PostgresServer, lease *store.Lease)) {
	t.Helper()
	server := testenv.OwnPostgres(t)
	p := storetest.OpenWithRun(t, Open, server.URL).Runs.(*Store)
	c := storetest.Briefly("owner")
	c.TTL = 2 * time.Second
	lease := storetest.MustClaim(t, p, c)
	c.Owner = "next"
	next := claimAsync(t, storetest.OpenWithRun(t, Open, server.URL), c)
	storetest.MustLand(t, lease, storetest.SomePages(0, 10))
	strike(server, lease)
	storetest.MustLand(t, lease, storetest.SomePages(5, 10))
	renewals(t, p, 4)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token || storetest.IsLost(lease) || len(next) > 0 {
		t.Errorf("after the outage the token = %d, lost %t, taken %t, want %d, false, false", token, storetest.IsLost(lease), len(next) > 0, lease.Token)
	}
	if got := lease.Trouble(); got != "" {
		t.Errorf("Trouble() = %q when all is well again, want none", got)
	}
	storetest.WantRows(t, p, 15)
}

func TestARestartedServerFencesNobody(t *testing.T) {
	t.Parallel()
	outage(t, func(s *testenv.PostgresServer, lease *store.Lease) {
		s.Kill()
		storetest.Eventually(t, "the owner notices", func() bool { return lease.Trouble() != "" })
		s.Start()
	})
}

func TestAFrozenServerFencesNobody(t *testing.T) {
	t.Parallel()
	outage(t, func(s *testenv.PostgresServer, lease *store.Lease) {
		s.Freeze()
		timer := time.NewTimer(3 * time.Second)
		defer timer.Stop()
		counts, err := landFor(timer.C, lease)
		s.Thaw()
		if err == nil {
			t.Errorf("Land() on a frozen server = %d rows, nil, want it to wait or ErrUnavailable", counts.Landed)
		}
	})
}

// landFor lands on a server that does not answer, and gives up when end fires.
func landFor(end <-chan time.Time, lease *store.Lease) (harvest.Counts, error) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-end
		cancel()
	}()
	return storetest.LandUntilDecided(ctx, lease, storetest.SomePages(5, 10))
}
