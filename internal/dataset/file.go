package dataset

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ErrExists is returned if a file would be replaced.
var ErrExists = errors.New("a file of this name is there already: choose another name, or add --force to replace it")

// ErrTarget is returned for a name that cannot be written to.
var ErrTarget = errors.New("cannot be written to")

// asidePattern names an incomplete file. It does not depend on the target's name, which may be as
// long as a name can be.
const asidePattern = ".shoal-export-*"

// File is where rows go: a file that appears under its name after [File.Commit], or something that
// takes bytes at once, such as a pipe.
type File struct {
	io.Writer
	Name string
	// Aside is a folder on the file's own disk for rows that must wait; empty for none.
	Aside string

	file    *os.File
	temp    string      // the name until Commit; empty for what takes bytes at once
	target  string      // with links followed
	replace bool        // an existing file may be replaced
	mode    fs.FileMode // of the file that is replaced; 0: by the umask
}

// Create opens name for writing; - is stdout. If a regular file exists it fails with [ErrExists],
// unless replace is set. To open a pipe it waits for a reader, or for ctx.
func Create(ctx context.Context, name string, stdout io.Writer, replace bool) (*File, error) {
	if IsStdout(name) {
		return &File{Writer: stdout, Name: "stdout"}, nil
	}
	found, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !dangling(name):
		return aside(&File{Name: name, target: name, replace: replace})
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s %w: it is a link to a file that does not exist", name, ErrTarget)
	case err != nil:
		return nil, fmt.Errorf("%s %w: %w", name, ErrTarget, reason(err))
	case found.IsDir():
		return nil, fmt.Errorf("%s %w: it is a folder; name a file in it, such as %s", name, ErrTarget, filepath.Join(name, "records.jsonl.zst"))
	case !found.Mode().IsRegular() || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/"):
		return direct(ctx, name)
	case !replace:
		return nil, fmt.Errorf("%s: %w", name, ErrExists)
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, fmt.Errorf("%s %w: %w", name, ErrTarget, reason(err))
	}
	return aside(&File{Name: name, target: target, replace: true, mode: found.Mode().Perm()})
}

// IsStdout reports whether a name means our own standard output.
func IsStdout(name string) bool {
	return slices.Contains([]string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, name)
}

// IsStream reports whether name takes bytes at once, and so needs no ending: standard output, a
// pipe, a device. It accepts a folder too, because [Create] reports what is wrong with it.
func IsStream(name string) bool {
	found, err := os.Stat(name)
	return IsStdout(name) || err == nil && !found.Mode().IsRegular()
}

func dangling(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// aside opens a file beside the target, with the permissions that any new file gets.
func aside(f *File) (*File, error) {
	f.Aside = filepath.Dir(f.target)
	f.temp = filepath.Join(f.Aside, strings.Replace(asidePattern, "*", rand.Text(), 1))
	file, err := os.OpenFile(f.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s %w: %w", f.Name, ErrTarget, reason(err))
	}
	f.file, f.Writer = file, file
	return f, nil
}

// direct opens what takes bytes at once: a pipe, a terminal, a descriptor.
func direct(ctx context.Context, name string) (*File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("%s %w: %w", name, ErrTarget, reason(o.err))
		}
		return &File{Writer: o.file, Name: name, file: o.file}, nil
	case <-ctx.Done(): // no reader has come; the process ends, and the wait with it
		return nil, context.Cause(ctx)
	}
}

// reason returns an error without the name, which the sentence has.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Commit makes the file complete: on disk, under its name. A file that appeared there meanwhile is
// not replaced, unless [Create] allowed it.
func (f *File) Commit() error {
	if f.temp == "" {
		return f.closeDirect()
	}
	var err error
	if f.mode != 0 {
		err = f.file.Chmod(f.mode)
	}
	if err = errors.Join(err, f.file.Sync(), f.file.Close()); err == nil {
		err = f.rename()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.Name, err), remove(f.temp))
	}
	return syncFolder(f.Aside)
}

// rename gives the file its name. A link fails if the name is taken; a rename would replace the
// other file.
func (f *File) rename() error {
	if f.replace {
		return os.Rename(f.temp, f.target)
	}
	err := os.Link(f.temp, f.target)
	switch {
	case err == nil:
		return remove(f.temp)
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	}
	// A file system without links: look, then rename.
	if _, err := os.Lstat(f.target); err == nil {
		return ErrExists
	}
	return os.Rename(f.temp, f.target)
}

// Abandon removes an incomplete file.
func (f *File) Abandon() error {
	if f.temp == "" {
		return f.closeDirect()
	}
	return errors.Join(f.file.Close(), remove(f.temp))
}

func (f *File) closeDirect() error {
	if f.file == nil {
		return nil // stdout is not ours to close
	}
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	return nil
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes a new name survive a power cut. Some file systems cannot, and report it.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return nil //nolint:nilerr // the file is there; a folder that may not be read is not our matter
	}
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, folder.Close())
}
