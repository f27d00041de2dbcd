package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/storetest"
	"shoal/internal/testenv"
)

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(t *testing.T) storetest.Twin {
		url := testenv.Postgres(t).URL
		return storetest.Twin{URL: url, Take: take, Exec: func(t testing.TB, statement string) {
			t.Helper()
			execPostgres(t, url, "SET search_path = shoal", statement)
		}}
	})
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(t *testing.T) storetest.Twin {
		file := filepath.Join(t.TempDir(), "shoal.db")
		return storetest.Twin{URL: "sqlite:" + file, Take: take, Exec: func(t testing.TB, statement string) {
			t.Helper()
			execSQLite(t, file, statement)
		}}
	})
}

func take(t testing.TB, s store.Store, run string, shard harvest.Shard) storetest.Land {
	t.Helper()
	token := store.RaiseToken(t, s, run, shard)
	return func(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
		return store.LandUnder(ctx, s, run, shard, token, pages)
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
