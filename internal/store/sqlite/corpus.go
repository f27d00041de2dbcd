package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/sqltext"
	"shoal/internal/store/internal/tables"
)

// Chain implements [store.Chains].
func (s *Store) Chain(ctx context.Context, run, seed string) (harvest.Chain, error) {
	c := harvest.Chain{Seed: seed}
	err := s.read.QueryRowContext(ctx, "SELECT step, coalesce(next, ''), done_at IS NOT NULL, coalesce(trail, '') FROM chains WHERE run = ? AND seed = ?", run, seed).
		Scan(&c.Step, &c.Next, &c.Done, &c.Trail)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return c, s.classify("read chain "+seed+" of run "+run, err)
}

// Walked implements [store.Chains].
func (s *Store) Walked(ctx context.Context, run string) (w harvest.Walked, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT count(done_at), coalesce(max(step), 0) FROM chains WHERE run = ?", run).Scan(&w.Done, &w.Longest)
	return w, s.classify("count the chains of run "+run, err)
}

// CommitStep implements [store.Chains].
func (s *Store) CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error {
	return s.transact(ctx, faults.Stepping(run, to.Seed, to.Step), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, dialect.MoveChain(), run, to.Seed, to.Step, to.Next, to.Done, to.Trail, stamp(time.Now()))
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil {
			return err
		} else if rows == 0 {
			return store.ErrStep
		}
		var last int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM corpus WHERE run = ?", run).Scan(&last); err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, sqltext.InsertInto("corpus", []string{"run", "seq", "key", "url", "id", "hint"}))
		if err != nil {
			return err
		}
		defer insert.Close()
		for i, entry := range entries {
			key, url, id, hints := tables.EntryColumns(entry)
			if _, err := insert.ExecContext(ctx, run, last+int64(i)+1, key[:], url, id, hints); err != nil {
				return err
			}
		}
		return nil
	})
}

// CorpusRows implements [store.Corpus].
func (s *Store) CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error) {
	var found []harvest.Entry
	err := s.each(ctx, s.read, func(rows *sql.Rows) error {
		var row tables.CorpusRow
		var key []byte
		err := rows.Scan(&row.Seq, &key, &row.URL, &row.ID, &row.Hint)
		if err != nil {
			return err
		}
		if row.Key, err = toKey(key); err != nil {
			return err
		}
		entry, err := row.Entry()
		found = append(found, entry)
		return err
	}, "SELECT seq, key, url, coalesce(id, ''), hint FROM corpus WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?", run, after, limit)
	return found, s.classify("read the corpus of run "+run, err)
}

// CorpusSize implements [store.Corpus].
func (s *Store) CorpusSize(ctx context.Context, run string) (items int64, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM corpus WHERE run = ?", run).Scan(&items)
	return items, s.classify("count the corpus of run "+run, err)
}
