package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// Chain implements [store.Chains].
func (p *Store) Chain(ctx context.Context, run, seed string) (harvest.Chain, error) {
	c := harvest.Chain{Seed: seed}
	err := p.pool.QueryRow(ctx, "SELECT step, coalesce(next, ''), done_at IS NOT NULL, coalesce(trail, '') FROM shoal.chains WHERE "+dialect.ChainNamed(), run, seed).
		Scan(&c.Step, &c.Next, &c.Done, &c.Trail)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return c, classify("read chain "+seed+" of run "+run, err)
}

// Walked implements [store.Chains].
func (p *Store) Walked(ctx context.Context, run string) (w harvest.Walked, err error) {
	err = p.pool.QueryRow(ctx, "SELECT count(done_at), coalesce(max(step), 0) FROM shoal.chains WHERE run = $1", run).Scan(&w.Done, &w.Longest)
	return w, classify("count the chains of run "+run, err)
}

// CommitStep implements [store.Chains]. The lock of the chain's row, which the first statement
// takes, prevents two walkers of the same chain from committing one step; that of the run prevents
// two chains from using the same numbers.
func (p *Store) CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error {
	err := pgx.BeginTxFunc(ctx, p.pool, beginLanding, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT 1 FROM shoal.runs WHERE run = $1 FOR NO KEY UPDATE", run); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, dialect.MoveChain(), run, to.Seed, to.Step, to.Next, to.Done, to.Trail)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return store.ErrStep
		}
		var last int64
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM shoal.corpus WHERE run = $1", run).Scan(&last); err != nil {
			return err
		}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"shoal", "corpus"}, []string{"run", "seq", "key", "url", "id", "hint"},
			pgx.CopyFromSlice(len(entries), func(i int) ([]any, error) {
				key, url, id, hints := tables.EntryColumns(entries[i])
				return []any{run, last + int64(i) + 1, uuid(key), url, id, hints}, nil
			}))
		return err
	})
	return classify(faults.Stepping(run, to.Seed, to.Step), err)
}

// CorpusRows implements [store.Corpus].
func (p *Store) CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error) {
	rows, err := p.pool.Query(ctx, "SELECT seq, key, url, coalesce(id, ''), hint::text FROM shoal.corpus WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3", run, after, limit)
	if err != nil {
		return nil, classify("read the corpus of run "+run, err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (harvest.Entry, error) {
		var r tables.CorpusRow
		var key pgtype.UUID
		if err := row.Scan(&r.Seq, &key, &r.URL, &r.ID, &r.Hint); err != nil {
			return harvest.Entry{}, err
		}
		r.Key = key.Bytes
		return r.Entry()
	})
	return found, classify("read the corpus of run "+run, err)
}

// CorpusSize implements [store.Corpus].
func (p *Store) CorpusSize(ctx context.Context, run string) (items int64, err error) {
	err = p.pool.QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM shoal.corpus WHERE run = $1", run).Scan(&items)
	return items, classify("count the corpus of run "+run, err)
}
