package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"shoal/internal/store"
)

const (
	// poolConns bounds the pool; with the two connections of a lease a worker holds at most four,
	// and three most of the time.
	poolConns = 2
	// poolIdle is how long a connection of the pool may be idle: fleets of dozens share one server.
	poolIdle = 10 * time.Second
	// connectLimit bounds each try to connect if the URL has no connect_timeout.
	connectLimit = 10 * time.Second
	// oldestServer is the first version with column compression.
	oldestServer = 140000
)

// Store is the store of a fleet: the schema shoal in one PostgreSQL database.
type Store struct {
	pool     *pgxpool.Pool
	config   *pgx.ConnConfig // for connections outside of the pool, see connect
	ttl      time.Duration
	version  string
	warnings []warning
}

// warning is what a person should know about a setting of the server.
type warning struct{ about, sentence string }

// Open connects to the server at url, postgres://…, and brings its schema up to date; see
// stores.Open for its errors.
func Open(ctx context.Context, url string, options store.Options) (*store.Store, error) {
	if options.LeaseTTL == 0 {
		options.LeaseTTL = store.DefaultLeaseTTL
	}
	config, err := parsePostgres(url, options)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, classify("open the store", err)
	}
	p := newStore(pool, config, options)
	if err := p.prepare(ctx, options); err != nil {
		pool.Close()
		return nil, starting(err)
	}
	return p.roles(), nil
}

func newStore(pool *pgxpool.Pool, config *pgxpool.Config, options store.Options) *Store {
	return &Store{pool: pool, config: config.ConnConfig, ttl: options.LeaseTTL, version: options.Version}
}

func (p *Store) roles() *store.Store {
	var warnings []string
	for _, w := range p.warnings {
		warnings = append(warnings, w.sentence)
	}
	return &store.Store{
		Runs: p, Lifecycle: p, Mirrors: p, Pages: p, Counts: p, Retries: p, Corpus: p, Chains: p, Leases: p, Leaders: p,
		Controls: p, Silences: p, Work: p, Extraction: p, Closer: p, Warnings: warnings,
	}
}

// prepare checks the server, then the schema. The pooler comes first: behind one nothing else works
// as it should.
func (p *Store) prepare(ctx context.Context, options store.Options) error {
	if err := p.refusePooler(ctx); err != nil {
		return err
	}
	if err := p.inspect(ctx); err != nil {
		return err
	}
	return p.migrate(ctx, options)
}

func parsePostgres(url string, options store.Options) (*pgxpool.Config, error) {
	config, _, err := parseSafely(url)
	if err != nil {
		return nil, badURL(err)
	}
	if encoding := config.ConnConfig.RuntimeParams["client_encoding"]; encoding != "" && !isUTF8(encoding) {
		return nil, fmt.Errorf("%w: the PostgreSQL URL asks for a client_encoding other than UTF8, in which texts would be lost: leave client_encoding out", store.ErrSettings)
	}
	config.MaxConns, config.MinConns, config.MaxConnIdleTime, config.HealthCheckPeriod = poolConns, 0, poolIdle, poolIdle
	conn := config.ConnConfig
	hidePassword(conn)
	conn.RuntimeParams["client_encoding"] = "UTF8" // whatever the role's own setting is
	if options.Application != "" {
		conn.RuntimeParams["application_name"] = options.Application
	}
	if options.ReadOnly {
		conn.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectLimit
	}
	dialer := &net.Dialer{Timeout: conn.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	conn.DialFunc = dialer.DialContext
	conn.AfterConnect = keepAlive
	return config, nil
}

// keepAlive makes the server notice within half a minute that we are gone, so that no lock outlives
// its owner for long. It is set here and not among the startup parameters because a pooler refuses
// unknown ones with an obscure text; refusePooler has a better one.
func keepAlive(ctx context.Context, conn *pgconn.PgConn) error {
	return conn.Exec(ctx, "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3").Close()
}

// badURL explains what is wrong with a connection URL without quoting any of it: what cannot be
// parsed may hold a password anywhere.
func badURL(err error) error {
	const form = "postgres://user@host:5432/database?sslmode=verify-full"
	reason := "it does not have the form " + form
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) && strings.HasSuffix(err.Error(), "(sslmode is invalid)") {
		reason = "its sslmode is none of disable, prefer, require, verify-ca and verify-full"
	}
	if errors.Is(err, fs.ErrNotExist) {
		reason = "a file that it names, such as sslrootcert or sslcert, does not exist"
	}
	return fmt.Errorf("%w: the PostgreSQL URL cannot be read: %s (not shown here, it may hold a password)", store.ErrSettings, reason)
}

// connect makes a connection outside of the pool, for a lease: its session holds locks and must not
// be shared. role is added to application_name.
func (p *Store) connect(ctx context.Context, role string) (*pgx.Conn, error) {
	config := p.config.Copy()
	config.RuntimeParams["application_name"] += " " + role
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, classify("connect to the store", err)
	}
	return conn, nil
}

// inspect reads the settings that our guarantees rest on.
func (p *Store) inspect(ctx context.Context) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return classify("connect to the store", err)
	}
	defer conn.Release()
	var version int
	var fsync, encoding, ours string
	var lz4 bool
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync'),
		current_setting('server_encoding'), current_setting('client_encoding'),
		EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))`).Scan(&version, &fsync, &encoding, &ours, &lz4)
	if err != nil {
		return classify("read the server's settings", err)
	}
	if version < oldestServer {
		return fmt.Errorf("%w: PostgreSQL %d is too old: use version 14 or newer", store.ErrUnsafe, version/10000)
	}
	switch {
	case !isUTF8(encoding):
		return fmt.Errorf("%w: the database's encoding is %s, which cannot hold every text: create one with createdb --encoding UTF8 --template template0 NAME, and name it in the store URL", store.ErrUnsafe, encoding)
	case !isUTF8(ours):
		return fmt.Errorf("%w: the connection's client_encoding is %s, in which texts would be lost: take client_encoding out of the store URL's options, and out of PGOPTIONS", store.ErrUnsafe, ours)
	}
	if acceptsAnyCertificate(conn.Conn().Config()) {
		p.warn("tls", fmt.Sprintf("the connection to PostgreSQL on %s accepts any certificate, so that others on the way can read and change it: set sslmode=verify-full in the store URL", conn.Conn().Config().Host))
	}
	if fsync == "off" {
		p.warn("fsync", "PostgreSQL runs with fsync = off: a power cut can lose or damage what has landed; set fsync = on")
	}
	if !lz4 {
		p.warn("lz4", "this PostgreSQL is built without lz4: bodies are packed by its slower default, landing takes up to four times as long")
	}
	if isPlaintext(conn.Conn().PgConn().Conn()) {
		p.warn("tls", fmt.Sprintf("the connection to PostgreSQL on %s is not encrypted: password and data can be read on the way; add ?sslmode=verify-full to the store URL",
			conn.Conn().Config().Host))
	}
	return nil
}

func isUTF8(encoding string) bool {
	return slices.Contains([]string{"utf8", "utf-8", "unicode"}, strings.ToLower(encoding))
}

func (p *Store) warn(about, sentence string) {
	p.warnings = append(p.warnings, warning{about, sentence})
}

// isPlaintext reports whether the connection leaves this machine unencrypted.
func isPlaintext(conn net.Conn) bool {
	if _, encrypted := conn.(*tls.Conn); encrypted {
		return false
	}
	addr, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	return err == nil && !addr.Addr().Unmap().IsLoopback() // a Unix socket has no such address
}

// Close implements [io.Closer].
func (p *Store) Close() error {
	p.pool.Close()
	return nil
}
