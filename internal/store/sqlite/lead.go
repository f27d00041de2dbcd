package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// leadership is a locked file beside the database, FILE-lead-RUN, that contains the leader's name.
type leadership struct{ file *shardFile }

// Lead implements [store.Leaders].
func (s *Store) Lead(ctx context.Context, run, owner string, waiting func(sentence string)) (store.Leadership, error) {
	path, l := leadPath(s.path, run), &leadership{}
	err := leasing.Lead(ctx, run, waiting, func() (leads bool, who string, err error) {
		if l.file, err = lockShardFile(path); err != nil {
			return false, "", s.classify("lead run "+run, err)
		}
		if l.file != nil {
			_, err := l.file.f.WriteString(owner)
			return true, "", s.classify("lead run "+run, err)
		}
		name, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, "", s.classify("lead run "+run, err)
		}
		return false, strings.TrimSpace(string(name)), nil
	})
	if err != nil && l.file != nil { // the name could not be written
		l.file.unlock()
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Keep implements [store.Leadership]: the system keeps the lock as long as the process lives.
func (l *leadership) Keep(context.Context) error { return nil }

// Close implements [store.Leadership].
func (l *leadership) Close() { l.file.unlock() }

// leadPath returns the file that the leader of the run has locked; it contains the leader's name.
func leadPath(database, run string) string {
	return filepath.Join(filepath.Dir(database), filepath.Base(database)+"-lead-"+run)
}
