package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
)

// isOurs reports whether the error is classified already.
func isOurs(err error) bool { return faults.Known(err) || errors.Is(err, sql.ErrNoRows) }

// classify does for SQLite what the function of that name does for PostgreSQL.
func (s *Store) classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	operation = "store " + s.path + ": " + operation
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok || isOurs(err) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	switch e.Code() & 0xff { // without the extended part
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w: %w", operation, store.ErrStoreFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("%s: %w: %w", operation, store.ErrUnavailable, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s: %w: the file is not a SQLite database, give another --store: %w", operation, store.ErrSettings, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s: %w: the file is damaged, restore it from a backup or give another --store: %w", operation, store.ErrSchema, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}
