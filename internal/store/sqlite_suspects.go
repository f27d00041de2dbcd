package store

import (
	"context"
	"database/sql"

	"shoal/internal/harvest"
)

// sqliteSuspects is the twin of pgSuspects.
type sqliteSuspects struct{ l *sqliteLease }

// Suspects implements Lease.
func (l *sqliteLease) Suspects() Suspects {
	if !l.own.suspects {
		return nil
	}
	return sqliteSuspects{l}
}

// countCrash is the twin of taker.countCrash. The shard may have no row yet.
func (t *sqliteTake) countCrash(ctx context.Context, tx *sql.Tx) (suspects bool, err error) {
	shard := []any{t.Run, t.Shard.Index, t.Shard.Of}
	statements := append([]string{`INSERT INTO shards (run, shard, "of") VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`}, crashStatements("", sqliteNumbered)...)
	if err := execAll(ctx, tx, statements, shard...); err != nil {
		return false, err
	}
	err = tx.QueryRowContext(ctx, suspectsLeft("", sqliteNumbered), shard...).Scan(&suspects)
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

// Load implements Suspects.
func (s sqliteSuspects) Load(ctx context.Context) (map[harvest.Key]int, error) {
	own, found := s.l.own, map[harvest.Key]int{}
	err := s.l.s.each(ctx, s.l.s.read, func(rows *sql.Rows) error {
		var key []byte
		var crashes int
		if err := rows.Scan(&key, &crashes); err != nil {
			return err
		}
		if k := harvest.Key(key); own.shard.Owns(k) {
			found[k] = crashes
		}
		return nil
	}, "SELECT key, crashes FROM suspects WHERE run = ? AND crashes > 0", own.run)
	return found, s.l.s.classify(own.name("load the suspects of"), err)
}

// Note implements Suspects.
func (s sqliteSuspects) Note(ctx context.Context, keys []harvest.Key) error {
	own := s.l.own
	err := s.l.s.transact(ctx, own.name("note what is in flight of"), func(tx *sql.Tx) error {
		for _, key := range keys {
			err := s.l.updateIn(ctx, tx, `INSERT INTO suspects (run, key, shard, "of", token) SELECT ?1, ?5, ?2, ?3, ?4 FROM shards`+ownRow+`
				ON CONFLICT (run, key) DO UPDATE SET shard = excluded.shard, "of" = excluded."of", token = excluded.token`, key[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
	return s.l.seen(err)
}

// Clear implements Suspects.
func (s sqliteSuspects) Clear(ctx context.Context, keys []harvest.Key) error {
	return s.l.s.transact(ctx, s.l.own.name("clear suspects of"), func(tx *sql.Tx) error {
		return forgetSuspects(ctx, tx, s.l.own.run, keys)
	})
}

// Calm implements Suspects.
func (s sqliteSuspects) Calm(ctx context.Context) error {
	return s.l.seen(s.l.update(ctx, "calm", "UPDATE shards SET crashes = 0"+ownRow))
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
func forgetLanded(ctx context.Context, tx *sql.Tx, own ownership, rows []harvest.Page) error {
	if !own.suspects {
		return nil
	}
	keys := make([]harvest.Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	return forgetSuspects(ctx, tx, own.run, keys)
}
