package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
)

// LandUnder lands pages under a token of the shard, on a connection of its own, as a lease does.
func LandUnder(ctx context.Context, s Store, run string, shard harvest.Shard, token int64, pages []harvest.Page) (harvest.Counts, error) {
	own := ownership{run: run, shard: shard, token: token}
	switch s := s.(type) {
	case *Postgres:
		conn, err := s.connect(ctx, "land")
		if err != nil {
			return harvest.Counts{}, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		return s.land(ctx, conn, own, time.Minute, pages)
	case *SQLite:
		return s.land(ctx, own, time.Minute, pages)
	}
	panic("no twin")
}

// RaiseToken gives the shard a new token and a lease for a minute, and returns the token.
func RaiseToken(t testing.TB, s Store, run string, shard harvest.Shard) int64 {
	t.Helper()
	var token int64
	var err error
	switch s := s.(type) {
	case *Postgres:
		err = s.pool.QueryRow(t.Context(), `INSERT INTO shoal.shards (run, shard, of, token, owner, expires_at)
			VALUES ($1, $2, $3, 1, 'test', clock_timestamp() + interval '1 minute')
			ON CONFLICT (run, shard, of) DO UPDATE SET token = shards.token + 1, expires_at = excluded.expires_at RETURNING token`,
			run, shard.Index, shard.Of).Scan(&token)
	case *SQLite:
		err = s.write.QueryRowContext(t.Context(), `INSERT INTO shards (run, shard, "of", token, owner, expires_at) VALUES (?, ?, ?, 1, 'test', ?)
			ON CONFLICT DO UPDATE SET token = token + 1, expires_at = excluded.expires_at RETURNING token`,
			run, shard.Index, shard.Of, stamp(time.Now().Add(time.Minute))).Scan(&token)
	}
	if err != nil {
		t.Fatalf("raise the token of shard %s of run %s: %v", shard, run, err)
	}
	return token
}

// ExplainExport is the plan of an export.
func ExplainExport(t testing.TB, conn *pgx.Conn, q Query) string {
	t.Helper()
	sql, args, err := exportQuery(q, "shoal.", func(n int) string { return fmt.Sprintf("$%d", n) }, func(k harvest.Key) any { return uuid(k) })
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	err = pgx.BeginTxFunc(t.Context(), conn, beginOrdered, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), "EXPLAIN "+sql, args...)
		if err != nil {
			return err
		}
		plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// LimitPages lets the SQLite file have no more than n disk pages until the returned function is called.
func LimitPages(t testing.TB, s Store, n int) (lift func()) {
	t.Helper()
	set := func(n int) {
		t.Helper()
		if _, err := s.(*SQLite).write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	set(n)
	return func() { set(1 << 30) }
}

// BlockWriters writes, as another process would, until the returned function is called.
func BlockWriters(t testing.TB, s Store) (free func()) {
	t.Helper()
	other, err := sql.Open("sqlite", sqliteDSN(s.(*SQLite).path, "rw", false))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
			t.Error(err)
		}
	}
}

// Classify shows how an error of PostgreSQL is understood.
func Classify(err error) error { return classify("do something", err) }

// NewLander lands on one connection that stays open.
func NewLander(t testing.TB, s Store, run string, shard harvest.Shard) func([]harvest.Page) {
	t.Helper()
	own := ownership{run: run, shard: shard, token: RaiseToken(t, s, run, shard)}
	land := func(pages []harvest.Page) error {
		_, err := s.(*SQLite).land(context.Background(), own, time.Minute, pages)
		return err
	}
	if p, ok := s.(*Postgres); ok {
		conn, err := p.connect(t.Context(), "land")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		land = func(pages []harvest.Page) error {
			_, err := p.land(context.Background(), conn, own, time.Minute, pages)
			return err
		}
	}
	return func(pages []harvest.Page) {
		if err := land(pages); err != nil {
			t.Fatal(err)
		}
	}
}

// IsPlaintext is the test of a connection that earns a warning.
func IsPlaintext(conn net.Conn) bool { return isPlaintext(conn) }
