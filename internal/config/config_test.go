package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoal/internal/upstream/all"
)

// world is one call of a command: its inputs, and what came of it.
type world struct {
	env  Env
	args []string

	worker Worker
	ran    bool
	out    string
	err    error
}

func (w world) run(t *testing.T) world {
	t.Helper()
	w.env.Kinds = all.Kinds()
	if w.env.Dir == "" {
		w.env.Dir = t.TempDir()
	}
	cmd := WorkerCommand(w.env, func(_ context.Context, got Worker) error {
		w.worker, w.ran = got, true
		return nil
	})
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(w.args)
	w.err = cmd.ExecuteContext(t.Context())
	w.out = out.String()
	return w
}

// load runs the worker's command and fails the test when it refuses.
func load(t *testing.T, env Env, args ...string) Worker {
	t.Helper()
	w := world{env: env, args: args}.run(t)
	if w.err != nil {
		t.Fatalf("worker %q = error %v, want none", args, w.err)
	}
	if !w.ran {
		t.Fatalf("worker %q did not run; output:\n%s", args, w.out)
	}
	return w.worker
}

// fileDir is a folder with a shoal.yaml.
func fileDir(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantUsage checks that an error is for the operator to fix and contains what it must.
func wantUsage(t *testing.T, what string, err error, want ...string) {
	t.Helper()
	if !errors.Is(err, ErrUsage) {
		t.Errorf("%s = error %v, want one that matches ErrUsage", what, err)
		return
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s = error %q, want it to say %q", what, err, part)
		}
	}
}

// samples gives each setting a value that is not its default.
func samples(t *testing.T) map[string]string {
	return map[string]string{
		"corpus": "urls.txt", "url": "https://api.example/{id}", "upstream": "plain", "extract": ".data[]", "body": "raw",
		"check": ".ok", "post-is-read": "true", "keep-header": "X-One,X-Two", "run": "2026q4", "shard": "0/1", "shards": "16", "pack": "20", "show": "7", "split": ".items[]", "id": ".id", "absent": "missing", "next": ".next", "items": ".data[].id", "host": "api.example", "outcome": "dead,missing", "reason": "http_502", "status": "502", "match": "*/talk/*", "json": "true", "watch": "true",
		"no-wait": "true",
		"contact": "ada@lab.edu", "user-agent": "lab/1.0 (ada@lab.edu)", "profile": "wikimedia-anon", "rate": "200/min", "concurrency": "7",
		"headroom": "0.2%", "wait": ".wait", "proxy": "http://proxy:3128", "ca": "ca.pem", "cert": "c.pem", "key": "k.pem",
		"allow-host": "b.lab.edu,c.lab.edu:8443", "allow-private": "10.1.0.0/16", "store": "sqlite:other.db", "redis": "redis://localhost:6379/1",
		"batch": "10", "batch-bytes": "1MiB", "flush": "2s", "to": "x.csv", "html": "x.html", "table": "pages", "envelope": "true", "no-formula-guard": "true", "try": "4", "limit": "9", "timeout": "5s",
		"max-body": "1KiB", "retries": "0", "patience": "1h", "max-silence": "36h", "yes": "true", "max-dead": "5", "max-skipped": "2%", "max-rejected": "none", "max-missing": "0",
		"no-canary": "true", "force": "true", "progress": "json", "log-level": "debug", "status-addr": "127.0.0.1:9090", "metrics-token": "token.txt", "status-token": "page.txt",
		"notify": "https://127.0.0.1/a", "notify-after": "1h", "notify-key-file": "key.txt", "heartbeat": "http://localhost/b", "heartbeat-every": "5m", "otlp": "http://127.0.0.1:4318",
		"config": filepath.Join(fileDir(t, ""), fileName), "api": "https://wiki.lab.edu/w/api.php", "print-config": "true",
	}
}
