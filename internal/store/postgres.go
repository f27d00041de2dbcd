package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres is the store of a fleet.
type Postgres struct {
	pool     *pgxpool.Pool
	config   *pgx.ConnConfig // for connections outside of the pool, see connect
	ttl      time.Duration
	version  string
	warnings []string
}

func openPostgres(ctx context.Context, url string, options Options) (Store, error) {
	return nil, ErrUnavailable
}
