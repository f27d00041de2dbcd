package postgres_test

import (
	"context"
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
	storetest.Contract(t, func(t *testing.T) storetest.Twin {
		url := testenv.Postgres(t).URL
		return storetest.Twin{URL: url, Open: open, Take: take, Exec: func(t testing.TB, statement string) {
			t.Helper()
			execPostgres(t, url, "SET search_path = shoal", statement)
		}}
	})
}

func BenchmarkLand(b *testing.B) {
	storetest.BenchmarkLand(b, open, func(b *testing.B) string { return testenv.Postgres(b).URL }, postgres.NewLander)
}

func take(t testing.TB, s *store.Store, run string, shard harvest.Shard) storetest.Land {
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
