package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/sqlite"
	"shoal/internal/store/storetest"
)

func TestSQLiteFilesAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openRun(t, "sqlite:"+filepath.Join(dir, "a b%20?#.db")) // characters that mean something in a URL
	if _, err := take(t, s, storetest.Name, whole)(t.Context(), batchOf(10)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("the folder holds %v, %v, want the database", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", f.Name(), info.Mode().Perm(), err)
		}
	}
}

func TestSQLiteRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	openRun(t, "sqlite:shoal.db")
	if _, err := os.Stat("shoal.db"); err != nil {
		t.Errorf("Open(sqlite:shoal.db) leaves no such file here: %v", err)
	}
}

func TestSQLiteThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("dear diary, this is not a database but it is long enough to look at as one would at a header of one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"sqlite:" + file:                        "is not a SQLite database",
		"sqlite:":                               "names no file",
		"sqlite:" + filepath.Join(file, "x.db"): "cannot be opened",
		"sqlite:" + filepath.Dir(file):          "name",
		"sqlite:/no/such/folder/x.db":           "folder /no/such/folder does not exist",
	} {
		for _, readOnly := range []bool{false, true} {
			_, err := sqlite.Open(t.Context(), url, store.Options{ReadOnly: readOnly})
			if !errors.Is(err, store.ErrSettings) || errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), want) {
				t.Errorf("Open(%s, read-only %t) = %v, want ErrSettings with …%s…", url, readOnly, err, want)
			}
		}
	}
	_, err := sqlite.Open(t.Context(), "sqlite:"+filepath.Join(filepath.Dir(file), "none.db"), store.Options{ReadOnly: true})
	if !errors.Is(err, store.ErrNoTables) {
		t.Errorf("Open(no file, read-only) = %v, want ErrNoTables", err)
	}
}

func TestSQLiteFull(t *testing.T) {
	t.Parallel()
	s := openRun(t, "sqlite:"+filepath.Join(t.TempDir(), "shoal.db"))
	land := take(t, s, storetest.Name, whole)
	lift := sqlite.LimitPages(t, s, 40)
	pages := batchOf(5000)
	_, err := land(t.Context(), pages)
	if !errors.Is(err, store.ErrStoreFull) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("land(on a full disk) = %v, want ErrStoreFull, to be repeated", err)
	}
	lift()
	counts, err := land(t.Context(), pages)
	if err != nil || counts.Landed != 5000 {
		t.Errorf("land(when there is space again) = %+v, %v, want 5,000 landed, nil", counts, err)
	}
}

func TestSQLiteBusyIsToBeRepeated(t *testing.T) {
	t.Parallel()
	s := openRun(t, "sqlite:"+filepath.Join(t.TempDir(), "shoal.db"))
	land := take(t, s, storetest.Name, whole)
	free := sqlite.BlockWriters(t, s)
	if _, err := land(t.Context(), batchOf(1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("land(while another process writes) = %v, want ErrUnavailable", err)
	}
	if known, err := s.Known(t.Context(), storetest.Name, []harvest.Key{batchOf(1)[0].Key}); err != nil || known[0] {
		t.Errorf("Known(while another process writes) = %v, %v, want false, nil", known, err)
	}
	free()
	if _, err := land(t.Context(), batchOf(1)); err != nil {
		t.Errorf("land(afterwards) = %v, want nil", err)
	}
}

func TestSQLiteSchemaByHandIsASchema(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shoal.db")
	execSQLite(t, file, sqlite.Schema())
	s := storetest.Open(t, open, "sqlite:"+file, store.Options{ReadOnly: true})
	if runs, err := s.ListRuns(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("ListRuns() = %v, %v, want none, nil", runs, err)
	}
}

// TestSQLiteTotalsReadOnlyPagesThatWerePutBack: a worker asks for the totals at its end, and status
// every few seconds; a run may have millions of pages.
func TestSQLiteTotalsReadOnlyPagesThatWerePutBack(t *testing.T) {
	t.Parallel()
	s := openRun(t, "sqlite:"+filepath.Join(t.TempDir(), "shoal.db"))
	pages := 0
	for _, step := range sqlite.PlanOfTotals(t, s, storetest.Name) {
		if !strings.HasPrefix(step, "SEARCH p ") && !strings.HasPrefix(step, "SCAN p") {
			continue
		}
		pages++
		if !strings.Contains(step, "(run=? AND key=?)") {
			t.Errorf("Totals() reads pages by %q, want by their run and key", step)
		}
	}
	if pages != 3 {
		t.Errorf("Totals() reads pages %d times, want 3: missing, skipped, dead", pages)
	}
}
