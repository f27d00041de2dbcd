package stores

import (
	"context"
	"fmt"

	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/store/postgres"
	"shoal/internal/store/sqlite"
)

// Examination looks into one store, without changing it. Exactly one of its fields is set.
type Examination struct {
	Postgres *postgres.Examiner
	SQLite   *sqlite.Examiner
}

// Examine reads an address; its errors are those of [Open].
func Examine(ctx context.Context, address string, options store.Options) (e Examination, err error) {
	switch {
	case kinds.Postgres.Names(address):
		e.Postgres, err = postgres.Examine(ctx, address, options)
	case kinds.SQLite.Names(address):
		e.SQLite, err = sqlite.Examine(address, options)
	default:
		return e, fmt.Errorf("%w: it is none of %s", store.ErrSettings, kinds.Forms())
	}
	return e, err
}
