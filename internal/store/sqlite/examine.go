package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
)

// Examiner looks at a file as [Open] does, and changes nothing: it makes no file, no log and no
// table. Its errors are those of Open.
type Examiner struct {
	Path string // absolute

	version string
}

// File is the file and the log beside it.
type File struct {
	Exists bool
	Bytes  int64
	Log    int64 // bytes of the write-ahead log
}

// Examine reads the address, sqlite:FILE.
func Examine(url string, options store.Options) (*Examiner, error) {
	file := strings.TrimPrefix(url, "sqlite:")
	path, err := filepath.Abs(file)
	if file == "" || err != nil {
		return nil, fmt.Errorf("%w: sqlite: names no file; write sqlite:shoal.db", store.ErrSettings)
	}
	return &Examiner{Path: path, version: options.Version}, nil
}

// Locked is what a worker meets in a folder where it may make no file.
func (e *Examiner) Locked() error { return store.ErrSettings }

// Full is what a worker meets on a full disk.
func (e *Examiner) Full() error { return store.ErrStoreFull }

// Look looks at the file.
func (e *Examiner) Look(context.Context) (File, error) {
	_, err := makeFile(e.Path, store.Options{Existing: true})
	if errors.Is(err, store.ErrNoTables) {
		return File{}, nil
	}
	if err != nil {
		return File{}, err
	}
	info, err := os.Stat(e.Path)
	if err != nil {
		return File{}, fmt.Errorf("store: look at %s: %w", e.Path, err)
	}
	log, err := e.log()
	return File{Exists: true, Bytes: info.Size(), Log: log}, err
}

// log returns the size of the write-ahead log.
func (e *Examiner) log() (int64, error) {
	info, err := os.Stat(e.Path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("store: look at the log of %s: %w", e.Path, err)
	}
	return info.Size(), nil
}

// Tables refuses a file that is not a database, and tables of another version. found describes
// them.
func (e *Examiner) Tables(ctx context.Context) (found string, err error) {
	mode := "ro&immutable=1" // without a log no process writes, and no log is made to look
	if log, err := e.log(); err != nil || log > 0 {
		mode = "ro"
	}
	db, err := sql.Open("sqlite", dsn(e.Path, mode, true))
	if err != nil {
		return "", fmt.Errorf("open the store %s: %w", e.Path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := &Store{path: e.Path}
	state, err := readSchemaState(ctx, db)
	if err != nil {
		return "", s.classify("open", err)
	}
	known := len(schema.Migrations(schemaFiles))
	needed, err := state.Check(known, store.Options{Version: e.version})
	switch {
	case err != nil:
		return "", err
	case needed && state.Version == 0:
		return "not there yet: the first worker makes them", nil
	case needed:
		return fmt.Sprintf("schema version %d: the first worker brings it to %d", state.Version, known), nil
	}
	return fmt.Sprintf("schema version %d", state.Version), nil
}
