package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/sqlite"
	"shoal/internal/store/storetest"
)

// open is how these tests open a store.
var open storetest.Opener = sqlite.Open

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, open)) }

var whole = harvest.Shard{Index: 0, Of: 1}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(t *testing.T) storetest.Twin {
		file := filepath.Join(t.TempDir(), "shoal.db")
		return storetest.Twin{URL: "sqlite:" + file, Open: open, Take: take, Exec: func(t testing.TB, statement string) {
			t.Helper()
			execSQLite(t, file, statement)
		}}
	})
}

func BenchmarkLand(b *testing.B) {
	storetest.BenchmarkLand(b, open, func(b *testing.B) string { return "sqlite:" + filepath.Join(b.TempDir(), "shoal.db") }, sqlite.NewLander)
}

func openRun(t testing.TB, url string) *store.Store {
	t.Helper()
	return storetest.OpenWithRun(t, open, url)
}

func batchOf(n int) []harvest.Page {
	pages := make([]harvest.Page, n)
	for i := range pages {
		pages[i] = storetest.Page(i, `{"x": 1}`)
	}
	return pages
}

func take(t testing.TB, s *store.Store, run string, shard harvest.Shard) storetest.Land {
	t.Helper()
	token := sqlite.RaiseToken(t, s, run, shard)
	return func(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
		return sqlite.LandUnder(ctx, s, run, shard, token, pages)
	}
}

func execSQLite(t testing.TB, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
