//go:build prove

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
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

// fleet is an upstream, the services and the workers of one proof.
type fleet struct {
	t      *testing.T
	api    *fakeapi.Server
	ca     string
	dir    string
	binary string // the worker
	tool   string // the coordinator
	redis  *testenv.RedisServer
	pg     *testenv.PostgresServer
	items  int
	watch  *watch
}

// newFleet starts the services and an upstream with this behaviour.
func newFleet(t *testing.T, items int, behaviour fakeapi.Behaviour) *fleet {
	t.Helper()
	behaviour.Items = items
	api, err := fakeapi.New(fakeapi.Options{Behaviour: behaviour, NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	f := &fleet{t: t, api: api, dir: t.TempDir(), binary: testenv.Build(t, "./cmd/worker"), tool: testenv.Build(t, "./cmd/coordinator"), items: items, watch: newWatch(t)}
	if f.ca, err = api.CAFile(f.dir); err != nil {
		t.Fatal(err)
	}
	f.redis = testenv.Redis(t)
	f.pg = testenv.OwnPostgres(t)
	f.corpus("corpus.txt", 0, items)
	return f
}

// corpus writes the URLs of some items and returns the file.
func (f *fleet) corpus(name string, from, to int) string {
	f.t.Helper()
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%s/items/%d\n", f.api.URL, i)
	}
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// worker is one running worker process.
type worker struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// start runs a worker with Redis, PostgreSQL and the corpus, and more flags.
func (f *fleet) start(flags ...string) *worker {
	f.t.Helper()
	return f.run(append([]string{
		"--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof", "--redis", f.redis.URL, "--store", f.pg.URL, "--rate", "50",
	}, flags...)...)
}

// run runs a worker with only these flags and those that reach the upstream.
func (f *fleet) run(flags ...string) *worker {
	f.t.Helper()
	return f.process(f.binary, append([]string{"--ca", f.ca, "--progress", "json", "--patience", "10m"}, flags...)...)
}

// process starts a program.
func (f *fleet) process(binary string, args ...string) *worker {
	f.t.Helper()
	log, err := os.CreateTemp(f.dir, "worker-*.log")
	if err != nil {
		f.t.Fatal(err)
	}
	w := &worker{t: f.t, log: log.Name(), done: make(chan struct{})}
	w.cmd = exec.Command(binary, args...)
	w.cmd.Dir, w.cmd.Stdout, w.cmd.Stderr = f.dir, log, log
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() {
		_ = w.cmd.Wait()
		_ = log.Close()
		close(w.done)
	}()
	f.t.Cleanup(func() { w.kill() })
	return w
}

// shards starts a worker for each of n shards.
func (f *fleet) shards(n int, flags ...string) []*worker {
	workers := make([]*worker, n)
	for i := range workers {
		workers[i] = f.start(append([]string{"--shard", fmt.Sprintf("%d/%d", i, n)}, flags...)...)
	}
	return workers
}

func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

// exit waits for the worker and returns its exit code.
func (w *worker) exit(limit time.Duration) int {
	w.t.Helper()
	select {
	case <-w.done:
		return w.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		w.t.Errorf("worker still runs after %s:\n%s", limit, w.tail())
		w.kill()
		return -1
	}
}

// want waits for the worker and fails the proof on another exit code.
func (w *worker) want(code int, limit time.Duration) {
	w.t.Helper()
	if got := w.exit(limit); got != code {
		w.t.Fatalf("worker exited with %d, want %d:\n%s", got, code, w.tail())
	}
}

func wantAll(workers []*worker, code int, limit time.Duration) {
	for _, w := range workers {
		w.t.Helper()
		w.want(code, limit)
	}
}

// tail returns the end of what the worker printed.
func (w *worker) tail() string {
	b, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-3000):])
}

// rss returns the worker's resident memory in MiB.
func (w *worker) rss() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return kib / 1024
}

// until waits for a condition of the upstream.
func (f *fleet) until(what string, limit time.Duration, ok func() bool) {
	f.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			f.t.Fatalf("waited %s in vain for %s (%d arrivals)", limit, what, f.api.Count())
		case <-tick.C:
		}
	}
}

// arrived waits until that many requests have arrived.
func (f *fleet) arrived(n int, limit time.Duration) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d arrivals", n), limit, func() bool { return f.api.Count() >= n })
}

// used returns the part of a budget that was used between the first and the last arrival.
func used(arrivals []fakeapi.Arrival, rate float64) float64 {
	if len(arrivals) < 2 {
		return 0
	}
	span := arrivals[len(arrivals)-1].At.Sub(arrivals[0].At).Seconds()
	return float64(len(arrivals)-1) / span / rate
}

// polite fails the proof if the upstream had to refuse, or a second was too full.
func (f *fleet) polite(most int) {
	f.t.Helper()
	f.steady(most)
	refused, second := f.api.Refused(), f.api.WorstWindow(time.Second)
	f.t.Logf("%d arrivals, %d refused, worst second %d, %d connections", f.api.Count(), refused, second, len(f.api.Connections()))
	if refused > 0 || second > most {
		f.t.Errorf("%d refused and %d in the worst second, want 0 and at most %d", refused, second, most)
	}
}

// digest returns a hash over the rows of a run, without what may differ between two harvests.
func (f *fleet) digest(run string) (rows int, hash string) {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.pg.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, `select key::text || url || outcome || coalesce(body::text, '') from shoal.pages where run = $1 order by key`, run)
	if err != nil {
		f.t.Fatal(err)
	}
	sum := sha256.New()
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			f.t.Fatal(err)
		}
		sum.Write([]byte(line + "\n"))
		rows++
	}
	if found.Err() != nil {
		f.t.Fatal(found.Err())
	}
	return rows, hex.EncodeToString(sum.Sum(nil)[:8])
}

// complete fails the proof unless each item has exactly one landed row with the upstream's own
// bytes.
func (f *fleet) complete(run string, items int) {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.pg.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, `select url, outcome, coalesce(body::text, '') from shoal.pages where run = $1`, run)
	if err != nil {
		f.t.Fatal(err)
	}
	rows, wrong := 0, 0
	for found.Next() {
		var url, outcome, body string
		if err := found.Scan(&url, &outcome, &body); err != nil {
			f.t.Fatal(err)
		}
		n, err := strconv.Atoi(url[strings.LastIndexByte(url, '/')+1:])
		if err != nil {
			f.t.Fatal(err)
		}
		if rows++; outcome != "landed" || body != string(fakeapi.Item(n, 0)) {
			if wrong++; wrong <= 3 {
				f.t.Errorf("row of %s is %s with body %.100s", url, outcome, body)
			}
		}
	}
	if rows != items || wrong > 0 {
		f.t.Errorf("run %s has %d rows, %d of them wrong, want %d rows", run, rows, wrong, items)
	}
	f.t.Logf("run %s: %d rows, all with the upstream's own bytes", run, rows)
}
