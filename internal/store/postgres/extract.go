package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// ExtractBegin implements [store.Extraction].
func (p *Store) ExtractBegin(ctx context.Context, run, spec string) (cursor harvest.Key, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		found, err := findRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if err := faults.HasBodies(found); err != nil {
			return err
		}
		shards, err := p.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		cursor, err = resumeExtract(ctx, tx, run, spec, tables.Extractable(shards))
		return err
	})
	return cursor, classify("extract records of run "+run, err)
}

// excludeWorkers makes sure that no worker lands in the run while the transaction lasts, nor
// afterwards under an earlier token: it waits for the shards' rows, and fences owners whose lease
// has lapsed without being given back. It returns the shards.
func (p *Store) excludeWorkers(ctx context.Context, tx pgx.Tx, run string) ([]harvest.ShardState, error) {
	if _, err := tx.Exec(ctx, "SELECT FROM shoal.shards WHERE run = $1 ORDER BY of, shard FOR UPDATE", run); err != nil {
		return nil, err
	}
	shards, err := p.listShards(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	if err := faults.Busy(shards); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `UPDATE shoal.shards SET token = greatest(token + 1, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint), expires_at = NULL
		WHERE run = $1 AND expires_at IS NOT NULL`, run)
	return shards, err
}

// resumeExtract finds where an extraction with the same spec over the same pages stopped, else
// begins anew.
func resumeExtract(ctx context.Context, tx pgx.Tx, run, spec string, landed int64) (harvest.Key, error) {
	var cursor pgtype.UUID
	err := tx.QueryRow(ctx, "SELECT cursor FROM shoal.extracts WHERE run = $1 AND spec = $2 AND landed = $3 FOR UPDATE", run, spec, landed).Scan(&cursor)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return cursor.Bytes, err
	}
	if err := forgetExtract(ctx, tx, run); err != nil {
		return harvest.Key{}, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO shoal.extracts (run, spec, cursor, landed) VALUES ($1, $2, $3, $4)", run, spec, uuid(harvest.Key{}), landed)
	return harvest.Key{}, err
}

func forgetExtract(ctx context.Context, tx pgx.Tx, run string) error {
	for _, table := range []string{"extracts", "extracted"} {
		if _, err := tx.Exec(ctx, "DELETE FROM shoal."+table+" WHERE run = $1", run); err != nil {
			return err
		}
	}
	return nil
}

// ExtractBodies implements [store.Extraction].
func (p *Store) ExtractBodies(ctx context.Context, run string, after harvest.Key, limit int) (bodies []store.StoredBody, err error) {
	err = pgx.BeginTxFunc(ctx, p.pool, beginOrdered, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, dialect.SelectBodies(), run, uuid(after), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for size := 0; size < tables.MaxBodies && rows.Next(); {
			var b store.StoredBody
			var key pgtype.UUID
			if err := rows.Scan(&key, &b.URL, &b.ID, &b.MediaType, (*jsonBytes)(&b.Body), &b.Raw); err != nil {
				return err
			}
			b.Key = key.Bytes
			bodies = append(bodies, b)
			size += len(b.Body) + len(b.Raw)
		}
		rows.Close()
		return rows.Err()
	})
	return bodies, classify("read the bodies of run "+run, err)
}

// ExtractStage implements [store.Extraction].
func (p *Store) ExtractStage(ctx context.Context, run string, batch []store.Extracted, cursor harvest.Key) error {
	pages := tables.ExtractedPages(batch)
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE shoal.extracts SET cursor = $2 WHERE run = $1 AND cursor < $2", run, uuid(cursor))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return faults.ErrNotNext
		}
		source := &recordSource{run: run, rows: pages, at: -1}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"shoal", "extracted"}, tables.RecordColumns, source)
		return err
	})
	return classify(fmt.Sprintf("stage the records of %d pages of run %s", len(batch), run), err)
}

// ExtractFinish implements [store.Extraction].
func (p *Store) ExtractFinish(ctx context.Context, run, spec string) error {
	stale := false
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		shards, err := p.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		var counted int64
		err = tx.QueryRow(ctx, "SELECT landed FROM shoal.extracts WHERE run = $1 AND spec = $2 FOR UPDATE", run, spec).Scan(&counted)
		if errors.Is(err, pgx.ErrNoRows) {
			return faults.ErrNotBegun
		}
		if err != nil {
			return err
		}
		if stale = tables.Extractable(shards) != counted; stale {
			return forgetExtract(ctx, tx, run)
		}
		return swapRecords(ctx, tx, run, spec)
	})
	if err == nil && stale {
		err = faults.ErrGrown
	}
	return classify("replace the records of run "+run, err)
}

// swapRecords deletes and inserts rather than swapping partitions: readers keep their snapshot and
// wait for no writer, and the role needs no permission to alter tables.
func swapRecords(ctx context.Context, tx pgx.Tx, run, spec string) error {
	for _, sql := range dialect.MoveRecords() {
		if _, err := tx.Exec(ctx, sql, run); err != nil {
			return err
		}
	}
	tag, err := tx.Exec(ctx, dialect.LandExtracted(), run)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dialect.CountLanded(), run, tag.RowsAffected()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, dialect.KeepFormer(), run, spec); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE shoal.runs SET extract = $2 WHERE run = $1", run, spec); err != nil {
		return err
	}
	return forgetExtract(ctx, tx, run)
}
