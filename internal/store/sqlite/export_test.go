package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// LandUnder lands pages under a token of the shard, as a lease does.
func LandUnder(ctx context.Context, s *store.Store, run string, shard harvest.Shard, token int64, pages []harvest.Page) (harvest.Counts, error) {
	return s.Runs.(*Store).land(ctx, leasing.Ownership{Run: run, Shard: shard, Token: token}, time.Minute, pages)
}

// RaiseToken gives the shard a new token and a lease for a minute, and returns the token.
func RaiseToken(t testing.TB, s *store.Store, run string, shard harvest.Shard) int64 {
	t.Helper()
	var token int64
	err := s.Runs.(*Store).write.QueryRowContext(t.Context(), `INSERT INTO shards (run, shard, "of", token, owner, expires_at) VALUES (?, ?, ?, 1, 'test', ?)
		ON CONFLICT DO UPDATE SET token = token + 1, expires_at = excluded.expires_at RETURNING token`,
		run, shard.Index, shard.Of, stamp(time.Now().Add(time.Minute))).Scan(&token)
	if err != nil {
		t.Fatalf("raise the token of shard %s of run %s: %v", shard, run, err)
	}
	return token
}

// LimitPages lets the SQLite file have no more than n disk pages until the returned function is
// called.
func LimitPages(t testing.TB, s *store.Store, n int) (lift func()) {
	t.Helper()
	set := func(n int) {
		t.Helper()
		if _, err := s.Runs.(*Store).write.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	set(n)
	return func() { set(1 << 30) }
}

// BlockWriters writes, as another process would, until the returned function is called.
func BlockWriters(t testing.TB, s *store.Store) (free func()) {
	t.Helper()
	other, err := sql.Open("sqlite", dsn(s.Runs.(*Store).path, "rw", false))
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

// NewLander lands on the connection that writes.
func NewLander(t testing.TB, s *store.Store, run string, shard harvest.Shard) func([]harvest.Page) {
	t.Helper()
	token := RaiseToken(t, s, run, shard)
	return func(pages []harvest.Page) {
		if _, err := LandUnder(context.Background(), s, run, shard, token, pages); err != nil {
			t.Fatal(err)
		}
	}
}

// PlanOfTotals returns the steps by which SQLite answers Totals.
func PlanOfTotals(t testing.TB, s *store.Store, run string) (steps []string) {
	t.Helper()
	db := s.Runs.(*Store)
	err := db.each(t.Context(), db.read, func(rows *sql.Rows) error {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		steps = append(steps, step)
		return err
	}, "EXPLAIN QUERY PLAN "+dialect.Totals(), run)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}
