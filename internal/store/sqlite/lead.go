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
	path, told := leadPath(s.path, run), ""
	for {
		file, err := lockShardFile(path)
		if err != nil {
			return nil, s.classify("lead run "+run, err)
		}
		if file != nil {
			_, err := file.f.WriteString(owner)
			return &leadership{file}, s.classify("lead run "+run, err)
		}
		who, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, s.classify("lead run "+run, err)
		}
		if name := strings.TrimSpace(string(who)); name != told && name != "" && waiting != nil {
			told = name
			waiting(leasing.Leads(run, name))
		}
		if err := leasing.Pause(ctx, leasing.LeadPoll); err != nil {
			return nil, err
		}
	}
}

// Keep implements [store.Leadership]: the system keeps the lock as long as the process lives.
func (l *leadership) Keep(context.Context) error { return nil }

// Close implements [store.Leadership].
func (l *leadership) Close() { l.file.unlock() }

// leadPath returns the file that the leader of the run has locked; it contains the leader's name.
func leadPath(database, run string) string {
	return filepath.Join(filepath.Dir(database), filepath.Base(database)+"-lead-"+run)
}
