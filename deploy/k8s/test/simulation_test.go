package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	batchv1 "k8s.io/api/batch/v1"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

const runName = "2026q4" // of the minute that newPod gives the Job

// cluster is what the pods of a simulation find around them: an upstream, Redis, PostgreSQL and the
// volumes.
type cluster struct {
	t     *testing.T
	api   *fakeapi.Server
	redis *testenv.RedisServer
	pg    *testenv.PostgresServer
	items int
	rate  int
	r     *rendered
}

// newCluster renders the overlay dev with n shards and with settings for an upstream of this
// machine.
func newCluster(t *testing.T, n, items, rate int, behaviour fakeapi.Behaviour) *cluster {
	t.Helper()
	behaviour.Items = items
	api, err := fakeapi.New(fakeapi.Options{Behaviour: behaviour, NoHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	mem := tree(t)
	path := "/k8s/overlays/dev/shards.yaml"
	text, err := mem.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, mem, path, strings.ReplaceAll(string(text), `shards: "2"`, fmt.Sprintf("shards: %q", fmt.Sprint(n))))
	write(t, mem, "/k8s/overlays/dev/shoal.yaml", fmt.Sprintf(
		"contact: https://example.org/harvest\nurl: %s/items/{id}\nrate: %d/s\nextract: .\nprogress: json\nca: /run/secrets/shoal/ca.pem\n", api.URL, rate))
	return &cluster{t: t, api: api, redis: testenv.Redis(t), pg: testenv.OwnPostgres(t), items: items, rate: rate, r: render(t, mem, "dev")}
}

// pods is the template of a CronJob's pods, with the volumes that a person would have filled.
func (c *cluster) pods(job *batchv1.CronJob) *podTemplate {
	c.t.Helper()
	p := newPod(c.t, c.r, job, c.t.TempDir())
	p.secrets = func(_, key string) string { return map[string]string{"store": c.pg.URL, "redis": c.redis.URL}[key] }
	if _, err := c.api.CAFile(p.folder("files")); err != nil {
		c.t.Fatal(err)
	}
	var ids strings.Builder
	for i := range c.items {
		fmt.Fprintln(&ids, i)
	}
	if err := os.WriteFile(filepath.Join(p.folder("corpus"), "corpus.txt"), []byte(ids.String()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// open opens the run as the coordinator's Job does. What it returns waits for the coordinator and
// its verdict.
func (c *cluster) open(workers *podTemplate) (finish func()) {
	c.t.Helper()
	corpus := "--corpus=" + filepath.Join(workers.folder("corpus"), "corpus.txt")
	coordinator := c.pods(c.r.coordinator())
	cmd := coordinator.command(c.t, 0)
	cmd.Args = append(cmd.Args, corpus)
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return func() {
		if err := cmd.Wait(); err != nil {
			c.t.Errorf("coordinator run: %v, want exit code 0\n%s", err, out)
		}
	}
}

// count asks the store.
func (c *cluster) count(sql string) (n int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.pg.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, sql).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// complete checks what the store and the upstream saw: each item once, and never more than the
// budget.
func (c *cluster) complete(run string) {
	c.t.Helper()
	for what, sql := range map[string]string{
		"pages that landed":  "select count(*) from shoal.pages where outcome = 'landed'",
		"keys":               "select count(distinct key) from shoal.pages",
		"records":            "select count(*) from shoal.records",
		"items that landed":  "select count(distinct (data->>'id')::int) from shoal.records",
		"pages in that run":  "select count(*) from shoal.pages where run = '" + run + "'",
		"counted by shards ": "select sum(landed)::int from shoal.shards",
	} {
		if got := c.count(sql); got != c.items {
			c.t.Errorf("%s: %d, want %d", what, got, c.items)
		}
	}
	// scripts/prove shows that no second has one request too many, on a machine that does nothing
	// else. Here processes are started and killed on busy cores, where requests wait for a
	// processor between sending and arrival and come in clumps; but in total there are never more
	// than the budget allows.
	arrivals := c.api.Arrivals()
	elapsed := arrivals[len(arrivals)-1].At.Sub(arrivals[0].At)
	if most := c.rate + int(float64(c.rate)*elapsed.Seconds()); len(arrivals) > most {
		c.t.Errorf("%d requests in %s, want at most %d", len(arrivals), elapsed, most)
	}
}

// TestSimulatedJob plays the quarter's Job with four shards: crashes, evictions, a drained node, a
// deleted pod.
func TestSimulatedJob(t *testing.T) {
	const items, rate, shards = 2000, 100, 4
	c := newCluster(t, shards, items, rate, fakeapi.Behaviour{Latency: 100 * time.Millisecond})
	template := c.pods(c.r.worker())
	job := newController(t, template, c.r.worker())
	finish := func() {}
	steps := []struct {
		at int // arrivals
		do func()
	}{
		{0, func() { job.kill(3, "before there was a run"); finish = c.open(template) }},
		{100, func() { job.kill(0, "crash") }},
		{250, func() { job.evict(1, "its node is drained"); job.evict(2, "its node is drained") }},
		{500, func() { job.kill(0, "crash again"); job.kill(3, "out of memory") }},
		{700, func() { job.remove(2) }},
		{900, func() { job.evict(0, "spot node taken back"); job.kill(0, "and cut short") }},
		{1100, func() { // all at once, as by a power cut
			for index := range shards {
				job.kill(index, "power cut")
			}
		}},
		{1500, func() {
			for index := range shards {
				job.evict(index, "cluster upgrade")
			}
		}},
	}
	job.run(3*time.Minute, func() {
		if len(steps) > 0 && c.api.Count() >= steps[0].at {
			steps[0].do()
			steps = steps[1:]
		}
	})
	finish()
	if job.failed != "" || len(steps) > 0 {
		t.Fatalf("the Job failed: %q; steps left: %d", job.failed, len(steps))
	}
	for index := range shards {
		if job.done[index] != "succeeded" {
			t.Errorf("index %d %s, want succeeded", index, job.done[index])
		}
	}
	c.complete(runName)
	slices.Sort(job.graces)
	limit := time.Duration(*template.spec.TerminationGracePeriodSeconds) * time.Second
	for _, grace := range job.graces {
		if grace > workersLimit*time.Second || grace > limit {
			t.Errorf("a worker took %s from SIGTERM to its end, want at most %d s", grace, workersLimit)
		}
	}
	t.Logf("%d items landed once each; %d requests (%d fetched again); pods started per index %v, failures counted %v", items, c.api.Count(), c.api.Count()-items, job.tries, job.failures)
	t.Logf("SIGTERM to exit: %s to %s; largest resident size of a worker %d MiB; worst second %d of %d",
		job.graces[0].Round(time.Millisecond), job.graces[len(job.graces)-1].Round(time.Millisecond), job.rss>>10, c.api.WorstWindow(time.Second), rate)

	bytes := c.count("select sum(pg_total_relation_size(oid))::int from pg_class where relkind = 'r' and relispartition and relnamespace = 'shoal'::regnamespace")
	t.Logf("PostgreSQL holds %d bytes an item, indexes and one record of 80 bytes included", bytes/items)

	before := c.api.Count()
	again := newController(t, template, c.r.worker())
	again.run(time.Minute, func() {})
	if again.failed != "" || c.api.Count() != before {
		t.Errorf("the Job run again: failed %q, %d requests, want none", again.failed, c.api.Count()-before)
	}
}

// TestARefusedJobFailsAtOnce: exit code 4 is FailJob, so no pod is restarted to repeat a refused
// request.
func TestARefusedJobFailsAtOnce(t *testing.T) {
	const shards = 2
	c := newCluster(t, shards, 400, 100, fakeapi.Behaviour{Token: "that nobody was told"})
	template := c.pods(c.r.worker())
	job := newController(t, template, c.r.worker())
	cmd := template.command(t, 0)
	cmd.Args = append(cmd.Args, "--corpus="+filepath.Join(template.folder("corpus"), "corpus.txt"), "--run="+runName)
	if out, err := cmd.CombinedOutput(); exitCode(err) != 4 {
		t.Fatalf("a worker without a token: %v, want exit code 4\n%s", err, out)
	}
	job.run(time.Minute, func() {})
	if !strings.Contains(job.failed, "ended with 4") || job.tries[0]+job.tries[1] != shards {
		t.Errorf("the Job: %q after %v pods, want failed by exit code 4 with one pod each", job.failed, job.tries)
	}
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}

// TestWorstGrace measures the time from SIGTERM to the end if nothing around the worker answers any
// more.
func TestWorstGrace(t *testing.T) {
	for _, when := range []struct {
		name    string
		latency time.Duration
		freeze  bool
	}{
		{"in the middle of a harvest", 200 * time.Millisecond, false},
		{"the upstream hangs", time.Minute, false},
		{"PostgreSQL hangs", 200 * time.Millisecond, true},
	} {
		t.Run(when.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 1, 5000, 100, fakeapi.Behaviour{Latency: when.latency})
			template := c.pods(c.r.worker())
			template.extra = []string{"--corpus=" + filepath.Join(template.folder("corpus"), "corpus.txt"), "--run=" + runName}
			job := newController(t, template, c.r.worker())
			limit := *job.spec.BackoffLimitPerIndex
			job.run(3*time.Minute, func() {
				if p := job.pods[0]; p != nil && c.api.Count() >= 40 && p.asked.IsZero() {
					if when.freeze {
						c.pg.Freeze()
					}
					job.evict(0, when.name)
					job.failed = "enough" // no further pod
				}
			})
			if len(job.graces) != 1 || job.graces[0] > workersLimit*time.Second {
				t.Fatalf("from SIGTERM to the end: %v, want one time of at most %d s", job.graces, workersLimit)
			}
			t.Logf("%s: %.1f s from SIGTERM to the end (%d s are granted, limit %d)", when.name, job.graces[0].Seconds(), *template.spec.TerminationGracePeriodSeconds, limit)
			if when.freeze {
				c.pg.Thaw()
			}
		})
	}
}
