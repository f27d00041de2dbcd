//go:build prove

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// TestKilledAndRunAgain: two of four workers are killed half way, later everything at once; the
// rows are those of an undisturbed run.
func TestKilledAndRunAgain(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 2000, fakeapi.Behaviour{Rate: 100, Latency: 20 * time.Millisecond})
		workers := f.shards(4, "--rate", "100")
		f.arrived(600, time.Minute)
		workers[0].kill()
		workers[2].kill()
		workers[0] = f.start("--shard", "0/4", "--rate", "100")
		workers[2] = f.start("--shard", "2/4", "--rate", "100")
		f.arrived(1200, time.Minute)

		for _, w := range workers {
			w.kill()
		}
		f.redis.Kill()
		f.pg.Kill()
		f.redis.Start()
		f.pg.Start()
		started := time.Now()
		before := f.api.Count()
		workers = f.shards(4, "--rate", "100")
		f.arrived(before+1, time.Minute)
		t.Logf("after everything was killed: first request %s after the start", time.Since(started).Round(100*time.Millisecond))
		wantAll(workers, 0, 2*time.Minute)
		f.polite(101)
		f.complete("proof", 2000)
		t.Logf("%d requests for 2000 items: %d in flight or not yet committed at the kills", f.api.Count(), f.api.Count()-2000)
		// At most a second's batch and 40 in flight for each of the six kills.
		if extra := f.api.Count() - 2000; extra > 6*(100+40) {
			t.Errorf("%d requests were made twice", extra)
		}
	})
}

// TestLaptop: one worker, SQLite, no services, killed and run again: the same number of rows, each
// item once.
func TestLaptop(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 1000, fakeapi.Behaviour{Rate: 100, Latency: 20 * time.Millisecond})
		flags := []string{"--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof", "--rate", "100", "--store", "sqlite:laptop.db"}
		w := f.run(flags...)
		f.arrived(400, time.Minute)
		w.kill()
		f.run(flags...).want(0, time.Minute)
		f.polite(101)
		before := f.api.Count()
		started := time.Now()
		f.run(flags...).want(0, time.Minute)
		if n := f.api.Count() - before; n != 0 {
			t.Errorf("a rerun of the finished run made %d requests, want 0", n)
		}
		t.Logf("a rerun of the finished run: 0 requests, %s", time.Since(started).Round(10*time.Millisecond))
	})
}

// TestRerunAsksNothing: a finished fleet run started again, also with another number of shards.
func TestRerunAsksNothing(t *testing.T) {
	f := newFleet(t, 1000, fakeapi.Behaviour{Latency: 5 * time.Millisecond})
	wantAll(f.shards(4, "--rate", "500"), 0, time.Minute)
	before := f.api.Count()
	for _, n := range []int{4, 3, 1} {
		started := time.Now()
		wantAll(f.shards(n, "--rate", "500"), 0, time.Minute)
		t.Logf("rerun with %d shards: %d requests, %s", n, f.api.Count()-before, time.Since(started).Round(10*time.Millisecond))
	}
	if n := f.api.Count() - before; n != 0 {
		t.Errorf("reruns made %d requests, want 0", n)
	}
	f.complete("proof", 1000)
}

// TestPostgresFrozen: 20 s without an answer from PostgreSQL. Fetching stops by back-pressure, and
// no worker is fenced.
func TestPostgresFrozen(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 6000, fakeapi.Behaviour{Rate: 200, Latency: 10 * time.Millisecond})
		workers := f.shards(2, "--rate", "200", "--batch", "200")
		f.arrived(1000, time.Minute)
		before := workers[0].rss()
		f.pg.Freeze()
		frozen := time.Now()
		f.until("20 s of frost", time.Minute, func() bool { return time.Since(frozen) > 20*time.Second })
		during := f.api.Between(frozen, frozen.Add(20*time.Second))
		last := f.api.Between(frozen.Add(10*time.Second), frozen.Add(20*time.Second))
		grown := workers[0].rss() - before
		f.pg.Thaw()
		t.Logf("%d requests in the frost, %d in its second half; memory grew by %.1f MiB from %.1f", len(during), len(last), grown, before)
		if len(last) > 0 {
			t.Errorf("%d requests after 10 s of frost, want 0: back-pressure must stop the fetchers", len(last))
		}
		if grown > 32 {
			t.Errorf("memory grew by %.1f MiB in the frost, want it flat", grown)
		}
		wantAll(workers, 0, 2*time.Minute)
		f.polite(201)
		if extra := f.api.Count() - 6000; extra != 0 {
			t.Errorf("%d items were fetched twice", extra)
		}
		f.complete("proof", 6000)
	})
}

// TestTokenExpires: OAuth2 tokens of 60 s in a run of three minutes.
func TestTokenExpires(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 9000, fakeapi.Behaviour{
			Rate: 50, Latency: 20 * time.Millisecond, ClientID: "shoal", ClientSecret: "hush-hush", TokenLife: time.Minute,
		})
		secret := filepath.Join(f.dir, "secret")
		if err := os.WriteFile(secret, []byte("hush-hush\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("auth:\n  kind: oauth2\n  token-url: %s/token\n  client-id: shoal\n  client-secret-file: %s\n", f.api.URL, secret)
		if err := os.WriteFile(filepath.Join(f.dir, "shoal.yaml"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		// A credential goes only to a host that is named.
		f.start("--allow-host", strings.TrimPrefix(f.api.URL, "https://")).want(0, 5*time.Minute)
		unauthorised := 0
		for _, a := range f.api.Arrivals() {
			if a.Status == 401 {
				unauthorised++
			}
		}
		t.Logf("%d tokens fetched, %d answers of 401", f.api.Control("/token"), unauthorised)
		if unauthorised > 0 || f.api.Control("/token") < 3 {
			t.Errorf("%d answers of 401 with %d tokens, want none: tokens are renewed before they expire", unauthorised, f.api.Control("/token"))
		}
		f.polite(51)
		f.complete("proof", 9000)
	})
}

// TestWrongPath: a wrong path in the template is stopped by the canary, and nothing is recorded.
func TestWrongPath(t *testing.T) {
	f := newFleet(t, 1000, fakeapi.Behaviour{Latency: 10 * time.Millisecond})
	var ids []byte
	for i := range 1000 {
		ids = fmt.Appendln(ids, i)
	}
	path := filepath.Join(f.dir, "ids.txt")
	if err := os.WriteFile(path, ids, 0o600); err != nil {
		t.Fatal(err)
	}
	w := f.run("--corpus", path, "--url", f.api.URL+"/itms/{id}", "--run", "wrong", "--store", f.pg.URL, "--redis", f.redis.URL, "--rate", "200")
	w.want(4, time.Minute)
	rows, _ := f.digest("wrong")
	t.Logf("stopped after %d requests with %d rows:\n%s", f.api.Count(), rows, w.tail())
	if rows != 0 || f.api.Count() > 150 {
		t.Errorf("%d rows after %d requests, want 0 after at most 150", rows, f.api.Count())
	}
}
