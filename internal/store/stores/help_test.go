package stores_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/store/stores"
)

func TestThereIsNoOtherSchema(t *testing.T) {
	t.Parallel()
	if ddl := stores.Schema("oracle://h/db"); ddl != "" {
		t.Errorf("Schema(oracle) = %q, want nothing", ddl)
	}
}

func TestEachKindHasADriver(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds.All() {
		if stores.Schema(kind.Prefix()+"x") == "" {
			t.Errorf("Schema(%s) is empty: add the kind to the table of drivers", kind.Prefix())
		}
		_, err := stores.Open(t.Context(), kind.Prefix()+"/no/such/folder/x", store.Options{ReadOnly: true})
		if err == nil || strings.Contains(err.Error(), "starts with neither") {
			t.Errorf("Open(%s…) = %v, want an error of its driver", kind.Prefix(), err)
		}
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
