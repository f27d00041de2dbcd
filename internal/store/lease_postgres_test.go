package store

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
	"shoal/internal/testenv"
)

// bigRows make a batch of about 3 MB. The server writes the rows of a COPY a thousand at a time, so
// after 2 MB it has written some and not all.
const (
	bigRows = 2500
	midCopy = 2 << 20
)

func bigPages() []harvest.Page {
	pages := somePages(0, bigRows)
	for i := range pages {
		pages[i].Body = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte{'a' + byte(i%26)}, 1<<10))
	}
	return pages
}

// through opens the store behind a proxy of its own, as a worker on another machine has it.
func through(t testing.TB, url string) (Store, *proxy) {
	t.Helper()
	p := newProxy(t, url)
	return openWithRun(t, p.url), p
}

// claimAsync claims in the background and repeats where the server is away.
func claimAsync(t testing.TB, s Store, c Claim) <-chan Lease {
	taken := make(chan Lease, 1)
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
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("Claim(%s by %s) = %v, want a lease", c.Shard, c.Owner, err)
				return
			}
			if pause(ctx, 10*time.Millisecond) != nil {
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
func query[T any](t testing.TB, p *Postgres, sql string, args ...any) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var v T
	if err := p.pool.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// renewals waits until the lease connection has renewed the shard's row n times more.
func renewals(t testing.TB, p *Postgres, n int) {
	t.Helper()
	last := time.Time{}
	for range 2*n + 1 { // a new connection renews twice
		eventually(t, "the lease is renewed", func() bool {
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
	owner := startChild(t, url, testRun, "0/1", ttl)
	owner.tell("land 0 10")
	if got := owner.read(); got != "landed 10 <nil>" {
		t.Fatalf("the child says %q, want landed 10 <nil>", got)
	}
	owner.kill()
	killed := time.Now()
	c := briefly("next")
	c.TTL, c.NoWait = ttl, true // a dead owner is no reason to give up
	lease := mustClaim(t, p, c)
	if took := time.Since(killed); took < ttl/2 || took >= ttl {
		t.Errorf("Claim() after kill -9 took %s, want at least %s and less than %s", took, ttl/2, ttl)
	}
	if lease.Token() <= owner.token {
		t.Errorf("Token() = %d after %d, want a greater one", lease.Token(), owner.token)
	}
	mustLand(t, lease, somePages(0, 20))
	wantRows(t, p, 20)
}

func TestAFrozenOwnerIsOvertakenAndThenRefused(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	owner := startChild(t, url, testRun, "0/1", shortTTL)
	owner.tell("land 0 10")
	owner.read()
	owner.signal(syscall.SIGSTOP)
	frozen := time.Now()
	lease := mustClaim(t, p, briefly("next"))
	// The last renewal is at most a third of the ttl old.
	if took := time.Since(frozen); took < shortTTL*2/3+shortTTL/2 {
		t.Errorf("Claim() after SIGSTOP took %s, want at least %s", took, shortTTL*2/3+shortTTL/2)
	}
	owner.signal(syscall.SIGCONT)
	owner.tell("land 10 10")
	if got := owner.read(); got != "fenced" {
		t.Errorf("the overtaken child says %q, want fenced", got)
	}
	wantRows(t, p, 10)
	mustLand(t, lease, somePages(0, 20))
	wantRows(t, p, 20)
}

func TestAGhostInAnOpenTransactionBlocksNobody(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	old := mustClaim(t, s, briefly("old"))
	pages := bigPages()
	frozen := line.freezeAfter(midCopy)
	refused := make(chan error, 1)
	go func() {
		_, err := landUntilDecided(t.Context(), old, pages)
		refused <- err
	}()
	<-frozen
	c := briefly("new")
	c.TTL = 2 * time.Second // the ghost is to be ended, not to be outlived
	lease := mustClaim(t, p, c)
	counts, err := lease.Land(t.Context(), pages)
	if err != nil || counts.Landed != bigRows {
		t.Errorf("Land() of the keys that a ghost has in its COPY = %d, %v, want %d, nil at the first attempt", counts.Landed, err, bigRows)
	}
	line.thaw()
	if err := <-refused; !errors.Is(err, ErrFenced) {
		t.Errorf("Land() of the ghost, awake again = %v, want ErrFenced", err)
	}
	wantLost(t, old)
	wantRows(t, p, bigRows)
}

func TestAnOwnerEndsItsOwnGhosts(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := mustClaim(t, s, briefly("owner"))
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
	if err := <-first; !errors.Is(err, ErrUnavailable) {
		t.Errorf("Land() on a line that was lost = %v, want ErrUnavailable", err)
	}
	counts, err := lease.Land(t.Context(), pages)
	if err != nil || counts.Landed != bigRows {
		t.Errorf("Land() again = %d, %v, want %d, nil", counts.Landed, err, bigRows)
	}
	renewals(t, p, 3)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token() || lost(lease) {
		t.Errorf("the shard's token = %d, lost %t, want %d, false", token, lost(lease), lease.Token())
	}
	wantRows(t, p, bigRows)
}

func TestAStaleTokenCommitsNothingNotEvenFromTheMiddleOfCopy(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := mustClaim(t, s, briefly("stale"))
	frozen := line.freezeAfter(midCopy)
	landed := make(chan error, 1)
	go func() {
		_, err := lease.Land(t.Context(), bigPages())
		landed <- err
	}()
	<-frozen
	// Not a take, which would end the backend: the token alone has to hold.
	if _, err := p.pool.Exec(t.Context(), `UPDATE shoal.shards SET token = token + 1`); err != nil {
		t.Fatal(err)
	}
	line.thaw()
	if err := <-landed; !errors.Is(err, ErrFenced) || errors.Is(err, ErrUnavailable) {
		t.Errorf("Land() under a stale token = %v, want ErrFenced", err)
	}
	wantLost(t, lease)
	if _, err := lease.Drained(t.Context(), 0); !errors.Is(err, ErrFenced) {
		t.Errorf("Drained() under a stale token = %v, want ErrFenced", err)
	}
	wantRows(t, p, 0)
}

// A taker ends the landing connections that it finds: one that is made after it must not come to a COPY.
func TestAStaleTokenGetsNoLandingConnection(t *testing.T) {
	t.Parallel()
	p, _ := openPostgresWithRun(t)
	lease := mustClaim(t, p, briefly("stale")).(*pgLease)
	if _, err := p.pool.Exec(t.Context(), `UPDATE shoal.shards SET token = token + 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.dialLander(t.Context()); !errors.Is(err, ErrFenced) {
		t.Errorf("dialLander() under a stale token = %v, want ErrFenced", err)
	}
}

func TestALapsedLeaseThatNobodyTookGoesOn(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	lease := mustClaim(t, s, briefly("sleeper"))
	line.freeze()
	eventually(t, "the lease lapses", func() bool {
		return query[bool](t, p, `SELECT expires_at < clock_timestamp() FROM shoal.shards`)
	})
	eventually(t, "the owner notices", func() bool { return strings.Contains(lease.Trouble(), "since") })
	line.thaw()
	mustLand(t, lease, somePages(0, 10))
	renewals(t, p, 2)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token() || lost(lease) {
		t.Errorf("the shard's token = %d, lost %t, want %d, false", token, lost(lease), lease.Token())
	}
	eventually(t, "the trouble is over", func() bool { return lease.Trouble() == "" })
}

func TestALostLeaseConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	p, _ := openPostgresWithRun(t)
	c := briefly("owner")
	c.TTL = 2 * time.Second
	lease := mustClaim(t, p, c)
	c.Owner = "next"
	next := claimAsync(t, p, c)
	lock := lease.(*pgLease).own.lock(leaseLock)
	for range 3 {
		eventually(t, "the lease connection is there and ended", func() bool {
			return query[int](t, p, `SELECT count(pg_terminate_backend(h.pid)) FROM (`+fmt.Sprintf(lockHolders, "$1")+`) h`, lock) == 1
		})
		renewals(t, p, 2)
	}
	mustLand(t, lease, somePages(0, 10))
	if len(next) > 0 || lost(lease) {
		t.Errorf("taken by the next %t, lost %t, want false, false", len(next) > 0, lost(lease))
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-next; got.Token() <= lease.Token() {
		t.Errorf("Token() = %d after %d, want a greater one", got.Token(), lease.Token())
	} else if err := got.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADeadLeaseOfAnotherNIsVoided(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	s, line := through(t, url)
	half := briefly("half")
	half.Shard = harvest.Shard{Index: 1, Of: 2}
	old := mustClaim(t, s, half)
	line.freeze()
	quarter := briefly("quarter")
	quarter.Shard = harvest.Shard{Index: 0, Of: 4}
	lease := mustClaim(t, p, quarter)
	line.thaw()
	wantLost(t, old)
	if _, err := landUntilDecided(t.Context(), old, somePages(0, 10)); !errors.Is(err, ErrFenced) {
		t.Errorf("Land() under 1/2 beside 0/4 = %v, want ErrFenced", err)
	}
	mustLand(t, lease, somePages(0, 10))
	wantRows(t, p, 10)
}

func TestAClaimSaysThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	_, url := openPostgresWithRun(t)
	s, line := through(t, url)
	c := briefly("owner")
	c.Waiting = func(string) { line.cut() }
	mustClaim(t, openWithRun(t, url), c)
	if _, err := s.Claim(t.Context(), c); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Claim() whose line is cut = %v, want ErrUnavailable", err)
	}
}

// outage makes a server fail under an owner who lands and another who waits, and wants the owner to go
// on under its token.
func outage(t *testing.T, strike func(s *testenv.PostgresServer, lease Lease)) {
	t.Helper()
	server := testenv.OwnPostgres(t)
	p := openWithRun(t, server.URL).(*Postgres)
	c := briefly("owner")
	c.TTL = 2 * time.Second
	lease := mustClaim(t, p, c)
	c.Owner = "next"
	next := claimAsync(t, openWithRun(t, server.URL), c)
	mustLand(t, lease, somePages(0, 10))
	strike(server, lease)
	mustLand(t, lease, somePages(5, 10))
	renewals(t, p, 4)
	if token := query[int64](t, p, `SELECT token FROM shoal.shards`); token != lease.Token() || lost(lease) || len(next) > 0 {
		t.Errorf("after the outage the token = %d, lost %t, taken %t, want %d, false, false", token, lost(lease), len(next) > 0, lease.Token())
	}
	if got := lease.Trouble(); got != "" {
		t.Errorf("Trouble() = %q when all is well again, want none", got)
	}
	wantRows(t, p, 15)
}

func TestARestartedServerFencesNobody(t *testing.T) {
	t.Parallel()
	outage(t, func(s *testenv.PostgresServer, lease Lease) {
		s.Kill()
		eventually(t, "the owner notices", func() bool { return lease.Trouble() != "" })
		s.Start()
	})
}

func TestAFrozenServerFencesNobody(t *testing.T) {
	t.Parallel()
	outage(t, func(s *testenv.PostgresServer, lease Lease) {
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
func landFor(end <-chan time.Time, lease Lease) (harvest.Counts, error) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-end
		cancel()
	}()
	return landUntilDecided(ctx, lease, somePages(5, 10))
}
