package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

// Known implements [store.Pages].
func (p *Store) Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error) {
	asked := uuids(keys)
	operation := fmt.Sprintf("look up %d keys of run %s", len(keys), run)
	rows, err := p.pool.Query(ctx, "SELECT key FROM shoal.pages WHERE run = $1 AND key = ANY ($2)"+dialect.NotRetried(), run, asked)
	if err != nil {
		return nil, classify(operation, err)
	}
	found := make(map[harvest.Key]bool, len(keys))
	var key pgtype.UUID
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
		found[key.Bytes] = true
		return nil
	})
	if err != nil {
		return nil, classify(operation, err)
	}
	return tables.AreIn(found, keys), nil
}

// Landed implements [store.Pages].
func (p *Store) Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error) {
	operation := "read what landed in run " + run
	rows, err := p.pool.Query(ctx, dialect.LandedItems(), run, limit)
	if err != nil {
		return nil, classify(operation, err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (item harvest.Item, err error) {
		var key pgtype.UUID
		err = row.Scan(&key, &item.URL, &item.ID)
		item.Key = key.Bytes
		return item, err
	})
	return items, classify(operation, err)
}

// Keys implements [store.Pages].
func (p *Store) Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		operation := "read the keys of run " + run
		rows, err := p.pool.Query(ctx, "SELECT key FROM shoal.pages WHERE run = $1"+dialect.NotRetried(), run)
		if err != nil {
			yield(harvest.Key{}, classify(operation, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var key pgtype.UUID
			if err := rows.Scan(&key); err != nil {
				yield(harvest.Key{}, classify(operation, err))
				return
			}
			if !yield(key.Bytes, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(harvest.Key{}, classify(operation, err))
		}
	}
}

// beginOrdered opens a snapshot for reading in order of key. The primary keys give the order, and
// records meet their pages by merging two of them: a sort would first copy the whole run to disk,
// and a planner without statistics would loop over a run squared.
var beginOrdered = pgx.TxOptions{BeginQuery: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL enable_sort = off; " +
	"SET LOCAL enable_incremental_sort = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_hashjoin = off; " +
	"SET LOCAL enable_bitmapscan = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL statement_timeout = 0"}

// Export implements [store.Pages].
func (p *Store) Export(ctx context.Context, q store.Query, each func(store.Row) error) error {
	sql, args, err := dialect.ExportQuery(q, func(k harvest.Key) any { return uuid(k) })
	if err != nil {
		return err
	}
	var stop error
	begin := beginOrdered
	if q.Latest { // another index, and few rows
		begin = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	}
	err = pgx.BeginTxFunc(ctx, p.pool, begin, func(tx pgx.Tx) error {
		if _, err := findRun(ctx, tx, q.Run); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scanExported(rows, q.What)
			if err != nil {
				return err
			}
			if stop = each(row); stop != nil {
				return stop
			}
		}
		return rows.Err()
	})
	if stop != nil {
		return stop // the caller's own error, not the store's
	}
	return classify(fmt.Sprintf("export %s of run %s", q.What, q.Run), err)
}

func scanExported(rows pgx.Rows, what store.What) (store.Row, error) {
	var row store.Row
	p, r := &row.Page, &row.Record
	var key pgtype.UUID
	var err error
	if what == store.RecordRows {
		err = rows.Scan(&key, &p.URL, &p.ID, &r.Ordinal, &r.Kind, (*jsonBytes)(&r.Data))
	} else {
		err = rows.Scan(&key, &p.URL, &p.ID, &p.Outcome, &p.Status, &p.Reason, &p.Detail, &p.Attempts, &p.Revision, &p.MediaType,
			(*jsonBytes)(&p.Headers), &p.FetchedAt, (*jsonBytes)(&p.Body), &p.Raw)
		p.FetchedAt = p.FetchedAt.UTC()
	}
	p.Key = key.Bytes
	return row, err
}

// CountOutcomes implements [store.Counts].
func (p *Store) CountOutcomes(ctx context.Context, run string, outcomes []harvest.Outcome) ([]store.OutcomeCount, error) {
	rows, err := p.pool.Query(ctx, dialect.OutcomesOf("= ANY ($2)", store.Losses(outcomes)), run, tables.Words(outcomes))
	if err != nil {
		return nil, classify("count the items of run "+run, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e store.OutcomeCount, err error) {
		err = row.Scan(&e.Outcome, &e.Reason, &e.Status, &e.Items, &e.PutBack)
		return e, err
	})
	return all, classify("count the items of run "+run, err)
}

// jsonBytes takes a JSON column as its bytes, whatever the JSON is: scanned into a []byte, a null
// document and no document would be the same.
type jsonBytes []byte

// ScanText implements pgtype.TextScanner; JSON travels as text.
func (b *jsonBytes) ScanText(v pgtype.Text) error {
	*b = nil
	if v.Valid {
		*b = []byte(v.String)
	}
	return nil
}
