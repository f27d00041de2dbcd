package cmd_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

// corpusOf is the file that a worker reads.
func corpusOf(v *victim) string { return v.args[slices.Index(v.args, "--corpus")+1] }

// poison makes the ledger in Redis claim every item of a corpus as done.
func poison(t *testing.T, redis *testenv.RedisServer, storeURL, corpus string) {
	t.Helper()
	db, err := stores.Open(t.Context(), storeURL, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	run, err := db.FindRun(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	generation, err := db.Fingerprint(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(corpus)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var keys []harvest.Key
	for lines := bufio.NewScanner(file); lines.Scan(); {
		keys = append(keys, harvest.KeyOf(lines.Text()))
	}
	if err := ledger.New(redis.Client(t), "r", run.BucketBits).Mark(t.Context(), generation, keys); err != nil {
		t.Fatal(err)
	}
}

// landed is how many rows the pages themselves are, and whether the run is finished.
func landed(t *testing.T, storeURL string) (rows int, finished bool) {
	t.Helper()
	db, err := stores.Open(t.Context(), storeURL, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, err := range db.Keys(context.WithoutCancel(t.Context()), "r") {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	run, err := db.FindRun(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	return rows, !run.FinishedAt.IsZero()
}

// An intruder adds the keys of all items to the sets in Redis while ten of them have a row: the
// worker, by itself and as one shard of three, finishes only what is in the store, and a rerun
// sends no request.
func TestPoisonedLedgerFinishesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const items = 300
		redis := testenv.Redis(t)
		var asked atomic.Int64
		v := harvestOf(t, url, items, func(*victim, *http.Request) *fakeapi.Reply { asked.Add(1); return nil })
		v.args = append(v.args, "--redis", redis.URL)
		plain := v.args
		v.args = slices.Concat(plain, []string{"--limit", "10"})
		v.run()
		poison(t, redis, url, corpusOf(v))
		before := asked.Load()
		v.args = plain
		v.run()
		rows, finished := landed(t, url)
		if rows != items || !finished || asked.Load()-before != items-10 {
			t.Errorf("%d rows, finished %t, after %d requests, want %d, true, %d\n%s", rows, finished, asked.Load()-before, items, items-10, v.log.String())
		}
		if !strings.Contains(v.log.String(), "the store did not have them") {
			t.Errorf("the worker says nothing of a ledger that was forged:\n%s", v.log.String())
		}
		v.run()
		if extra := asked.Load() - before - (items - 10); extra != 0 || strings.Contains(v.log.String(), "once more") {
			t.Errorf("a rerun made %d requests, want none and no second pass\n%s", extra, v.log.String())
		}
		verify(t, url)
	})
}

// Each shard counts its own rows: those that drain before the last one are not finished by Redis
// either.
func TestPoisonedLedgerFinishesNoShard(t *testing.T) {
	t.Parallel()
	const items = 120
	redis, url := testenv.Redis(t), testenv.Postgres(t).URL
	v := harvestOf(t, url, items, served)
	v.args = append(v.args, "--redis", redis.URL)
	plain := v.args
	v.args = slices.Concat(plain, []string{"--shard", "0/3", "--limit", "5"})
	v.run()
	poison(t, redis, url, corpusOf(v))
	for _, shard := range []string{"0/3", "1/3", "2/3"} {
		v.args = slices.Concat(plain, []string{"--shard", shard})
		v.run()
	}
	if rows, finished := landed(t, url); rows != items || !finished {
		t.Errorf("%d rows, finished %t, want %d, true", rows, finished, items)
	}
}

// Repeated lines make the counts differ too: the store is asked once, nothing is fetched, the rerun
// ends well.
func TestCountsThatDifferForAnHonestReason(t *testing.T) {
	t.Parallel()
	const items = 60
	redis, url := testenv.Redis(t), testenv.Postgres(t).URL
	var asked atomic.Int64
	v := harvestOf(t, url, items, func(*victim, *http.Request) *fakeapi.Reply { asked.Add(1); return nil })
	v.args = append(v.args, "--redis", redis.URL)
	lines, err := os.ReadFile(corpusOf(v))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(corpusOf(v), append(lines, lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		v.run()
		if rows, finished := landed(t, url); rows != items || !finished || asked.Load() != items {
			t.Errorf("%d rows, finished %t, after %d requests, want %d, true, %d\n%s", rows, finished, asked.Load(), items, items, v.log.String())
		}
	}
}

// A corpus from a pipe cannot be read once more: there the store is asked from the beginning.
func TestPoisonedLedgerAndACorpusFromAPipe(t *testing.T) {
	t.Parallel()
	const items = 60
	redis, url := testenv.Redis(t), testenv.Postgres(t).URL
	v := harvestOf(t, url, items, served)
	corpus := corpusOf(v)
	v.args[slices.Index(v.args, corpus)] = "-"
	v.args = append(v.args, "--redis", redis.URL)
	for _, more := range [][]string{{"--limit", "5"}, nil} {
		pipe, err := os.Open(corpus)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(testenv.Build(t, "./cmd/worker"), slices.Concat(v.args, more)...)
		cmd.Env, cmd.Stdin = append(os.Environ(), v.env...), pipe
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("worker %v = %v\n%s", cmd.Args, err, out)
		}
		_ = pipe.Close()
		if more != nil {
			poison(t, redis, url, corpus)
		}
	}
	if rows, finished := landed(t, url); rows != items || !finished {
		t.Errorf("%d rows, finished %t, want %d, true", rows, finished, items)
	}
}
