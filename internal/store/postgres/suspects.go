package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// suspects implements [store.Suspects] on the pool: a note must not wait for a landing.
type suspects struct {
	p *Store
	l *leasing.State
}

// suspected returns nil while nothing is suspected.
func (l *shardLease) suspected() store.Suspects {
	if !l.Own.Suspects {
		return nil
	}
	return suspects{l.p, l.State}
}

// handle returns the lease as its owner has it.
func (l *shardLease) handle() *store.Lease {
	return &store.Lease{Token: l.Own.Token, Lander: l, Keeper: l.State, Suspects: l.suspected()}
}

// countCrash is part of a take: it counts the owners that crashed, and reports whether ours is to
// suspect its items.
func (t *taker) countCrash(ctx context.Context, tx pgx.Tx) (suspects bool, err error) {
	shard := []any{t.Run, t.Shard.Index, t.Shard.Of}
	for _, statement := range dialect.CrashStatements() {
		if _, err := tx.Exec(ctx, statement, shard...); err != nil {
			return false, err
		}
	}
	err = tx.QueryRow(ctx, dialect.SuspectsLeft(), shard...).Scan(&suspects)
	return suspects, err
}

// Load implements [store.Suspects].
func (s suspects) Load(ctx context.Context) (map[harvest.Key]int, error) {
	own, found := s.l.Own, map[harvest.Key]int{}
	rows, err := s.p.pool.Query(ctx, dialect.LoadSuspects(), own.Run, own.Shard.Index, own.Shard.Of)
	if err == nil {
		var key [16]byte
		var crashes int
		_, err = pgx.ForEachRow(rows, []any{&key, &crashes}, func() error {
			found[key] = crashes
			return nil
		})
	}
	return found, wrapOwn(own, "load the suspects of", err)
}

// Note implements [store.Suspects]. The row of the shard is locked against a take, and not against
// a renewal or a landing.
func (s suspects) Note(ctx context.Context, keys []harvest.Key) error {
	return s.exec(ctx, "note what is in flight of", `WITH ours AS (SELECT 1 FROM shoal.shards WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4 FOR KEY SHARE)
		INSERT INTO shoal.suspects (run, key, shard, of, token) SELECT $1, key, $2, $3, $4 FROM ours, unnest($5::uuid[]) key
		ON CONFLICT (run, key) DO UPDATE SET shard = excluded.shard, of = excluded.of, token = excluded.token`, uuids(keys))
}

// Withdraw implements [store.Suspects].
func (s suspects) Withdraw(ctx context.Context, keys []harvest.Key) error {
	for _, statement := range dialect.ReleaseSuspects() {
		if _, err := s.p.pool.Exec(ctx, statement+" AND key = ANY ($5::uuid[])", s.l.Own.Args(uuids(keys))...); err != nil {
			return wrapOwn(s.l.Own, "withdraw what was in flight of", err)
		}
	}
	return nil
}

// Clear implements [store.Suspects].
func (s suspects) Clear(ctx context.Context, keys []harvest.Key) error {
	_, err := s.p.pool.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND key = ANY ($2::uuid[])", s.l.Own.Run, uuids(keys))
	return wrapOwn(s.l.Own, "clear suspects of", err)
}

// Calm implements [store.Suspects].
func (s suspects) Calm(ctx context.Context) error {
	return s.exec(ctx, "calm", "UPDATE shoal.shards SET crashes = 0 WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4")
}

// Forgive implements [store.Retries].
func (p *Store) Forgive(ctx context.Context, run string, crashes int) (forgiven int64, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := p.excludeWorkers(ctx, tx, run); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND crashes >= $2", run, crashes)
		forgiven = tag.RowsAffected()
		return err
	})
	return forgiven, classify("forget suspects of run "+run, err)
}

// exec changes rows only under our token.
func (s suspects) exec(ctx context.Context, operation, statement string, more ...any) error {
	tag, err := s.p.pool.Exec(ctx, statement, s.l.Own.Args(more...)...)
	if err == nil && tag.RowsAffected() == 0 {
		err = store.ErrFenced
	}
	return s.l.Seen(wrapOwn(s.l.Own, operation, err))
}

// forgetLanded removes the items of a batch from the suspects, in its transaction.
func (l *landing) forgetLanded(ctx context.Context, tx pgx.Tx) error {
	if !l.Suspects {
		return nil
	}
	keys := make([]pgtype.UUID, len(l.rows))
	for i := range l.rows {
		keys[i] = uuid(l.rows[i].Key)
	}
	_, err := tx.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND key = ANY ($2::uuid[])", l.Run, keys)
	return err
}

// giveBackSuspects is part of a release.
func (l *shardLease) giveBackSuspects(ctx context.Context, conn *pgx.Conn) error {
	if !l.Own.Suspects {
		return nil
	}
	for _, statement := range dialect.ReleaseSuspects() {
		if _, err := conn.Exec(ctx, statement, l.Own.Args()...); err != nil {
			return err
		}
	}
	return nil
}

// endSuspects is part of a drain.
func (l *shardLease) endSuspects(ctx context.Context, tx pgx.Tx) error {
	if !l.Own.Suspects {
		return nil
	}
	for _, statement := range dialect.DrainSuspects() {
		if _, err := tx.Exec(ctx, statement, l.Own.Run, l.Own.Shard.Index, l.Own.Shard.Of); err != nil {
			return err
		}
	}
	return nil
}
