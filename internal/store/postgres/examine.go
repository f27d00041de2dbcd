package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
)

// Examiner asks a server what [Open] needs to know of it, one question at a time. It changes
// nothing, and makes no table. Its errors are those of Open.
type Examiner struct{ p *Store }

// Server is what a PostgreSQL reports about itself.
type Server struct {
	Version     string
	Role        string
	Database    string
	Bytes       int64         // of the database
	Connections int           // in use, of all clients
	Usable      int           // that a role without privileges may make in all
	Clock       time.Duration // of the server, ahead of ours
	DataFolder  string        // if it is on this machine and may be known; else empty
}

// Examine reads the URL, and makes no connection.
func Examine(ctx context.Context, url string, options store.Options) (*Examiner, error) {
	config, err := parsePostgres(url, options)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, classify("open the store", err)
	}
	return &Examiner{newStore(pool, config, options)}, nil
}

// Close gives the connections back. It does not wait long for a server that may be gone.
func (e *Examiner) Close() {
	closed := make(chan struct{})
	go func() { e.p.pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// Connect makes a connection.
func (e *Examiner) Connect(ctx context.Context) error {
	conn, err := e.p.pool.Acquire(ctx)
	if err != nil {
		return classify("connect to the store", err)
	}
	conn.Release()
	return nil
}

// Pooler refuses a pooler that shares sessions.
func (e *Examiner) Pooler(ctx context.Context) error { return starting(e.p.refusePooler(ctx)) }

// Settings refuses settings that our guarantees do not allow, and returns the warnings about the
// others, by what each is about: tls, fsync, lz4.
func (e *Examiner) Settings(ctx context.Context) (map[string]string, error) {
	e.p.warnings = nil
	if err := e.p.inspect(ctx); err != nil {
		return nil, starting(err)
	}
	all := map[string]string{}
	for _, w := range e.p.warnings {
		all[w.about] = w.sentence
	}
	return all, nil
}

// Writes refuses a server, a database or a role whose transactions are read-only.
func (e *Examiner) Writes(ctx context.Context) error {
	var readOnly, standby bool
	err := e.p.pool.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool, pg_is_in_recovery()").Scan(&readOnly, &standby)
	switch {
	case err != nil:
		return classify("ask whether it takes writes", err)
	case standby:
		return fmt.Errorf("%w: the server is a standby and takes no writes; give the address of the primary", store.ErrUnavailable)
	case readOnly:
		return fmt.Errorf("%w: transactions are read-only (default_transaction_read_only) for this role, this database or the whole server; switch that off", store.ErrUnavailable)
	}
	return nil
}

// Tables refuses tables of another version, and a role that may not use them, or not make them
// where they are not there. found describes them.
func (e *Examiner) Tables(ctx context.Context) (found string, err error) {
	state, err := readSchemaState(ctx, e.p.pool)
	if err != nil {
		return "", starting(classify("read the schema's version", err))
	}
	known := len(schema.Migrations(schemaFiles))
	needed, err := state.Check(known, store.Options{Version: e.p.version})
	if err != nil {
		return "", err
	}
	if needed {
		return e.making(ctx, state, known)
	}
	var denied *string
	err = e.p.pool.QueryRow(ctx, `SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'shoal' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_version' AND NOT (has_schema_privilege(n.oid, 'USAGE')
		AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))`).Scan(&denied)
	switch {
	case err != nil:
		return "", starting(classify("read the rights on the tables", err))
	case denied != nil:
		return "", fmt.Errorf("%w: role %s may not read and write %s: GRANT USAGE ON SCHEMA shoal TO it, and SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shoal",
			store.ErrSettings, e.p.config.User, *denied)
	}
	return fmt.Sprintf("schema version %d, and the role may use it", state.Version), nil
}

var errNoRight = errors.New("it lacks CREATE")

// making looks whether the role may bring the tables up to date, which the first worker does.
func (e *Examiner) making(ctx context.Context, state schema.State, known int) (found string, err error) {
	var may bool
	err = e.p.pool.QueryRow(ctx, `SELECT coalesce((SELECT pg_has_role(nspowner, 'USAGE') AND ($1 = 0 OR coalesce(
		(SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p')), true))
		FROM pg_namespace n WHERE nspname = 'shoal'), has_database_privilege(current_database(), 'CREATE'))`, state.Version).Scan(&may)
	switch {
	case err != nil:
		return "", starting(classify("read the role's rights", err))
	case !may:
		return "", e.p.mayNotMake(errNoRight)
	case state.Version == 0:
		return "not there yet: the first worker makes them, and may", nil
	}
	return fmt.Sprintf("schema version %d: the first worker brings it to %d, and may", state.Version, known), nil
}

// Server asks the server to describe itself.
func (e *Examiner) Server(ctx context.Context) (Server, error) {
	var s Server
	var clock time.Time
	sent := time.Now()
	err := e.p.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&clock)
	if err != nil {
		return s, classify("read the server's clock", err)
	}
	took := time.Since(sent)
	s.Clock = clock.Sub(sent.Add(took / 2))
	err = e.p.pool.QueryRow(ctx, `SELECT current_setting('server_version'), current_user, current_database(), pg_database_size(current_database()),
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
		current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
		CASE WHEN inet_server_addr() IS NULL OR host(inet_server_addr()) IN ('127.0.0.1', '::1') THEN
			coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), '') ELSE '' END`).
		Scan(&s.Version, &s.Role, &s.Database, &s.Bytes, &s.Connections, &s.Usable, &s.DataFolder)
	if err != nil {
		return s, classify("read the server's state", err)
	}
	if _, err := os.Stat(s.DataFolder); err != nil { // a container's, or not for us to see
		s.DataFolder = ""
	}
	return s, nil
}
