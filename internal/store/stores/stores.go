// Package stores is the table of the stores that this program can use, and the only one that links their drivers.
//
// In goes a store's address, such as postgres://user@host:5432/database or sqlite:FILE; out comes the open store. It never
// decides what is kept, and knows no run.
package stores

import (
	"context"
	"fmt"
	"strings"

	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/store/sqlite"
)

// Kinds of store as [Schema] names them.
const (
	KindPostgres = "postgres"
	KindSQLite   = "sqlite"
)

// Open connects to the store at url, postgres://… or sqlite:FILE, and brings its schema up to date. It returns
// [store.ErrSchema] when the schema is not one that this binary works with, [store.ErrNoTables] when it is to be there and
// is not, [store.ErrSettings] when url names nothing that can be used, [store.ErrUnsafe] when a setting of the server makes
// our guarantees void, [store.ErrUnavailable] when the server does not answer.
func Open(ctx context.Context, url string, options store.Options) (*store.Store, error) {
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		return sqlite.Open(ctx, url, options)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return postgres.Open(ctx, url, options)
	}
	// The value is not shown: it may be a connection string of another form, with a password.
	return nil, fmt.Errorf("%w: it starts with neither postgres:// nor sqlite: — write postgres://user@host:5432/database or sqlite:FILE", store.ErrSettings)
}

// Schema is the DDL of a kind of store, [KindPostgres] or [KindSQLite]: all migrations, as a person may apply them. It is
// empty for another kind.
func Schema(kind string) string {
	switch kind {
	case KindPostgres:
		return postgres.Schema()
	case KindSQLite:
		return sqlite.Schema()
	}
	return ""
}
