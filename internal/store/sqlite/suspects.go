package sqlite

import (
	"context"
	"database/sql"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// suspects is the twin of pgSuspects.
type suspects struct{ l *shardLease }

// suspected returns nil while nothing is suspected.
func (l *shardLease) suspected() store.Suspects {
	if !l.Own.Suspects {
		return nil
	}
	return suspects{l}
}

// handle returns the lease as its owner has it.
func (l *shardLease) handle() *store.Lease {
	return &store.Lease{Token: l.Own.Token, Lander: l, Keeper: l.State, Suspects: l.suspected()}
}

// countCrash is the twin of taker.countCrash. The shard may have no row yet.
func (t *taker) countCrash(ctx context.Context, tx *sql.Tx) (suspects bool, err error) {
	shard := []any{t.Run, t.Shard.Index, t.Shard.Of}
	statements := append([]string{`INSERT INTO shards (run, shard, "of") VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`}, dialect.CrashStatements()...)
	if err := execAll(ctx, tx, statements, shard...); err != nil {
		return false, err
	}
	err = tx.QueryRowContext(ctx, dialect.SuspectsLeft(), shard...).Scan(&suspects)
	return suspects, err
}

// execAll runs statements that take the same parameters.
func execAll(ctx context.Context, tx *sql.Tx, statements []string, args ...any) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// Load implements [store.Suspects].
func (s suspects) Load(ctx context.Context) (map[harvest.Key]int, error) {
	own, found := s.l.Own, map[harvest.Key]int{}
	err := s.l.s.each(ctx, s.l.s.read, func(rows *sql.Rows) error {
		var key []byte
		var crashes int
		if err := rows.Scan(&key, &crashes); err != nil {
			return err
		}
		found[harvest.Key(key)] = crashes
		return nil
	}, dialect.LoadSuspects(), own.Run, own.Shard.Index, own.Shard.Of)
	return found, s.l.s.classify(own.Name("load the suspects of"), err)
}

// Note implements [store.Suspects].
func (s suspects) Note(ctx context.Context, keys []harvest.Key) error {
	own := s.l.Own
	err := s.l.s.transact(ctx, own.Name("note what is in flight of"), func(tx *sql.Tx) error {
		for _, key := range keys {
			err := s.l.updateIn(ctx, tx, `INSERT INTO suspects (run, key, shard, "of", token) SELECT ?1, ?5, ?2, ?3, ?4 FROM shards`+ownRow+`
				ON CONFLICT (run, key) DO UPDATE SET shard = excluded.shard, "of" = excluded."of", token = excluded.token`, key[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
	return s.l.Seen(err)
}

// Withdraw implements [store.Suspects].
func (s suspects) Withdraw(ctx context.Context, keys []harvest.Key) error {
	return s.l.s.transact(ctx, s.l.Own.Name("withdraw what was in flight of"), func(tx *sql.Tx) error {
		for _, key := range keys {
			for _, statement := range dialect.ReleaseSuspects() {
				if _, err := tx.ExecContext(ctx, statement+" AND key = ?5", s.l.Own.Args(key[:])...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Clear implements [store.Suspects].
func (s suspects) Clear(ctx context.Context, keys []harvest.Key) error {
	return s.l.s.transact(ctx, s.l.Own.Name("clear suspects of"), func(tx *sql.Tx) error {
		return forgetSuspects(ctx, tx, s.l.Own.Run, keys)
	})
}

// Calm implements [store.Suspects].
func (s suspects) Calm(ctx context.Context) error {
	return s.l.Seen(s.l.update(ctx, "calm", "UPDATE shards SET crashes = 0"+ownRow))
}

// Forgive implements [store.Retries].
func (s *Store) Forgive(ctx context.Context, run string, crashes int) (forgiven int64, err error) {
	err = s.transact(ctx, "forget suspects of run "+run, func(tx *sql.Tx) error {
		if _, err := s.excludeWorkers(ctx, tx, run); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "DELETE FROM suspects WHERE run = ? AND crashes >= ?", run, crashes)
		if err == nil {
			forgiven, err = result.RowsAffected()
		}
		return err
	})
	return forgiven, err
}

func forgetSuspects(ctx context.Context, tx *sql.Tx, run string, keys []harvest.Key) error {
	for _, key := range keys {
		if _, err := tx.ExecContext(ctx, "DELETE FROM suspects WHERE run = ? AND key = ?", run, key[:]); err != nil {
			return err
		}
	}
	return nil
}

// forgetLanded is the twin of pgLanding.forgetLanded.
func forgetLanded(ctx context.Context, tx *sql.Tx, own leasing.Ownership, rows []harvest.Page) error {
	if !own.Suspects {
		return nil
	}
	keys := make([]harvest.Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	return forgetSuspects(ctx, tx, own.Run, keys)
}
