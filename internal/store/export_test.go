package store

import (
	"context"
	"fmt"
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
	sql, args, err := exportQuery(q, "shoal.", func(n int) string { return fmt.Sprintf("$%d", n) })
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	err = pgx.BeginTxFunc(t.Context(), conn, beginExport, func(tx pgx.Tx) error {
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
