package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/storetest"
)

// openSQLiteWithRun returns the store, its URL and its file.
func openSQLiteWithRun(t testing.TB) (s *Store, url, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "shoal.db")
	return storetest.OpenWithRun(t, Open, "sqlite:"+file).Runs.(*Store), "sqlite:" + file, file
}

func TestAKilledOwnersFileIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	s, url, file := openSQLiteWithRun(t)
	owner := storetest.StartChild(t, url, storetest.Name, harvest.Shard{Index: 0, Of: 1}, time.Hour)
	owner.Tell("land 0 10")
	if got := owner.Read(); got != "landed 10 <nil>" {
		t.Fatalf("the child says %q, want landed 10 <nil>", got)
	}
	owner.Kill()
	c := storetest.ClaimOf("next")
	c.NoWait = true
	lease, err := s.Claim(t.Context(), c)
	if err != nil {
		t.Fatalf("Claim() after kill -9 = %v, want a lease", err)
	}
	if lease.Token <= owner.Token {
		t.Errorf("Token() = %d after %d, want a greater one", lease.Token, owner.Token)
	}
	storetest.MustLand(t, lease, storetest.SomePages(0, 20))
	storetest.WantRows(t, s, 20)
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(file + "-lease-*"); err != nil || len(left) > 0 {
		t.Errorf("files beside the database after Release = %v, %v, want none", left, err)
	}
}

func TestAFrozenOwnerKeepsItsFile(t *testing.T) {
	t.Parallel()
	s, url, _ := openSQLiteWithRun(t)
	owner := storetest.StartChild(t, url, storetest.Name, harvest.Shard{Index: 0, Of: 1}, 50*time.Millisecond)
	owner.Signal(syscall.SIGSTOP)
	storetest.Eventually(t, "the lease lapses", func() bool {
		var expires string
		err := s.read.QueryRowContext(t.Context(), `SELECT expires_at FROM shards`).Scan(&expires)
		return err == nil && expires < stamp(time.Now())
	})
	c := storetest.ClaimOf("next")
	c.NoWait = true
	if _, err := s.Claim(t.Context(), c); !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), "child") {
		t.Errorf("Claim() beside a frozen owner = %v, want ErrHeld that names it", err)
	}
	owner.Signal(syscall.SIGCONT)
	owner.Tell("land 0 10")
	if got := owner.Read(); got != "landed 10 <nil>" {
		t.Errorf("the child, awake again, says %q, want landed 10 <nil>", got)
	}
}

func TestAStaleTokenCommitsNothingInSQLite(t *testing.T) {
	t.Parallel()
	s, _, _ := openSQLiteWithRun(t)
	lease := storetest.MustClaim(t, s, storetest.ClaimOf("stale"))
	if _, err := s.write.ExecContext(t.Context(), `UPDATE shards SET token = token + 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Land(t.Context(), storetest.SomePages(0, 10)); !errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Land() under a stale token = %v, want ErrFenced", err)
	}
	storetest.WantLost(t, lease)
	if _, err := lease.Complete(t.Context(), 0); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Complete() under a stale token = %v, want ErrFenced", err)
	}
	storetest.WantRows(t, s, 0)
}

func TestAShardFileExcludesAllOthersEvenWhileItIsRemoved(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	var holders, got atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				file, err := lockShardFile(path)
				if err != nil {
					t.Errorf("lockShardFile() = %v, want nil", err)
					return
				}
				if file == nil {
					continue
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock at once, want 1", n)
				}
				got.Add(1)
				runtime.Gosched()
				holders.Add(-1)
				file.unlock()
			}
		})
	}
	all.Wait()
	if got.Load() == 0 {
		t.Error("nobody got the lock in 4,000 tries")
	}
}

func TestNothingRenewsWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	s, _, _ := openSQLiteWithRun(t)
	lease := storetest.MustClaim(t, s, storetest.ClaimOf("owner")).Lander.(*shardLease)
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.renew(t.Context()); !errors.Is(err, leasing.ErrReleased) {
		t.Errorf("renew() after Release = %v, want leasing.ErrReleased", err)
	}
	var held int
	if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM shards WHERE expires_at IS NOT NULL`).Scan(&held); err != nil || held != 0 {
		t.Errorf("%d leases are held after Release, %v, want 0", held, err)
	}
}

// The files of a killed run of another N, or of a run with a similar name, are not in the way.
func TestFilesOfTheDeadAreInNobodysWay(t *testing.T) {
	t.Parallel()
	s, url, file := openSQLiteWithRun(t)
	dead := storetest.StartChild(t, url, storetest.Name, harvest.Shard{Index: 1, Of: 2}, time.Hour)
	dead.Kill()
	alive := storetest.OpenRunNamed(t, s, storetest.Name+"-1") // its files are named like those of storetest.Name's shards, plus one number
	c := storetest.ClaimOf("neighbour")
	c.Run, c.Shard = alive, harvest.Shard{Index: 0, Of: 3}
	storetest.MustClaim(t, s, c)
	c = storetest.ClaimOf("next")
	c.Shard, c.NoWait = harvest.Shard{Index: 0, Of: 4}, true
	lease, err := s.Claim(t.Context(), c)
	if err != nil {
		t.Fatalf("Claim(0/4) after 1/2 was killed = %v, want a lease", err)
	}
	if _, err := os.Stat(shardPath(file, storetest.Name, harvest.Shard{Index: 1, Of: 2})); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead worker's file = %v, want it gone", err)
	}
	if err := lease.Release(context.Background()); err != nil {
		t.Error(err)
	}
}
