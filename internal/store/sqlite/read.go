package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

// keysAtOnce is how many keys one query asks for; SQLite takes 32,766 parameters.
const keysAtOnce = 10_000

// Known implements [store.Pages].
func (s *Store) Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error) {
	found := make(map[harvest.Key]bool, len(keys))
	for chunk := range slices.Chunk(keys, keysAtOnce) {
		args := make([]any, 0, len(chunk)+1)
		args = append(args, run)
		for i := range chunk {
			args = append(args, chunk[i][:])
		}
		err := s.each(ctx, s.read, func(rows *sql.Rows) error {
			key, err := scanKey(rows)
			found[key] = true
			return err
		}, "SELECT key FROM pages WHERE run = ?1 AND key IN (?"+strings.Repeat(",?", len(chunk)-1)+")"+dialect.NotRetried(), args...)
		if err != nil {
			return nil, s.classify(fmt.Sprintf("look up %d keys of run %s", len(keys), run), err)
		}
	}
	return tables.AreIn(found, keys), nil
}

// Landed implements [store.Pages].
func (s *Store) Landed(ctx context.Context, run string, limit int) (items []harvest.Item, err error) {
	err = s.each(ctx, s.read, func(rows *sql.Rows) error {
		var item harvest.Item
		var raw []byte
		if err := rows.Scan(&raw, &item.URL, &item.ID); err != nil {
			return err
		}
		var err error
		item.Key, err = toKey(raw)
		items = append(items, item)
		return err
	}, dialect.LandedItems(), run, limit)
	return items, s.classify("read what landed in run "+run, err)
}

func scanKey(rows *sql.Rows) (harvest.Key, error) {
	var raw []byte
	if err := rows.Scan(&raw); err != nil {
		return harvest.Key{}, err
	}
	return toKey(raw)
}

func toKey(raw []byte) (harvest.Key, error) {
	if len(raw) != len(harvest.Key{}) {
		return harvest.Key{}, fmt.Errorf("a key of %d bytes, want %d", len(raw), len(harvest.Key{}))
	}
	return harvest.Key(raw), nil
}

// errEnough ends a walk over rows that the caller has left.
var errEnough = errors.New("enough")

// Keys implements [store.Pages].
func (s *Store) Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		err := s.each(ctx, s.read, func(rows *sql.Rows) error {
			key, err := scanKey(rows)
			if err == nil && !yield(key, nil) {
				err = errEnough
			}
			return err
		}, "SELECT key FROM pages WHERE run = ?1"+dialect.NotRetried(), run)
		if err != nil && !errors.Is(err, errEnough) {
			yield(harvest.Key{}, s.classify("read the keys of run "+run, err))
		}
	}
}

// Export implements [store.Pages].
func (s *Store) Export(ctx context.Context, q store.Query, each func(store.Row) error) error {
	query, args, err := dialect.ExportQuery(q, func(k harvest.Key) any { return k[:] })
	if err != nil {
		return err
	}
	operation := fmt.Sprintf("export %s of run %s", q.What, q.Run)
	tx, err := s.read.BeginTx(ctx, nil) // a snapshot from its first statement on
	if err != nil {
		return s.classify(operation, err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	if _, err := findRun(ctx, tx, q.Run); err != nil {
		return s.classify(operation, err)
	}
	var stop error
	err = s.each(ctx, tx, func(rows *sql.Rows) error {
		row, err := scanExported(rows, q.What)
		if err != nil {
			return err
		}
		stop = each(row)
		return stop
	}, query, args...)
	if stop != nil {
		return stop // the caller's own error, not the store's
	}
	return s.classify(operation, err)
}

// CountOutcomes implements [store.Counts].
func (s *Store) CountOutcomes(ctx context.Context, run string, outcomes []harvest.Outcome) (all []store.OutcomeCount, err error) {
	args := []any{run}
	for _, o := range outcomes {
		args = append(args, string(o))
	}
	err = s.each(ctx, s.read, func(rows *sql.Rows) error {
		var e store.OutcomeCount
		err := rows.Scan(&e.Outcome, &e.Reason, &e.Status, &e.Items, &e.PutBack)
		all = append(all, e)
		return err
	}, dialect.OutcomesOf("IN (?"+strings.Repeat(", ?", len(outcomes)-1)+")", store.Losses(outcomes)), args...)
	return all, s.classify("count the items of run "+run, err)
}

func scanExported(rows *sql.Rows, what store.What) (store.Row, error) {
	var row store.Row
	p, r := &row.Page, &row.Record
	var key []byte
	var fetched sql.NullString
	var err error
	if what == store.RecordRows {
		err = rows.Scan(&key, &p.URL, &p.ID, &r.Ordinal, &r.Kind, &r.Data)
	} else {
		err = rows.Scan(&key, &p.URL, &p.ID, &p.Outcome, &p.Status, &p.Reason, &p.Detail, &p.Attempts, &p.Revision, &p.MediaType,
			&p.Headers, &fetched, &p.Body, &p.Raw)
	}
	if err != nil {
		return row, err
	}
	if p.FetchedAt, err = parseStamp(fetched); err != nil {
		return row, err
	}
	p.Key, err = toKey(key)
	return row, err
}
