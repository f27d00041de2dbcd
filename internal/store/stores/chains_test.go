package stores_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

// before returns the migrations up to the one with this name, each with the row that records that
// it was applied.
func before(t *testing.T, kind, name, row string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", kind, "schema", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var all strings.Builder
	for i, file := range files {
		if strings.HasSuffix(file, name) {
			return all.String()
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(string(text) + "\n" + fmt.Sprintf(row, i+1) + ";\n")
	}
	t.Fatalf("no migration %s of %s", name, kind)
	return ""
}

// A chain of a store of an older version continues where it was.
func TestOldChainsGoOn(t *testing.T) {
	t.Parallel()
	const seed = `https://a.example/i?q=\x41&c={cursor}`
	chain := "INSERT INTO %schains (run, seed, step, next) VALUES ('r', '" + seed + "', 3, 'abc')"
	file := filepath.Join(t.TempDir(), "old.db")
	execSQLite(t, file, before(t, "sqlite", "_chains.sql", "INSERT INTO schema_version (version, applied_by, applied_at) VALUES (%d, 'v0', '2026-01-01T00:00:00.000000Z')")+fmt.Sprintf(chain, ""))
	url := testenv.Postgres(t).URL
	execPostgres(t, url, before(t, "postgres", "_chains.sql", "INSERT INTO shoal.schema_version (version, applied_by) VALUES (%d, 'v0')"), fmt.Sprintf(chain, "shoal."))
	for _, address := range []string{"sqlite:" + file, url} {
		kind, _, _ := strings.Cut(address, ":")
		t.Run(kind, func(t *testing.T) {
			s, err := stores.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := s.Chain(t.Context(), "r", seed)
			if want := (harvest.Chain{Seed: seed, Step: 3, Next: "abc"}); err != nil || got != want {
				t.Errorf("Chain() = %+v, %v, want %+v", got, err, want)
			}
			if err := s.CommitStep(t.Context(), "r", harvest.Chain{Seed: seed, Step: 4, Done: true}, nil); err != nil {
				t.Errorf("CommitStep() = %v, want nil", err)
			}
			if walked, err := s.Walked(t.Context(), "r"); walked.Done != 1 || err != nil {
				t.Errorf("Walked() = %+v, %v, want 1 done", walked, err)
			}
		})
	}
}
