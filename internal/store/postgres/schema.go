package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
)

// ddlLock is the advisory lock under which the schema changes: 'shoal' and a number, in ASCII.
const ddlLock int64 = 0x73686f616c0001

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema returns the DDL of the store: all migrations, as a person may apply them.
func Schema() string {
	return schema.Script(schema.Migrations(schemaFiles), "INSERT INTO shoal.schema_version (version, applied_by) VALUES (%d, 'hand')")
}

// migrate brings the schema up to date, in one transaction under a lock, so that of eight workers
// started at once one does it and the others find it done. If it is up to date, nothing is locked
// and no permission to create is needed.
func (p *Store) migrate(ctx context.Context, options store.Options) error {
	known := schema.Migrations(schemaFiles)
	state, err := readSchemaState(ctx, p.pool)
	if err != nil {
		return classify("read the schema's version", err)
	}
	needed, err := state.Check(len(known), options)
	if err != nil || !needed {
		return err
	}
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", ddlLock); err != nil {
			return err
		}
		state, err := readSchemaState(ctx, tx)
		if err != nil {
			return err
		}
		if needed, err := state.Check(len(known), options); err != nil || !needed {
			return err
		}
		return applyMigrations(ctx, tx, known, state.Version, options.Version)
	})
	if codeOf(err) == codePrivilege {
		return p.mayNotMake(err)
	}
	if errors.Is(err, store.ErrSchema) {
		return err
	}
	return classify("migrate the schema", err)
}

// mayNotMake is the error of a role that lacks the right to make tables.
func (p *Store) mayNotMake(cause error) error {
	return fmt.Errorf("%w: role %s may not make its tables (%w): let the database's owner run `coordinator schema` through psql once and grant the role USAGE on schema shoal and "+
		"SELECT, INSERT, UPDATE, DELETE on its tables, or GRANT CREATE ON DATABASE %s TO it", store.ErrSchema, p.config.User, cause, p.config.Database)
}

func applyMigrations(ctx context.Context, tx pgx.Tx, all []string, have int, by string) error {
	for i := have; i < len(all); i++ {
		if _, err := tx.Exec(ctx, all[i]); err != nil {
			return fmt.Errorf("migration %d: %w", i+1, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO shoal.schema_version (version, applied_by) VALUES ($1, $2)", i+1, by); err != nil {
			return err
		}
	}
	return nil
}

// querier is what a pool, a connection and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readSchemaState(ctx context.Context, q querier) (schema.State, error) {
	// Not to_regclass: after the wait for a lock it may still answer from a cache that knows no
	// table.
	var there bool
	err := q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'shoal' AND c.relname = 'schema_version')`).Scan(&there)
	if err != nil || !there {
		return schema.State{}, err
	}
	var s schema.State
	err = q.QueryRow(ctx, "SELECT version, applied_by FROM shoal.schema_version ORDER BY version DESC LIMIT 1").Scan(&s.Version, &s.By)
	if errors.Is(err, pgx.ErrNoRows) {
		return schema.State{}, nil
	}
	return s, err
}
