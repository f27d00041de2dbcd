package postgres

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// LandUnder lands pages under a token of the shard, on a connection of its own, as a lease does.
func LandUnder(ctx context.Context, s *store.Store, run string, shard harvest.Shard, token int64, pages []harvest.Page) (harvest.Counts, error) {
	p := s.Runs.(*Store)
	conn, err := p.connect(ctx, "land")
	if err != nil {
		return harvest.Counts{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return p.land(ctx, conn, leasing.Ownership{Run: run, Shard: shard, Token: token}, time.Minute, pages)
}

// RaiseToken gives the shard a new token and a lease for a minute, and returns the token.
func RaiseToken(t testing.TB, s *store.Store, run string, shard harvest.Shard) int64 {
	t.Helper()
	var token int64
	err := s.Runs.(*Store).pool.QueryRow(t.Context(), `INSERT INTO shoal.shards (run, shard, of, token, owner, expires_at)
		VALUES ($1, $2, $3, 1, 'test', clock_timestamp() + interval '1 minute')
		ON CONFLICT (run, shard, of) DO UPDATE SET token = shards.token + 1, expires_at = excluded.expires_at RETURNING token`,
		run, shard.Index, shard.Of).Scan(&token)
	if err != nil {
		t.Fatalf("raise the token of shard %s of run %s: %v", shard, run, err)
	}
	return token
}

// ExplainExport is the plan of an export.
func ExplainExport(t testing.TB, conn *pgx.Conn, q store.Query) string {
	t.Helper()
	sql, args, err := dialect.ExportQuery(q, func(k harvest.Key) any { return uuid(k) })
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

// Classify shows how an error of PostgreSQL is understood.
func Classify(err error) error { return classify("do something", err) }

// IsPlaintext is the test of a connection that earns a warning.
func IsPlaintext(conn net.Conn) bool { return isPlaintext(conn) }

// NewLander lands on one connection that stays open.
func NewLander(t testing.TB, s *store.Store, run string, shard harvest.Shard) func([]harvest.Page) {
	t.Helper()
	p, own := s.Runs.(*Store), leasing.Ownership{Run: run, Shard: shard, Token: RaiseToken(t, s, run, shard)}
	conn, err := p.connect(t.Context(), "land")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func(pages []harvest.Page) {
		if _, err := p.land(context.Background(), conn, own, time.Minute, pages); err != nil {
			t.Fatal(err)
		}
	}
}
