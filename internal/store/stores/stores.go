// Package stores is the table of the stores that this program can use, and the only one that links
// their drivers.
//
// In goes a store's address, such as postgres://user@host:5432/database or sqlite:FILE; out comes
// the open store. It never decides what is kept, and knows no run.
package stores

import (
	"context"
	"fmt"
	"strings"

	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/store/postgres"
	"shoal/internal/store/sqlite"
)

// driver opens the stores of one kind.
type driver struct {
	kind   kinds.Kind
	open   func(ctx context.Context, url string, options store.Options) (*store.Store, error)
	schema func() string
}

// drivers has a row for each kind of store.
var drivers = []driver{
	{kinds.SQLite, sqlite.Open, sqlite.Schema},
	{kinds.Postgres, postgres.Open, postgres.Schema},
}

// Open connects to the store at url, such as postgres://… or sqlite:FILE, and brings its schema up
// to date. It returns [store.ErrSchema] when the schema is not one that this binary works with,
// [store.ErrNoTables] when it is to be there and is not, [store.ErrSettings] when url names nothing
// that can be used, [store.ErrUnsafe] when a setting of the server makes our guarantees void,
// [store.ErrUnavailable] when the server does not answer.
func Open(ctx context.Context, url string, options store.Options) (*store.Store, error) {
	var prefixes []string
	for _, d := range drivers {
		if d.kind.Names(url) {
			return d.open(ctx, url, options)
		}
		prefixes = append(prefixes, d.kind.Prefix())
	}
	// The value is not shown: it may be a connection string of another form, with a password.
	return nil, fmt.Errorf("%w: it starts with neither %s — write %s", store.ErrSettings, strings.Join(prefixes, " nor "), kinds.Forms())
}

// Schema is the DDL of the kind of store that url names: all migrations, as a person may apply
// them. It is empty for another kind.
func Schema(url string) string {
	kind, _ := kinds.Of(url)
	for _, d := range drivers {
		if d.kind.Name == kind.Name {
			return d.schema()
		}
	}
	return ""
}
