package dataset

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write writes text to name as an export does.
func write(t *testing.T, name, text string, replace bool) error {
	t.Helper()
	f, err := Create(t.Context(), name, os.Stdout, replace)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, text); err != nil {
		return errors.Join(err, f.Abandon())
	}
	return f.Commit()
}

// holds checks a file and that nothing else is in its folder.
func holds(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", name, got, err, want)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(name), asidePattern))
	if err != nil || len(left) > 0 {
		t.Errorf("left beside %s: %q, %v, want nothing", name, left, err)
	}
}

func TestAnExportReplacesNothing(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), strings.Repeat("n", 250)+".csv")
	if err := write(t, name, "first", false); err != nil {
		t.Fatalf("write = %v, want nil", err)
	}
	if err := write(t, name, "second", false); !errors.Is(err, ErrExists) {
		t.Errorf("write again = %v, want ErrExists", err)
	}
	holds(t, name, "first")
	if err := write(t, name, "third", true); err != nil {
		t.Errorf("write with force = %v, want nil", err)
	}
	holds(t, name, "third")
}

func TestAFileThatAppearsMeanwhileStays(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.csv")
	f, err := Create(t.Context(), name, os.Stdout, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); !errors.Is(err, ErrExists) {
		t.Errorf("Commit = %v, want ErrExists", err)
	}
	holds(t, name, "theirs")
}

func TestAnAbandonedExportLeavesNothing(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Create(t.Context(), name, os.Stdout, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "half"); err != nil {
		t.Fatal(err)
	}
	holdsNow, err := os.ReadFile(name)
	if err != nil || string(holdsNow) != "old" {
		t.Errorf("before Commit %s holds %q, %v, want old", name, holdsNow, err)
	}
	if err := f.Abandon(); err != nil {
		t.Errorf("Abandon = %v, want nil", err)
	}
	holds(t, name, "old")
}

// The mask of the process decides about a new file, the file that is replaced about its successor.
func TestPermissions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ordinary := filepath.Join(folder, "ordinary")
	if err := os.WriteFile(ordinary, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(ordinary)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "a.csv")
	if err := write(t, name, "x", false); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(name); err != nil || got.Mode() != want.Mode() {
		t.Errorf("mode = %v, %v, want %v", got.Mode(), err, want.Mode())
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := write(t, name, "y", true); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(name); err != nil || got.Mode().Perm() != 0o640 {
		t.Errorf("mode of the successor = %v, %v, want 0640", got.Mode(), err)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, link, nowhere := filepath.Join(folder, "file.csv"), filepath.Join(folder, "link.csv"), filepath.Join(folder, "nowhere.csv")
	for _, err := range []error{os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link), os.Symlink(filepath.Join(folder, "gone"), nowhere)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		replace bool
		want    error
	}{
		{folder, true, ErrTarget}, {filepath.Join(folder, "no", "a.csv"), false, ErrTarget}, {filepath.Join(file, "a.csv"), false, ErrTarget}, {link, false, ErrExists}, {nowhere, true, ErrTarget},
	} {
		if err := write(t, c.name, "x", c.replace); !errors.Is(err, c.want) {
			t.Errorf("write(%s) = %v, want %v", c.name, err, c.want)
		}
	}
	if err := write(t, link, "new", true); err != nil {
		t.Errorf("write through a link with force = %v, want nil", err)
	}
	holds(t, file, "new")
	if found, err := os.Lstat(link); err != nil || found.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v, want it to stay", found.Mode(), err)
	}
	if err := write(t, os.DevNull, "x", false); err != nil {
		t.Errorf("write(%s) = %v, want nil", os.DevNull, err)
	}
}

func TestStandardOutput(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"-", "/dev/stdout", "/dev/fd/1"} {
		out := filepath.Join(t.TempDir(), "out")
		file, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Create(t.Context(), name, file, false)
		if err != nil {
			t.Fatalf("Create(%s) = %v, want nil", name, err)
		}
		for _, text := range []string{"a", "b"} {
			if _, err := io.WriteString(f, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(f.Commit(), file.Close()); err != nil {
			t.Fatal(err)
		}
		holds(t, out, "ab")
	}
}

func TestAPipe(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if !IsStream(name) {
		t.Errorf("IsStream(%s) = false, want true", name)
	}
	read := make(chan string, 1)
	go func() {
		got, err := os.ReadFile(name)
		if err != nil {
			got = []byte(err.Error())
		}
		read <- string(got)
	}()
	if err := write(t, name, "rows", false); err != nil {
		t.Errorf("write to a pipe = %v, want nil", err)
	}
	if got := <-read; got != "rows" {
		t.Errorf("the pipe gave %q, want rows", got)
	}
	if found, err := os.Lstat(name); err != nil || found.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is %v, %v, want it to stay a pipe", found.Mode(), err)
	}
	// Nothing reads: only the signal ends the wait.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(ctx, name, os.Stdout, false); !errors.Is(err, context.Canceled) {
		t.Errorf("Create of a pipe that nothing reads = %v, want context.Canceled", err)
	}
}
