package deploy

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// TestRunbookRecovery follows docs/operations.md in the middle of a run: Redis lost with all it
// knew; PostgreSQL put back to a backup that is older than what has landed.
func TestRunbookRecovery(t *testing.T) {
	const items, rate, shards = 1200, 100, 2
	c := newCluster(t, shards, items, rate, fakeapi.Behaviour{Latency: 50 * time.Millisecond})
	template := c.pods(c.r.worker())
	backup := filepath.Join(t.TempDir(), "backup.dump")
	finish := c.open(template)
	job := newController(t, template, c.r.worker())
	atBackup := 0
	steps := []struct {
		at int
		do func()
	}{
		{300, func() {
			job.logf("pg_dump")
			c.tool("pg_dump", "--format=custom", "--schema=shoal", "--file="+backup, c.pg.URL)
			atBackup = c.api.Count()
		}},
		{500, func() {
			job.logf("Redis dies and comes back empty")
			c.redis.Kill()
			c.redis.Start()
		}},
		{800, func() {
			job.failed = "deleted" // by kubectl delete job: no further pods
			for index := range shards {
				job.remove(index)
			}
		}},
	}
	job.run(2*time.Minute, func() {
		if len(steps) > 0 && c.api.Count() >= steps[0].at {
			steps[0].do()
			steps = steps[1:]
		}
	})
	if len(steps) > 0 {
		t.Fatalf("the Job ended before its workers were stopped: %v", job.done)
	}
	lost := c.api.Count() - atBackup
	landed := c.count("select count(*) from shoal.pages")
	// Not pg_restore --clean: it cannot drop what a partition inherits.
	c.tool("psql", "--quiet", "--command=drop schema shoal cascade", c.pg.URL)
	c.tool("pg_restore", "--exit-on-error", "--no-owner", "--dbname="+c.pg.URL, backup)
	job.logf("pg_restore: of %d pages %d are left", landed, c.count("select count(*) from shoal.pages"))
	c.coordinator(template, "rebuild", "--run="+runName)

	restored := newController(t, template, c.r.worker())
	restored.run(2*time.Minute, func() {})
	finish()
	if restored.failed != "" {
		t.Fatalf("the Job after the restore: %s", restored.failed)
	}
	c.complete(runName)
	// What was fetched after the backup, and what a worker's last second before it had not landed
	// yet.
	if again := c.api.Count() - items; again > lost+2*rate {
		t.Errorf("%d requests more than items, want at most the %d since the backup and what was in flight", again, lost)
	}
	t.Logf("%d items landed once each; %d requests, %d of them since the backup and lost with it", items, c.api.Count(), lost)
}

// tool runs a program of PostgreSQL's.
func (c *cluster) tool(name string, args ...string) {
	c.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is constant and sound
		if len(found) == 0 {
			c.t.Fatalf("%s is not installed: it comes with PostgreSQL's client", name)
		}
		path = found[len(found)-1]
	}
	if out, err := exec.CommandContext(c.t.Context(), path, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// coordinator runs one of its commands as a person would, with the services' addresses in the
// environment.
func (c *cluster) coordinator(template *podTemplate, args ...string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), program(c.t, "coordinator"), args...)
	cmd.Dir = template.dir
	cmd.Env = []string{"SHOAL_STORE=" + c.pg.URL, "SHOAL_REDIS=" + c.redis.URL, "HOME=/nonexistent"}
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("coordinator %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
