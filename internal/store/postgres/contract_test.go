package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/store/storetest"
	"shoal/internal/testenv"
)

// open is how these tests open a store.
var open storetest.Opener = postgres.Open

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, open)) }

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(t *testing.T) storetest.Twin { return twin{testenv.Postgres(t).URL} })
}

// twin is a database of a test.
type twin struct{ url string }

func (w twin) Open(ctx context.Context, options store.Options) (*store.Store, error) {
	return postgres.Open(ctx, w.url, options)
}

func (w twin) Overtake(t testing.TB, run string, shard harvest.Shard) {
	t.Helper()
	execPostgres(t, w.url, fmt.Sprintf("UPDATE shoal.shards SET token = token + 1, expires_at = NULL WHERE run = '%s' AND shard = %d AND of = %d", run, shard.Index, shard.Of))
}

func (w twin) Lapse(t testing.TB) {
	t.Helper()
	execPostgres(t, w.url, "UPDATE shoal.shards SET expires_at = '2026-01-01' WHERE expires_at IS NOT NULL")
}

func (w twin) Crash(t testing.TB, c storetest.Crash) {
	t.Helper()
	storetest.CrashChild(t, w.url, c)
}

func (w twin) LosePages(t testing.TB) {
	t.Helper()
	execPostgres(t, w.url, "DELETE FROM shoal.pages")
}

func (w twin) Upgrade(t testing.TB, version int, by string) {
	t.Helper()
	execPostgres(t, w.url, fmt.Sprintf("INSERT INTO shoal.schema_version (version, applied_by) VALUES (%d, '%s')", version, by))
}

func BenchmarkLand(b *testing.B) {
	storetest.BenchmarkLand(b, open, func(b *testing.B) string { return testenv.Postgres(b).URL }, postgres.NewLander)
}

// take gives a shard a new token and returns what lands under it, without a lease.
func take(t testing.TB, s *store.Store, run string, shard harvest.Shard) func(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
	t.Helper()
	token := postgres.RaiseToken(t, s, run, shard)
	return func(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
		return postgres.LandUnder(ctx, s, run, shard, token, pages)
	}
}

func execPostgres(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
