package pagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/stores"
)

const (
	run     = "2026q4"
	token   = "0123456789abcdef0123"
	hostile = `</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">`
	script  = `javascript:document.title="owned"`
)

// foreign returns what an upstream put into a text: something hostile, or, for pictures that people
// look at, PLAIN=1, nothing of the kind.
func foreign() string {
	if os.Getenv("PLAIN") != "" {
		return "http_502"
	}
	return hostile
}

// world is a store with a run at work, and the program that shows it.
type world struct {
	dir, store, addr string
	cmd              *exec.Cmd
}

// build makes the program and fills the store.
func build(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	w.store = "sqlite:" + filepath.Join(w.dir, "page.db")
	make := exec.CommandContext(t.Context(), "go", "build", "-o", w.dir, "./cmd/coordinator")
	make.Dir = "../../.."
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	w.fill(t)
	return w
}

// start starts the program and waits until it listens.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.cmd = exec.Command(filepath.Join(w.dir, "coordinator"), "serve", "--store", w.store, "--status-addr", w.addr, "--status-token", filepath.Join(w.dir, "token"))
	w.cmd.Dir = w.dir
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop() })
	await(t, "the page to listen", func() error { return answers(t.Context(), "http://"+w.addr+"/healthz") })
}

func (w *world) stop() {
	if w.cmd != nil {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		w.cmd = nil
	}
}

// fill lands pages, some of them hostile, and reports what two workers did: one of them is dead.
func (w *world) fill(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	db, err := stores.Open(ctx, w.store, store.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	inputs := harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "items.txt", API: "https://api.example/items/{id}"}
	for _, name := range []string{"2026q3", run} {
		if _, _, err := db.OpenRun(ctx, harvest.Run{Name: name, Shards: 48, Rate: "50/s", Inputs: inputs, CorpusItems: 4000}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.RecordDigest(ctx, run, "", 4000, "sum"); err != nil {
		t.Fatal(err)
	}
	for shard := range 20 {
		lease, err := db.Claim(ctx, store.Claim{Run: run, Shard: harvest.Shard{Index: shard, Of: 48}, Owner: fmt.Sprintf("lab%d:%d", shard%2+1, 4000+shard), TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lease.Land(ctx, pages(shard)); err != nil {
			t.Fatal(err)
		}
		if shard < 16 {
			if _, err := lease.Complete(ctx, 0); err != nil {
				t.Fatal(err)
			}
		}
		if shard < 19 {
			if err := lease.Release(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.report(t, db)
}

// pages are those of one shard: most landed.
func pages(shard int) (all []harvest.Page) {
	for i := range 100 {
		url := fmt.Sprintf("https://api.example/items/%d", shard*100+i)
		item, err := harvest.NewItem(url, fmt.Sprint(shard*100+i), "", nil)
		if err != nil {
			panic(err)
		}
		p := harvest.Page{Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Landed, Status: 200, Attempts: 1, Body: []byte(`{"id":1}`), FetchedAt: time.Now().Add(-time.Duration(i) * time.Second)}
		switch {
		case i%50 == 7:
			p.Outcome, p.Status, p.Reason, p.Detail, p.Body, p.Attempts = harvest.Dead, 502, "http_502", "<h1>Bad gateway</h1>"+foreign(), nil, 6
		case i == 30:
			p.Outcome, p.Status, p.Reason, p.Body = harvest.Missing, 404, "http_404", nil
		case i == 40 && shard == 3:
			p.URL, p.ID, p.Outcome, p.Reason, p.Detail, p.Body = script, foreign(), harvest.Skipped, "bad_json", foreign(), nil
		}
		all = append(all, p)
	}
	return all
}

// report saves what workers did in the last half hour, and lets one of them report on.
func (w *world) report(t *testing.T, db *store.Store) {
	t.Helper()
	now := time.Now().UTC()
	work := harvest.Work{Run: run, Worker: "lab1:4711@1", Shard: "19/48", Started: now.Add(-time.Hour), Stats: harvest.Stats{
		Items: harvest.Counts{Landed: 1900}, Requests: 2100, Rate: 48.7, Budget: 50, Limit: harvest.LimitBudget, Auto: true, Left: 80,
		Retries: map[string]int64{"http_502": 130, "timeout": 12}, Pauses: map[string]harvest.Silence{"Retry-After": {Times: 2, Seconds: 190}}, Refused: 2,
		Limits: map[string]float64{"budget": 3100, "backoff": 190, "hold": 240}, Stages: map[string]float64{"permit": 9000, "fetch": 2000, "land": 60}, LastError: foreign(),
	}}
	quiet := func(ago, length time.Duration) bool {
		for _, q := range work.Quiets {
			at := now.Add(-ago)
			if !at.Before(q.From) && at.Before(q.Until) {
				return true
			}
		}
		return length > 0
	}
	from := func(ago, length time.Duration, kind harvest.Limit, cause string) {
		work.Quiets = append(work.Quiets, harvest.Quiet{From: now.Add(-ago), Until: now.Add(length - ago), Kind: kind, Cause: cause})
	}
	from(25*time.Minute, 130*time.Second, harvest.LimitBackoff, "Retry-After")
	from(8*time.Minute, time.Minute, harvest.LimitBackoff, "429, no hint")
	from(16*time.Minute, 4*time.Minute, harvest.LimitHold, "")
	minutes := map[int64]*harvest.Minute{}
	for ago := 45 * 60; ago > 0; ago-- {
		at := now.Add(-time.Duration(ago) * time.Second).Unix()
		m := minutes[at/60]
		if m == nil {
			m = &harvest.Minute{Unix: at / 60}
			minutes[at/60] = m
		}
		if !quiet(time.Duration(ago)*time.Second, 0) {
			m.Seconds[at%60] = 44 + ago*7%6
		}
	}
	for _, m := range minutes {
		work.Minutes = append(work.Minutes, *m)
	}
	dead := harvest.Work{Run: run, Worker: "lab2:815@1", Shard: "17/48", Started: now.Add(-time.Hour), Stats: harvest.Stats{Items: harvest.Counts{Landed: 40}, LastError: "connection reset"}}
	save := func(ctx context.Context, w harvest.Work) {
		if err := db.SaveWork(ctx, w); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("SaveWork() = %v", err)
		}
	}
	save(t.Context(), work)
	save(t.Context(), dead)
	work.Quiets, work.Minutes = nil, nil
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				save(ctx, work)
			}
		}
	}()
	t.Cleanup(func() { end(); <-done })
}
