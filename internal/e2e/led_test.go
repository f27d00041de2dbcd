//go:build prove

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

// lead starts a coordinator for the run named proof.
func (f *fleet) lead(rate, shards int) *worker {
	f.t.Helper()
	return f.process(f.tool, "run", "--ca", f.ca, "--progress", "none", "--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof",
		"--redis", f.redis.URL, "--store", f.pg.URL, "--rate", fmt.Sprint(rate), "--shards", fmt.Sprint(shards))
}

// opened waits until the coordinator has opened the run.
func (f *fleet) opened(lead *worker) {
	f.t.Helper()
	f.until("the run to be opened", time.Minute, func() bool { return strings.Contains(lead.tail(), "opened run") })
}

// auto starts a worker that takes free shards.
func (f *fleet) auto() *worker {
	f.t.Helper()
	return f.run("--run", "proof", "--shard", "auto", "--redis", f.redis.URL, "--store", f.pg.URL)
}

func (f *fleet) autos(n int) []*worker {
	workers := make([]*worker, n)
	for i := range workers {
		workers[i] = f.auto()
	}
	return workers
}

// order gives an order as an operator does, and returns when it was given.
func (f *fleet) order(args ...string) time.Time {
	f.t.Helper()
	out, err := exec.Command(f.tool, append(args, "--store", f.pg.URL)...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("coordinator %s = %v:\n%s", strings.Join(args, " "), err, out)
	}
	return time.Now()
}

// pass waits for d: proofs look at what happens in the meantime.
func (f *fleet) pass(d time.Duration) {
	f.t.Helper()
	from := time.Now()
	f.until("time to pass", d+time.Minute, func() bool { return time.Since(from) >= d })
}

// TestOrdersReachTheFleet: rate, pause, resume and drain of a fleet at work, each within a second;
// a pause outlives the workers and Redis.
func TestOrdersReachTheFleet(t *testing.T) {
	f := newFleet(t, 4000, fakeapi.Behaviour{Rate: 100, Latency: 10 * time.Millisecond})
	lead := f.lead(100, 16)
	workers := f.autos(4)
	f.arrived(300, time.Minute)

	at := f.order("rate", "30/s")
	f.pass(6 * time.Second)
	sent := len(f.api.Between(at.Add(time.Second), at.Add(6*time.Second)))
	t.Logf("rate 30/s: %d requests from the first to the sixth second after it", sent)
	if sent > 5*30+1 || sent < 5*28 {
		t.Errorf("%d requests in five seconds at 30/s, want 140 to 151", sent)
	}

	at = f.order("pause")
	f.pass(4 * time.Second)
	if sent := len(f.api.Between(at.Add(time.Second), at.Add(4*time.Second))); sent > 0 {
		t.Errorf("%d requests from a second after the pause, want 0", sent)
	}
	for _, w := range workers {
		w.kill()
	}
	if err := f.redis.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	workers = f.autos(4)
	f.pass(8 * time.Second)
	if sent := len(f.api.Between(killed, time.Now())); sent > 0 {
		t.Errorf("%d requests after workers and Redis lost their memory in a pause, want 0", sent)
	}
	at = f.order("resume")
	f.until("a request after resume", 5*time.Second, func() bool { return len(f.api.Between(at, time.Now())) > 0 })
	first := f.api.Between(at, time.Now())[0].At.Sub(at)
	t.Logf("pause: silent, also after all workers were killed and Redis flushed; resume: first request after %s", first.Round(time.Millisecond))
	if first > time.Second {
		t.Errorf("first request %s after resume, want at most a second", first)
	}

	f.order("rate", "100/s")
	f.pass(3 * time.Second)
	at = f.order("drain")
	wantAll(workers, 0, 20*time.Second)
	last := f.api.Arrivals()[f.api.Count()-1].At.Sub(at)
	t.Logf("drain: last request %s after it, all workers gone after %s", last.Round(time.Millisecond), time.Since(at).Round(time.Millisecond))
	if last > time.Second {
		t.Errorf("a request %s after drain, want none after a second", last)
	}
	f.order("resume")
	workers = f.autos(4)
	wantAll(workers, 0, 2*time.Minute)
	lead.want(0, time.Minute)
	f.complete("proof", 4000)
}

// owners reads which worker holds which shard.
func (f *fleet) owners() map[int]string {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.pg.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "select shard, owner || ' ' || token from shoal.shards where run = 'proof' and expires_at is not null and drained_at is null")
	if err != nil {
		f.t.Fatal(err)
	}
	held := map[int]string{}
	var shard int
	var owner string
	if _, err := pgx.ForEachRow(rows, []any{&shard, &owner}, func() error { held[shard] = owner; return nil }); err != nil {
		f.t.Fatal(err)
	}
	return held
}

// takeover waits until another worker holds the worker's shard.
func (f *fleet) takeover(w *worker, limit time.Duration, damage func()) {
	f.t.Helper()
	mine := -1
	suffix := fmt.Sprintf(":%d ", w.cmd.Process.Pid)
	f.until("the worker to hold a shard", time.Minute, func() bool {
		for shard, owner := range f.owners() {
			if strings.Contains(owner, suffix) {
				mine = shard
			}
		}
		return mine >= 0
	})
	damage()
	at := time.Now()
	f.until("another worker to take the shard over", limit+10*time.Second, func() bool {
		owner, held := f.owners()[mine]
		return held && !strings.Contains(owner, suffix)
	})
	took := time.Since(at)
	f.t.Logf("shard %d was taken over after %.1f s", mine, took.Seconds())
	if took > limit {
		f.t.Errorf("taken over after %s, want at most %s", took, limit)
	}
}

