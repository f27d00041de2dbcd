package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/storetest"
)

// schedule is a storm of faults over some workers that all claim the same shard.
type schedule struct {
	t     *testing.T
	p     *Store   // past all proxies
	todo  chan int // batches that have not landed yet, by number
	done  atomic.Int64
	takes atomic.Int64
}

const (
	stormBatches = 250
	stormRows    = 20 // a batch
	stormTime    = 5 * time.Second
)

// TestAStormOfFaults lets workers be cut off, stranded, frozen and killed at random while they take
// the shard from each other. Whatever happens, tokens commit in the order in which they were taken,
// and in the end every row is there and counted once.
func TestAStormOfFaults(t *testing.T) {
	t.Parallel()
	p, url := openPostgresWithRun(t)
	watchTokens(t, p)
	s := &schedule{t: t, p: p, todo: make(chan int, stormBatches)}
	for i := range stormBatches {
		s.todo <- i
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), 3*storetest.Patience)
	defer cancel()
	storm, calm := context.WithTimeout(ctx, stormTime)
	defer calm()
	var workers, faults sync.WaitGroup
	for i := range 4 {
		db, line := through(t, url)
		workers.Go(func() { s.work(ctx, db, rand.New(rand.NewPCG(seed, uint64(i)))) })
		faults.Go(func() { s.strike(storm, line, rand.New(rand.NewPCG(seed, uint64(100+i)))) })
	}
	faults.Wait()
	workers.Wait()
	if got := s.done.Load(); got != stormBatches {
		t.Fatalf("%d batches of %d were landed in %s", got, stormBatches, 3*storetest.Patience)
	}
	if s.takes.Load() < 5 {
		t.Errorf("the shard was taken %d times, want at least 5: the storm was none", s.takes.Load())
	}
	storetest.WantRows(t, p, stormBatches*stormRows)
	if stale := query[int](t, p, `SELECT count(*) FROM (SELECT token, max(token) OVER (ORDER BY seq) AS newest FROM commits) c WHERE token < newest`); stale != 0 {
		t.Errorf("%d commits were made under a token after a newer one was taken, want 0", stale)
	}
	t.Logf("%d takes, %d commits", s.takes.Load(), query[int](t, p, `SELECT count(*) FROM commits WHERE landed > 0`))
}

// watchTokens keeps every token under which the shard's row was changed, in the order of the
// changes: the row's lock makes it one.
func watchTokens(t *testing.T, p *Store) {
	t.Helper()
	_, err := p.pool.Exec(t.Context(), `CREATE TABLE commits (seq bigserial, token bigint, landed bigint);
		CREATE FUNCTION note_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO commits (token, landed) VALUES (NEW.token, NEW.landed - OLD.landed); RETURN NULL; END $$;
		CREATE TRIGGER note_commit AFTER UPDATE ON shoal.shards FOR EACH ROW EXECUTE FUNCTION note_commit()`)
	if err != nil {
		t.Fatal(err)
	}
}

// work claims, lands some batches and goes away, in one of several manners, until all batches have
// landed.
func (s *schedule) work(ctx context.Context, db *store.Store, random *rand.Rand) {
	for s.done.Load() < stormBatches && ctx.Err() == nil {
		claiming, cancel := context.WithTimeout(ctx, 4*storetest.ShortTTL)
		lease, err := db.Claim(claiming, storetest.Briefly("worker"))
		cancel()
		if err != nil {
			if errors.Is(err, store.ErrFenced) {
				s.t.Errorf("Claim() = %v", err)
			}
			continue
		}
		s.takes.Add(1)
		s.hold(ctx, lease, 1+random.IntN(60))
		if random.IntN(3) == 0 {
			s.die(lease)
		} else if err := lease.Release(ctx); err != nil && !errors.Is(err, store.ErrUnavailable) {
			s.t.Errorf("Release() = %v, want nil or ErrUnavailable", err)
		}
	}
}

// die leaves the shard as a killed process does: no message to the store, and no connection.
func (s *schedule) die(lease *store.Lease) {
	l := lease.Lander.(*shardLease)
	l.hangUp()
}

// hold lands up to n batches. One that was not landed for sure goes back to the others.
func (s *schedule) hold(ctx context.Context, lease *store.Lease, n int) {
	for range n {
		var batch int
		select {
		case batch = <-s.todo:
		default:
			return
		}
		landing, cancel := context.WithTimeout(ctx, 4*storetest.ShortTTL)
		_, err := storetest.LandUntilDecided(landing, lease, storetest.SomePages(batch*stormRows, stormRows))
		cancel()
		if err != nil {
			s.todo <- batch
			return
		}
		s.done.Add(1)
		if leasing.Pause(ctx, 2*time.Millisecond) != nil {
			return
		}
	}
}

// strike makes the line to the store fail now and then.
func (s *schedule) strike(ctx context.Context, line *proxy, random *rand.Rand) {
	for leasing.Pause(ctx, time.Duration(random.IntN(500))*time.Millisecond) == nil {
		switch random.IntN(5) {
		case 0:
			line.cut()
		case 1:
			line.strand()
		case 2, 3:
			line.freezeAfter(1 + random.IntN(8<<10))
			_ = leasing.Pause(ctx, time.Duration(random.Int64N(int64(3*storetest.ShortTTL))))
			line.thaw()
		case 4:
			s.terminateOne(ctx)
		}
	}
	line.thaw()
}

// terminateOne ends a connection of some lease.
func (s *schedule) terminateOne(ctx context.Context) {
	_, err := s.p.pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) l ORDER BY random() LIMIT 1`)
	if err != nil && ctx.Err() == nil {
		s.t.Errorf("terminate a connection: %v", err)
	}
}
