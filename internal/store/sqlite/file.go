package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"shoal/internal/harvest"
)

// shardFile is a file beside the database, locked while a process works on a shard:
// FILE-lease-RUN-I-N.
type shardFile struct{ f *os.File }

func shardPath(database, run string, shard harvest.Shard) string {
	return fmt.Sprintf("%s-lease-%s-%d-%d", database, run, shard.Index, shard.Of)
}

// lockShardFile returns nil if another process has the lock.
func lockShardFile(path string) (*shardFile, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		ok, err := flock(f)
		if err != nil || !ok {
			return nil, errors.Join(err, f.Close())
		}
		// The last owner may have removed the file between our opening and locking it: the next
		// process would then lock another file of that name.
		if same, err := stillThere(f, path); same {
			return &shardFile{f}, nil
		} else if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

func stillThere(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(opened, named), err
}

// unlock frees the shard and tidies up. It removes the file first, while no other process can have
// locked it; on a system that does not remove open files the file stays, which does no harm.
func (s *shardFile) unlock() {
	_ = os.Remove(s.f.Name())
	_ = s.f.Close()
}

// otherShards lists the shards of another N for which a file of the run lies beside the database,
// whether it is locked or not.
func otherShards(database, run string, of int) ([]harvest.Shard, error) {
	entries, err := os.ReadDir(filepath.Dir(database))
	if err != nil {
		return nil, err
	}
	var shards []harvest.Shard
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), filepath.Base(database)+"-lease-"+run+"-")
		if !ok {
			continue
		}
		// A name without an I-N belongs to a run whose name only begins like ours.
		shard, err := harvest.ParseShard(strings.ReplaceAll(rest, "-", "/"))
		if err == nil && shard.Of != of {
			shards = append(shards, shard)
		}
	}
	return shards, nil
}