// TestAnotherTakesOver: with a standby worker, a killed worker's shard is taken after ttl/2, a
// frozen one's after 1.5 ttl.
func TestAnotherTakesOver(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 3000, fakeapi.Behaviour{Rate: 50, Latency: 10 * time.Millisecond})
		lead := f.lead(50, 4)
		f.opened(lead)
		workers := f.autos(4)
		f.until("all shards to be held", time.Minute, func() bool { return len(f.owners()) == 4 })
		workers = append(workers, f.autos(2)...) // the standbys
		f.arrived(200, time.Minute)
		const ttl = 6 * time.Second
		f.takeover(workers[0], ttl/2+2*time.Second, func() { _ = workers[0].cmd.Process.Kill() })
		f.takeover(workers[1], ttl+ttl/2+2*time.Second, func() { _ = workers[1].cmd.Process.Signal(syscall.SIGSTOP) })
		f.pass(2 * time.Second)
		_ = workers[1].cmd.Process.Signal(syscall.SIGCONT)
		workers[1].want(13, 30*time.Second)
		wantAll(workers[2:], 0, 3*time.Minute)
		lead.want(0, time.Minute)
		f.polite(51)
		f.complete("proof", 3000)
	})
}

// TestLedRunSurvives: a coordinator and 8 workers with 64 shards at 500/s; half of the workers
// killed in turn, one frozen past its ttl, the coordinator killed twice.
func TestLedRunSurvives(t *testing.T) {
	steadily(t, func() {
		const items = 20_000
		f := newFleet(t, items, fakeapi.Behaviour{Latency: 10 * time.Millisecond})
		lead := f.lead(500, 64)
		workers := f.autos(8)
		frozen := workers[7]
		for i := range 4 {
			f.arrived(2000+3500*i, time.Minute)
			workers[i].kill()
			workers[i] = f.auto()
			switch i {
			case 0, 2:
				lead.kill()
				lead = f.lead(500, 64)
			case 1:
				_ = frozen.cmd.Process.Signal(syscall.SIGSTOP)
			case 3:
				_ = frozen.cmd.Process.Signal(syscall.SIGCONT)
			}
		}
		wantAll(workers[:7], 0, 3*time.Minute)
		if code := frozen.exit(time.Minute); code != 13 && code != 0 {
			t.Errorf("the frozen worker exited with %d, want 13 (its shard was taken) or 0", code)
		}
		lead.want(0, time.Minute)
		t.Logf("the coordinator's last words:\n%s", lead.tail())
		f.polite(501)
		t.Logf("%.1f %% of the budget used, kills and all", 100*used(f.api.Arrivals(), 500))
		f.complete("proof", items)
		extra := f.api.Count() - items
		t.Logf("%d requests for %d items: %d in flight or not committed when something was killed", f.api.Count(), items, extra)
		if most := 5 * (500 + 40); extra > most {
			t.Errorf("%d requests were made twice, want at most %d", extra, most)
		}
	})
}

// TestManyWorkers: 64 processes that start at once share one Redis, one PostgreSQL and 50/s for a
// minute.
func TestManyWorkers(t *testing.T) {
	steadily(t, func() {
		const n, items = 64, 3200
		f := newFleet(t, items, fakeapi.Behaviour{Rate: 50, Latency: 20 * time.Millisecond})
		f.pg = testenv.OwnPostgres(t, "max_connections=300")
		lead := f.lead(50, n)
		f.opened(lead)
		workers := f.autos(n)
		f.arrived(1, time.Minute)
		most := 0
		f.until("the run to end", 5*time.Minute, func() bool {
			most = max(most, f.connections())
			select {
			case <-lead.done:
				return true
			default:
				return false
			}
		})
		calls := f.calls("evalsha") + f.calls("eval")
		wantAll(workers, 0, time.Minute)
		lead.want(0, time.Minute)
		part := used(f.api.Arrivals(), 50)
		cpu := time.Duration(0)
		for _, w := range workers {
			cpu += w.cmd.ProcessState.UserTime() + w.cmd.ProcessState.SystemTime()
		}
		t.Logf("%d workers: %.1f %% of the budget used; %.2f Redis calls a permit; at most %d connections to PostgreSQL, %.2f a worker; %.2f s of CPU a worker, start and end included",
			n, 100*part, float64(calls)/float64(f.api.Count()), most, float64(most)/n, cpu.Seconds()/n)
		f.polite(51)
		if part < 0.98 {
			t.Errorf("%.1f %% of the budget used, want at least 98 %%", 100*part)
		}
		f.complete("proof", items)
	})
}

// calls returns how often Redis ran a command.
func (f *fleet) calls(command string) int {
	f.t.Helper()
	stats, err := f.redis.Client(f.t).Info(context.Background(), "commandstats").Result()
	if err != nil {
		f.t.Fatal(err)
	}
	_, rest, found := strings.Cut(stats, "cmdstat_"+command+":calls=")
	if !found {
		return 0
	}
	number, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(number)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// connections counts the fleet's connections to PostgreSQL.
func (f *fleet) connections() (n int) {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.pg.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "select count(*) from pg_stat_activity where application_name like 'shoal worker%'").Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}
