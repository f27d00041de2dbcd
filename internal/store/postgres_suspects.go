package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
)

// pgSuspects implements Suspects on the pool: what is noted must not wait for a landing.
type pgSuspects struct {
	p *Postgres
	l *leaseState
}

// Suspects implements Lease.
func (l *pgLease) Suspects() Suspects {
	if !l.own.suspects {
		return nil
	}
	return pgSuspects{l.p, l.leaseState}
}

// countCrash is part of a take: it counts the owners that crashed, and says whether ours is to suspect its items.
func (t *taker) countCrash(ctx context.Context, tx pgx.Tx) (suspects bool, err error) {
	shard := []any{t.Run, t.Shard.Index, t.Shard.Of}
	for _, statement := range crashStatements("shoal.", numbered) {
		if _, err := tx.Exec(ctx, statement, shard...); err != nil {
			return false, err
		}
	}
	err = tx.QueryRow(ctx, suspectsLeft("shoal.", numbered), shard...).Scan(&suspects)
	return suspects, err
}

// Load implements Suspects.
func (s pgSuspects) Load(ctx context.Context) (map[harvest.Key]int, error) {
	own, found := s.l.own, map[harvest.Key]int{}
	rows, err := s.p.pool.Query(ctx, "SELECT key, crashes FROM shoal.suspects WHERE run = $1 AND crashes > 0", own.run)
	if err == nil {
		var key [16]byte
		var crashes int
		_, err = pgx.ForEachRow(rows, []any{&key, &crashes}, func() error {
			if own.shard.Owns(key) {
				found[key] = crashes
			}
			return nil
		})
	}
	return found, own.wrap("load the suspects of", err)
}

// Note implements Suspects. The row of the shard is locked against a take, and not against a renewal or a landing.
func (s pgSuspects) Note(ctx context.Context, keys []harvest.Key) error {
	return s.exec(ctx, "note what is in flight of", `WITH ours AS (SELECT 1 FROM shoal.shards WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4 FOR KEY SHARE)
		INSERT INTO shoal.suspects (run, key, shard, of, token) SELECT $1, key, $2, $3, $4 FROM ours, unnest($5::uuid[]) key
		ON CONFLICT (run, key) DO UPDATE SET shard = excluded.shard, of = excluded.of, token = excluded.token`, uuids(keys))
}

// Clear implements Suspects.
func (s pgSuspects) Clear(ctx context.Context, keys []harvest.Key) error {
	_, err := s.p.pool.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND key = ANY ($2::uuid[])", s.l.own.run, uuids(keys))
	return s.l.own.wrap("clear suspects of", err)
}

// Calm implements Suspects.
func (s pgSuspects) Calm(ctx context.Context) error {
	return s.exec(ctx, "calm", "UPDATE shoal.shards SET crashes = 0 WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4")
}

// exec changes rows under our token alone.
func (s pgSuspects) exec(ctx context.Context, operation, statement string, more ...any) error {
	tag, err := s.p.pool.Exec(ctx, statement, s.l.own.args(more...)...)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrFenced
	}
	return s.l.seen(s.l.own.wrap(operation, err))
}

// forgetLanded takes the items of a batch out of the suspects, in its transaction.
func (l *pgLanding) forgetLanded(ctx context.Context, tx pgx.Tx) error {
	if !l.suspects {
		return nil
	}
	keys := make([]pgtype.UUID, len(l.rows))
	for i := range l.rows {
		keys[i] = uuid(l.rows[i].Key)
	}
	_, err := tx.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND key = ANY ($2::uuid[])", l.run, keys)
	return err
}

// giveBackSuspects is part of a release.
func (l *pgLease) giveBackSuspects(ctx context.Context, conn *pgx.Conn) error {
	if !l.own.suspects {
		return nil
	}
	for _, statement := range releaseSuspects("shoal.", numbered) {
		if _, err := conn.Exec(ctx, statement, l.own.args()...); err != nil {
			return err
		}
	}
	return nil
}

// endSuspects is part of a drain.
func (l *pgLease) endSuspects(ctx context.Context, tx pgx.Tx) error {
	if !l.own.suspects {
		return nil
	}
	for _, statement := range drainSuspects("shoal.", numbered) {
		if _, err := tx.Exec(ctx, statement, l.own.run, l.own.shard.Index, l.own.shard.Of); err != nil {
			return err
		}
	}
	return nil
}
