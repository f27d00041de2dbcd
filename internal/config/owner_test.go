package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFileOfAStranger(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		owner, self int
		mode        os.FileMode
		refused     bool
	}{
		{1000, 1000, 0o644, false}, {0, 1000, 0o644, false}, {1000, 0, 0o644, true}, {1001, 1000, 0o600, true}, {1000, 1000, 0o666, true}, {0, 0, 0o602, true},
	} {
		if got := stranger(row.owner, row.self, true, row.mode); (got != "") != row.refused {
			t.Errorf("stranger(%d, %d, %v) = %q, want refused: %t", row.owner, row.self, row.mode, got, row.refused)
		}
	}
}

// A file found in the working directory is named at start, and refused if every user may write it;
// a file that was named counts.
func TestFoundFile(t *testing.T) {
	t.Parallel()
	dir := fileDir(t, "rate: 7/s\n")
	if w := load(t, Env{Dir: dir}); w.FoundFile() != filepath.Join(dir, fileName) || w.Rate.PerSecond != 7 {
		t.Errorf("FoundFile() = %q with rate %v, want the file's path and 7", w.FoundFile(), w.Rate)
	}
	if w := load(t, Env{Dir: dir}, "--config", filepath.Join(dir, fileName)); w.FoundFile() != "" {
		t.Errorf("FoundFile() = %q of a file that was named, want none", w.FoundFile())
	}
	if err := os.Chmod(filepath.Join(dir, fileName), 0o666); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, "a file that every user may write", world{env: Env{Dir: dir}}.run(t).err, "may be written by every user", "--config")
	load(t, Env{Dir: dir}, "--config", filepath.Join(dir, fileName))
}
