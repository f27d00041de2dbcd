package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
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
	storetest.Contract(t, func(t *testing.T) storetest.Twin { return twin{filepath.Join(t.TempDir(), "shoal.db")} })
}

// twin is a database of a test.
type twin struct{ file string }

func (w twin) Open(ctx context.Context, options store.Options) (*store.Store, error) {
	return sqlite.Open(ctx, "sqlite:"+w.file, options)
}

func (w twin) Overtake(t testing.TB, run string, shard harvest.Shard) {
	t.Helper()
	execSQLite(t, w.file, fmt.Sprintf(`UPDATE shards SET token = token + 1, expires_at = NULL WHERE run = '%s' AND shard = %d AND "of" = %d`, run, shard.Index, shard.Of))
	if err := os.Remove(fmt.Sprintf("%s-lease-%s-%d-%d", w.file, run, shard.Index, shard.Of)); err != nil { // the old owner's lock
		t.Fatal(err)
	}
}

func (w twin) Lapse(t testing.TB) {
	t.Helper()
	execSQLite(t, w.file, "UPDATE shards SET expires_at = '2026-01-01T00:00:00.000000Z' WHERE expires_at IS NOT NULL")
}

func (w twin) Crash(t testing.TB, c storetest.Crash) {
	t.Helper()
	storetest.CrashChild(t, "sqlite:"+w.file, c)
}

func (w twin) LosePages(t testing.TB) {
	t.Helper()
	execSQLite(t, w.file, "DELETE FROM pages")
}

func (w twin) Upgrade(t testing.TB, version int, by string) {
	t.Helper()
	execSQLite(t, w.file, fmt.Sprintf("INSERT INTO schema_version (version, applied_by, applied_at) VALUES (%d, '%s', '2030-01-01T00:00:00.000000Z')", version, by))
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

// take gives a shard a new token and returns what lands under it, without a lease.
func take(t testing.TB, s *store.Store, run string, shard harvest.Shard) func(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
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
