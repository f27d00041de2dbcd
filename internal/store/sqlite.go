package store

import (
	"context"
	"database/sql"
	"time"
)

// SQLite is the store of one machine.
type SQLite struct {
	write   *sql.DB // one connection: SQLite has one writer at a time, a pool would only fight for the lock
	read    *sql.DB
	path    string
	ttl     time.Duration
	version string
}

func openSQLite(ctx context.Context, file string, options Options) (Store, error) {
	return nil, ErrUnavailable
}
