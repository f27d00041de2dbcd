package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	// The driver is pure Go, so that the binaries need no C library.
	_ "modernc.org/sqlite"
)

const (
	// sqliteReaders bounds the connections that read beside the one that writes.
	sqliteReaders = 4
	// sqlitePatience is how long SQLite itself waits for another process' write before it says busy.
	sqlitePatience = 5 * time.Second
	// sqliteOpenTries is how often opening waits that long.
	sqliteOpenTries = 6
)

// SQLite is the store of one machine: one file, and beside it the log of what was written last.
type SQLite struct {
	write   *sql.DB // one connection: SQLite has one writer at a time, a pool would only fight for the lock
	read    *sql.DB
	path    string // absolute
	ttl     time.Duration
	version string
}

func openSQLite(ctx context.Context, file string, options Options) (Store, error) {
	path, err := sqliteFile(file, options)
	if err != nil {
		return nil, err
	}
	s := &SQLite{path: path, ttl: options.LeaseTTL, version: options.Version}
	mode := "rw"
	if options.ReadOnly && frozen(path) {
		mode = "ro&immutable=1"
	}
	if s.write, err = sql.Open("sqlite", sqliteDSN(path, mode, options.ReadOnly)); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	if s.read, err = sql.Open("sqlite", sqliteDSN(path, mode, true)); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, errors.Join(err, s.write.Close()))
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(sqliteReaders)
	if err := s.migrate(ctx, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sqliteFile makes sure that the file is there, for its owner alone: it may hold what only a partner may see. SQLite
// gives the log files beside it the same mode.
func sqliteFile(file string, options Options) (string, error) {
	if file == "" {
		return "", fmt.Errorf("%w: sqlite: names no file; write sqlite:shoal.db", ErrSettings)
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
		return "", noSQLiteFile(path, err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("store: look at %s: %w", path, err)
	}
	if info.IsDir() {
		return "", fmt.Errorf("%w: %s is a folder; name a file in it", ErrSettings, path)
	}
	return path, nil
}

// noSQLiteFile says why the file cannot be opened or made.
func noSQLiteFile(path string, err error) error {
	folder := filepath.Dir(path)
	_, noFolder := os.Stat(folder)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("make the store %s: %w: %w", path, ErrStoreFull, err)
	case errors.Is(noFolder, fs.ErrNotExist):
		return fmt.Errorf("%w: the folder %s does not exist; make it, or check the path", ErrSettings, folder)
	case errors.Is(err, fs.ErrNotExist): // else it would have been made
		return fmt.Errorf("there is no file %s: %w", path, ErrNoTables)
	}
	return fmt.Errorf("%w: the SQLite file cannot be opened, name another or make it and its folder writable: %w", ErrSettings, err)
}

// frozen tells whether the file can only be read as it lies: the log beside it cannot be made, because its folder may
// not be written to, and holds nothing that the file lacks.
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

// sqliteDSN names the file and the settings of each connection. The write-ahead log lets readers go on beside the
// writer. synchronous = FULL syncs that log at each commit: with NORMAL a power cut can take back what was committed,
// and a ledger would know of keys that the store has lost.
func sqliteDSN(path, mode string, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", sqlitePatience.Milliseconds()))
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

// migrate brings the schema up to date, in one transaction, so that of eight workers started at once one does it and the
// others find it done.
func (s *SQLite) migrate(ctx context.Context, options Options) error {
	var err error
	for range sqliteOpenTries {
		// The switch to the write-ahead log says busy without waiting when others switch at the same time.
		if err = s.migrateOnce(ctx, options); !errors.Is(err, ErrUnavailable) {
			return err
		}
	}
	return err
}

func (s *SQLite) migrateOnce(ctx context.Context, options Options) error {
	known := migrations(KindSQLite)
	state, err := readSQLiteState(ctx, s.write)
	if err != nil {
		return s.classify("open", err)
	}
	needed, err := state.check(len(known), options)
	if err != nil || !needed {
		return err
	}
	return s.transact(ctx, "migrate the schema", func(tx *sql.Tx) error {
		state, err := readSQLiteState(ctx, tx)
		if err != nil {
			return err
		}
		if needed, err := state.check(len(known), options); err != nil || !needed {
			return err
		}
		for i := state.version; i < len(known); i++ {
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

// sqliteQuerier is what a database and a transaction have in common.
type sqliteQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readSQLiteState(ctx context.Context, q sqliteQuerier) (schemaState, error) {
	var tables int
	err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'").Scan(&tables)
	if err != nil || tables == 0 {
		return schemaState{}, err
	}
	var state schemaState
	err = q.QueryRowContext(ctx, "SELECT version, applied_by FROM schema_version ORDER BY version DESC LIMIT 1").Scan(&state.version, &state.by)
	if errors.Is(err, sql.ErrNoRows) {
		return schemaState{}, nil
	}
	return state, err
}

// transact runs do in one writing transaction and classifies its error.
func (s *SQLite) transact(ctx context.Context, operation string, do func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.classify(operation, err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error says more
		return s.classify(operation, err)
	}
	return s.classify(operation, tx.Commit())
}

// Warnings implements Store.
func (s *SQLite) Warnings() []string { return nil }

// Close implements Store.
func (s *SQLite) Close() error { return errors.Join(s.read.Close(), s.write.Close()) }

// stampLayout has a fixed width, so that instants sort as text.
const stampLayout = "2006-01-02T15:04:05.000000Z"

// stamp is how SQLite keeps an instant.
func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// parseStamp reads what stamp wrote; NULL is the zero time.
func parseStamp(s sql.NullString) (time.Time, error) {
	if !s.Valid {
		return time.Time{}, nil
	}
	return time.Parse(stampLayout, s.String)
}
