package cmd_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

// sqlBlock is a fenced block of SQL in a page of docs.
var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

// TestDocsSQL runs each statement of docs/tables.md and docs/wikipedia.md in the store of its
// dialect. A statement that names the schema is for PostgreSQL.
func TestDocsSQL(t *testing.T) {
	t.Parallel()
	worker := testenv.Build(t, "./cmd/worker")
	postgres, lite := testenv.Postgres(t).URL, filepath.Join(t.TempDir(), "shoal.db")
	for _, store := range []string{postgres, "sqlite:" + lite} {
		harvestInto(t, worker, store)
	}
	conn, err := pgx.Connect(t.Context(), postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	db, err := sql.Open("sqlite", lite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, page := range []string{"../docs/tables.md", "../docs/wikipedia.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		ran := map[string]int{}
		for _, block := range sqlBlock.FindAllSubmatch(text, -1) {
			for statement := range strings.SplitSeq(strings.TrimSpace(string(block[1])), ";\n") {
				dialect := "sqlite"
				if strings.Contains(statement, "shoal.") {
					dialect = "postgres"
					_, err = conn.Exec(t.Context(), statement)
				} else {
					_, err = db.ExecContext(t.Context(), statement)
				}
				if ran[dialect]++; err != nil {
					t.Errorf("%s, %s: %v\n%s", page, dialect, err, statement)
				}
			}
		}
		if ran["sqlite"] == 0 || ran["sqlite"] < ran["postgres"] {
			t.Errorf("%s has %d statements for SQLite and %d for PostgreSQL, want as many", page, ran["sqlite"], ran["postgres"])
		}
	}
}

// harvestInto harvests a few items, so that the store has tables and rows.
func harvestInto(t *testing.T, worker, store string) {
	t.Helper()
	dir := t.TempDir()
	api, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: 3}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	ca, err := api.CAFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), worker, "--corpus", "-", "--url", api.URL+"/items/{id}", "--ca", ca, "--extract", "{id, title}",
		"--contact", "ada@uni.edu", "--store", store, "--run", "docs", "--progress", "none")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("0\n1\n2\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", store, err, out)
	}
}
