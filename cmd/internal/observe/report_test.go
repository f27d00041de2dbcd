package observe

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/stores"
)

// TestReportOfALargeRun writes that of a run with 10,000 shards, three weeks of minutes and 100,000
// dead items for 60 reasons.
func TestReportOfALargeRun(t *testing.T) {
	t.Parallel()
	const run, dead, most = "2026q4", 100_000, 2_000_000
	file := filepath.Join(t.TempDir(), "large.db")
	db, err := stores.Open(t.Context(), "sqlite:"+file, store.Options{Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	inputs := harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "urls.txt"}
	if _, _, err := db.OpenRun(t.Context(), harvest.Run{Name: run, Shards: 10_000, Rate: "50/s", Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	fillLarge(t, file, run, dead)
	var text bytes.Buffer
	began := time.Now()
	if err := WriteReport(t.Context(), &text, db, "sqlite:"+file, run); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes in %s", text.Len(), time.Since(began).Round(time.Millisecond))
	if text.Len() > most {
		t.Errorf("the report has %d bytes, want at most %d", text.Len(), most)
	}
	for _, want := range []string{"20 further reasons", "Each square is 10 shards", "<dt>opened by Shoal</dt><dd>v1.2.3</dd>", "&lt;script&gt;", "and 1,6"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(text.String(), "<script") {
		t.Error("the report has a script")
	}
}

func fillLarge(t *testing.T, file, run string, dead int) {
	t.Helper()
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	const n = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
	seconds := "[" + strings.Repeat("48,", 59) + "50]"
	hostile := strings.Repeat("<script>alert(1)</script>", 100)
	for _, q := range []struct {
		text  string
		count int
	}{
		{fmt.Sprintf(`INSERT INTO shards (run, shard, "of", owner, dead) SELECT '%s', i, 10000, '%s', 10 FROM n`, run, hostile), 10_000},
		{fmt.Sprintf(`INSERT INTO sent (run, worker, minute, seconds) SELECT '%s', 'lab:1', %d - i, '%s' FROM n`, run, time.Now().Unix()/60, seconds), 21 * 24 * 60},
		{fmt.Sprintf(`INSERT INTO pages (run, key, url, outcome, status, reason, detail, attempts, fetched_at)
			SELECT '%s', randomblob(16), 'https://api.example/items/' || i, 'dead', 500, 'reason_' || (i %% 60), '%s', 6, '2026-10-01T12:00:00.000000Z' FROM n`, run, hostile), dead},
	} {
		if _, err := raw.ExecContext(t.Context(), n+q.text, q.count); err != nil {
			t.Fatalf("%s: %v", q.text, err)
		}
	}
}
