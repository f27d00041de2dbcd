//go:build prove

package observe

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

const (
	speedRun    = "2026q4"
	speedShards = 10_000
	speedChains = 1_000_000
	speedLosses = 20_000
	firstPaint  = 100 * time.Millisecond
	watchers    = 20
)

// places are the stores that the page is held against.
func places(t *testing.T) map[string]string {
	return map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "speed.db"), "postgres": testenv.Postgres(t).URL}
}

// fillStore makes a large run: its shards, its chains, a day of minutes of 64 workers, items that
// did not land.
func fillStore(t *testing.T, kind, address string) *store.Store {
	t.Helper()
	db, err := stores.Open(t.Context(), address, store.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	inputs := harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "list:https://api.example/items", Next: "link"}
	if _, _, err := db.OpenRun(t.Context(), harvest.Run{Name: speedRun, Shards: speedShards, Rate: "50/s", Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	if kind == "postgres" {
		fillPostgres(t, address, now)
	} else {
		fillSQLite(t, strings.TrimPrefix(address, "sqlite:"), now)
	}
	for i := range 64 {
		work := harvest.Work{Run: speedRun, Worker: fmt.Sprintf("lab:%d@1", i), Shard: fmt.Sprintf("%d/%d", i, speedShards), Started: now, Stats: harvest.Stats{Rate: 0.7, Limit: harvest.LimitBudget, LastError: "http_502"}}
		for q := range 30 {
			work.Quiets = append(work.Quiets, harvest.Quiet{From: now.Add(-time.Duration(q) * time.Minute), Until: now.Add(7*time.Second - time.Duration(q)*time.Minute), Kind: harvest.LimitBackoff, Cause: "Retry-After"})
		}
		if err := db.SaveWork(t.Context(), work); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func fillSQLite(t *testing.T, path string, now time.Time) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	stamp := now.Format("2006-01-02T15:04:05.000000Z")
	seconds := "[" + strings.Repeat("1,", 59) + "1]"
	const n = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
	for _, q := range []struct {
		text string
		args []any
	}{
		{n + `INSERT INTO shards (run, shard, "of", owner, landed, drained_at) SELECT '` + speedRun + `', i, 10000, 'lab:1', 100, CASE WHEN i % 3 = 0 THEN '` + stamp + `' END FROM n`, []any{speedShards}},
		{n + `INSERT INTO chains (run, seed, step, next, done_at) SELECT '` + speedRun + `', 'https://api.example/list/' || i, 3, 'https://api.example/list/' || i || '?page=4', CASE WHEN i % 2 = 0 THEN '` + stamp + `' END FROM n`, []any{speedChains}},
		{n + `INSERT INTO sent (run, worker, minute, seconds) SELECT '` + speedRun + `', 'lab:' || (i % 64), ? - i / 64, '` + seconds + `' FROM n`, []any{64 * 1440, now.Unix() / 60}},
		{n + `INSERT INTO pages (run, key, url, outcome, status, reason, attempts, fetched_at) SELECT '` + speedRun + `', randomblob(16), 'https://api.example/items/' || i, 'dead', 502, 'http_502', 6, '` + stamp + `' FROM n`, []any{speedLosses}},
	} {
		if _, err := raw.ExecContext(t.Context(), q.text, q.args...); err != nil {
			t.Fatalf("%s: %v", q.text, err)
		}
	}
}

func fillPostgres(t *testing.T, address string, now time.Time) {
	t.Helper()
	raw, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close(context.Background()) }()
	seconds := "[" + strings.Repeat("1,", 59) + "1]"
	for _, text := range []string{
		fmt.Sprintf(`INSERT INTO shoal.shards (run, shard, of, owner, landed, drained_at) SELECT '%s', i, 10000, 'lab:1', 100, CASE WHEN i %% 3 = 0 THEN now() END FROM generate_series(0, %d) i`, speedRun, speedShards-1),
		fmt.Sprintf(`INSERT INTO shoal.chains (run, seed, step, next, done_at) SELECT '%s', 'https://api.example/list/' || i, 3, 'https://api.example/list/' || i || '?page=4', CASE WHEN i %% 2 = 0 THEN now() END FROM generate_series(1, %d) i`, speedRun, speedChains),
		fmt.Sprintf(`INSERT INTO shoal.sent (run, worker, minute, seconds) SELECT '%s', 'lab:' || (i %% 64), %d - i / 64, '%s' FROM generate_series(0, %d) i`, speedRun, now.Unix()/60, seconds, 64*1440-1),
		fmt.Sprintf(`INSERT INTO shoal.pages (run, key, url, outcome, status, reason, attempts, fetched_at) SELECT '%s', gen_random_uuid(), 'https://api.example/items/' || i, 'dead', 502, 'http_502', 6, now() FROM generate_series(1, %d) i`, speedRun, speedLosses),
		"ANALYZE",
	} {
		if _, err := raw.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// servePage serves the page over a store.
func servePage(t *testing.T, address string) (base string, stop func()) {
	t.Helper()
	page, err := Page(Settings{Store: address})
	if err != nil {
		t.Fatal(err)
	}
	server, err := status.ServeOptions("127.0.0.1:0", status.Options{Get: func() harvest.Progress { return harvest.Progress{} }, Page: page})
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + server.Addr(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// paint loads a page as a browser does, and returns how long that took.
func paint(ctx context.Context, url string) (took time.Duration, size int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s = %d: %s", url, answer.StatusCode, text)
	}
	return time.Since(began), len(text), err
}

// TestFirstPaint loads the pages of a large run from a program that was never asked before, and
// again.
func TestFirstPaint(t *testing.T) {
	for kind, address := range places(t) {
		t.Run(kind, func(t *testing.T) {
			fillStore(t, kind, address)
			for _, path := range []string{"/runs/" + speedRun, "/", "/runs/" + speedRun + "/shards", "/runs/" + speedRun + "/items?outcome=dead"} {
				var cold, warm []time.Duration
				size := 0
				for range 7 {
					base, stop := servePage(t, address)
					first, n, err := paint(t.Context(), base+path)
					again, _, errAgain := paint(t.Context(), base+path)
					stop()
					if err != nil || errAgain != nil {
						t.Fatal(err, errAgain)
					}
					cold, warm, size = append(cold, first), append(warm, again), n
				}
				slices.Sort(cold)
				slices.Sort(warm)
				t.Logf("%s: first %s (slowest %s), again %s, %d kB", path, cold[3].Round(time.Millisecond/10), cold[6].Round(time.Millisecond/10), warm[3].Round(time.Millisecond/10), size>>10)
				if cold[3] > firstPaint {
					t.Errorf("%s: the first paint takes %s, want at most %s", path, cold[3], firstPaint)
				}
			}
		})
	}
}

// watch looks at a page as a browser does: it loads it again with each event.
func watch(ctx context.Context, base string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/events?run="+speedRun, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if lines.Text() == "event: change" {
			if _, _, err := paint(ctx, base+"/runs/"+speedRun); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// land lands batches for a while, and returns how many rows a second.
func land(t *testing.T, lease *store.Lease, from *int, length time.Duration) float64 {
	t.Helper()
	began, rows := time.Now(), 0
	body := []byte(`{"text":"` + strings.Repeat("x", 2000) + `"}`)
	for time.Since(began) < length {
		batch := make([]harvest.Page, 1000)
		for i := range batch {
			item, err := harvest.NewItem(fmt.Sprintf("https://api.example/new/%d", *from), "", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			*from++
			batch[i] = harvest.Page{Key: item.Key, URL: item.URL, Outcome: harvest.Landed, Status: 200, Attempts: 1, FetchedAt: began, Body: body}
		}
		if _, err := lease.Land(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		rows += len(batch)
	}
	return float64(rows) / time.Since(began).Seconds()
}

// TestWatchersDoNotSlowLandings compares landings while 20 browsers look with landings while none
// does, in turns, in the process that serves the page.
func TestWatchersDoNotSlowLandings(t *testing.T) {
	for kind, address := range places(t) {
		t.Run(kind, func(t *testing.T) {
			db := fillStore(t, kind, address)
			lease, err := db.Claim(t.Context(), store.Claim{Run: speedRun, Shard: harvest.Shard{Index: 1, Of: speedShards}, Owner: "lab:1", TTL: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = lease.Release(context.Background()) }()
			base, stop := servePage(t, address)
			defer stop()
			from := 0
			land(t, lease, &from, 2*time.Second) // warm
			var ratios []float64
			for range 8 {
				alone := land(t, lease, &from, 4*time.Second)
				ctx, end := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for range watchers {
					all.Go(func() { _ = watch(ctx, base) })
				}
				watched := land(t, lease, &from, 4*time.Second)
				end()
				all.Wait()
				ratios = append(ratios, watched/alone)
			}
			slices.Sort(ratios)
			t.Logf("rows/s with %d watchers to rows/s with none: %.3f (from %.3f to %.3f)", watchers, (ratios[3]+ratios[4])/2, ratios[0], ratios[7])
		})
	}
}
