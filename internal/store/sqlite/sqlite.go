package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	// The driver is pure Go, so that the binaries need no C library.
	_ "modernc.org/sqlite"

	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
)

const (
	// maxReaders bounds the connections that read beside the one that writes.
	maxReaders = 4
	// busyLimit is how long SQLite itself waits for another process' write before it answers busy.
	busyLimit = 5 * time.Second
	// openTries is how often opening waits that long.
	openTries = 6
)

// Store is the store of one machine: one file, and beside it the log of what was written last.
type Store struct {
	write   *sql.DB // one connection: SQLite has one writer at a time, a pool would only fight for the lock
	read    *sql.DB
	path    string // absolute
	ttl     time.Duration
	version string
}

// Open opens the file that url names, sqlite:FILE, or makes it, and brings its schema up to date;
// see stores.Open for its errors.
func Open(ctx context.Context, url string, options store.Options) (*store.Store, error) {
	if options.LeaseTTL == 0 {
		options.LeaseTTL = store.DefaultLeaseTTL
	}
	path, err := makeFile(strings.TrimPrefix(url, "sqlite:"), options)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, ttl: options.LeaseTTL, version: options.Version}
	mode := "rw"
	if options.ReadOnly && frozen(path) {
		mode = "ro&immutable=1"
	}
	if s.write, err = sql.Open("sqlite", dsn(path, mode, options.ReadOnly)); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	if s.read, err = sql.Open("sqlite", dsn(path, mode, true)); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, errors.Join(err, s.write.Close()))
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(maxReaders)
	if err := s.migrate(ctx, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s.roles(), nil
}

func (s *Store) roles() *store.Store {
	return &store.Store{
		Runs: s, Lifecycle: s, Mirrors: s, Pages: s, Counts: s, Retries: s, Corpus: s, Chains: s, Leases: s, Leaders: s,
		Controls: s, Silences: s, Work: s, Extraction: s, Closer: s,
	}
}

// makeFile makes sure that the file exists, only for its owner: it may hold what only a partner may
// see. SQLite gives the log files beside it the same mode.
func makeFile(file string, options store.Options) (string, error) {
	if file == "" {
		return "", fmt.Errorf("%w: sqlite: names no file; write sqlite:shoal.db", store.ErrSettings)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("store: find %s: %w", file, err)
	}
	flags := os.O_CREATE | os.O_RDWR
	switch {
	case options.ReadOnly:
		flags = os.O_RDONLY
	case options.Existing:
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return "", noFile(path, err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("store: look at %s: %w", path, err)
	}
	if info.IsDir() {
		return "", fmt.Errorf("%w: %s is a folder; name a file in it", store.ErrSettings, path)
	}
	return path, nil
}

// noFile explains why the file cannot be opened or made.
func noFile(path string, err error) error {
	folder := filepath.Dir(path)
	_, noFolder := os.Stat(folder)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("make the store %s: %w: %w", path, store.ErrStoreFull, err)
	case errors.Is(noFolder, fs.ErrNotExist):
		return fmt.Errorf("%w: the folder %s does not exist; make it, or check the path", store.ErrSettings, folder)
	case errors.Is(err, fs.ErrNotExist): // else it would have been made
		return fmt.Errorf("there is no file %s: %w", path, store.ErrNoTables)
	}
	return fmt.Errorf("%w: the SQLite file cannot be opened, name another or make it and its folder writable: %w", store.ErrSettings, err)
}

// frozen reports whether the file can only be read as it lies: the log beside it cannot be made,
// because its folder may not be written to, and holds nothing that the file lacks.
func frozen(path string) bool {
	log, err := os.Stat(path + "-wal")
	if err == nil && log.Size() > 0 {
		return false
	}
	probe, err := os.CreateTemp(filepath.Dir(path), ".shoal-*")
	if err != nil {
		return true
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name())) != nil
}

// dsn names the file and the settings of each connection. The write-ahead log lets readers continue
// beside the writer. synchronous = FULL syncs that log at each commit: with NORMAL a power cut can
// take back what was committed, and a ledger would know of keys that the store has lost.
func dsn(path, mode string, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyLimit.Milliseconds()))
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate") // a transaction that turns to writing half-way may be refused half-way
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "mode=" + mode + "&" + q.Encode()}
	return u.String()
}

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema returns the DDL of the store: all migrations, as a person may apply them.
func Schema() string {
	return schema.Script(schema.Migrations(schemaFiles), "INSERT INTO schema_version (version, applied_by, applied_at) VALUES (%d, 'hand', strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'))")
}

// migrate brings the schema up to date, in one transaction, so that of eight workers started at
// once one does it and the others find it done.
func (s *Store) migrate(ctx context.Context, options store.Options) error {
	var err error
	for range openTries {
		// The switch to the write-ahead log answers busy without waiting if others switch at the
		// same time.
		if err = s.migrateOnce(ctx, options); !errors.Is(err, store.ErrUnavailable) {
			return err
		}
	}
	return err
}

func (s *Store) migrateOnce(ctx context.Context, options store.Options) error {
	known := schema.Migrations(schemaFiles)
	state, err := readSchemaState(ctx, s.write)
	if err != nil {
		return s.classify("open", err)
	}
	needed, err := state.Check(len(known), options)
	if err != nil || !needed {
		return err
	}
	return s.transact(ctx, "migrate the schema", func(tx *sql.Tx) error {
		state, err := readSchemaState(ctx, tx)
		if err != nil {
			return err
		}
		if needed, err := state.Check(len(known), options); err != nil || !needed {
			return err
		}
		for i := state.Version; i < len(known); i++ {
			if _, err := tx.ExecContext(ctx, known[i]); err != nil {
				return fmt.Errorf("migration %d: %w", i+1, err)
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO schema_version (version, applied_by, applied_at) VALUES (?, ?, ?)", i+1, options.Version, stamp(time.Now()))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readSchemaState(ctx context.Context, q querier) (schema.State, error) {
	var tables int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'").Scan(&tables)
	if err != nil || tables == 0 {
		return schema.State{}, err
	}
	var state schema.State
	err = q.QueryRowContext(ctx, "SELECT version, applied_by FROM schema_version ORDER BY version DESC LIMIT 1").Scan(&state.Version, &state.By)
	if errors.Is(err, sql.ErrNoRows) {
		return schema.State{}, nil
	}
	return state, err
}

// transact runs do in one writing transaction and classifies its error.
func (s *Store) transact(ctx context.Context, operation string, do func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.classify(operation, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the useful one
		return s.classify(operation, err)
	}
	return s.classify(operation, tx.Commit())
}

// Close implements [io.Closer].
func (s *Store) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// stampLayout has a fixed width, so that instants sort as text.
const stampLayout = "2006-01-02T15:04:05.000000Z"

// stamp returns an instant as SQLite stores it.
func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// parseStamp reads what stamp wrote; NULL is the zero time.
func parseStamp(s sql.NullString) (time.Time, error) {
	if !s.Valid {
		return time.Time{}, nil
	}
	return time.Parse(stampLayout, s.String)
}
