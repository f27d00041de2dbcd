package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store/internal/tables"
)

// The staging tables live as long as the session and are empty between transactions. INCLUDING
// COMPRESSION because values are packed while they are staged, and would otherwise be packed as
// slowly as by default.
const createStaging = `
	CREATE TEMP TABLE IF NOT EXISTS staged_pages (LIKE shoal.pages INCLUDING CONSTRAINTS INCLUDING COMPRESSION) ON COMMIT DELETE ROWS;
	CREATE TEMP TABLE IF NOT EXISTS staged_records (LIKE shoal.records INCLUDING CONSTRAINTS INCLUDING COMPRESSION) ON COMMIT DELETE ROWS`

// stage lands a batch of which some rows may be there already and some may be refused.
func (l *landing) stage(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, createStaging); err != nil {
		return fmt.Errorf("make a temporary table (GRANT TEMPORARY ON DATABASE … lets the role): %w", err)
	}
	if err := l.bisect(ctx, tx, l.rows); err != nil {
		return err
	}
	old, err := l.removeRetried(ctx, tx)
	if err != nil {
		return err
	}
	fresh, err := l.insertStaged(ctx, tx)
	if err != nil {
		return err
	}
	l.counts, l.old = harvest.Counts{}, harvest.Counts{}
	for i := range l.rows {
		if row := &l.rows[i]; fresh[row.Key] {
			l.counts.Add(row.Outcome, tables.BodyBytes(row))
		}
	}
	if err := l.uncount(ctx, tx, old); err != nil {
		return err
	}
	return l.fence(ctx, tx)
}

// removeRetried makes room for new outcomes of items that were put back: their old rows go in the
// transaction in which the new ones come.
func (l *landing) removeRetried(ctx context.Context, tx pgx.Tx) (old tables.Replaced, err error) {
	rows, err := tx.Query(ctx, "DELETE FROM shoal.retried r USING staged_pages s WHERE r.run = $1 AND r.key = s.key RETURNING r.key", l.Run)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	if rows, err = tx.Query(ctx, "DELETE FROM shoal.pages WHERE run = $1 AND key = ANY ($2) RETURNING outcome", l.Run, keys); err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[harvest.Outcome])
}

// uncount subtracts old rows from the counts; fence does that for the shard of this landing.
func (l *landing) uncount(ctx context.Context, tx pgx.Tx, old tables.Replaced) error {
	if len(old) == 0 {
		return nil
	}
	shards, err := l.p.listShards(ctx, tx, l.Run)
	if err != nil {
		return err
	}
	for shard, n := range old.Settle(l.Shard, shards) {
		if shard == l.Shard {
			l.old = *n
			continue
		}
		_, err := tx.Exec(ctx, `UPDATE shoal.shards SET landed = landed - $4, missing = missing - $5, skipped = skipped - $6, dead = dead - $7
			WHERE run = $1 AND shard = $2 AND of = $3`, l.Run, shard.Index, shard.Of, n.Landed, n.Missing, n.Skipped, n.Dead)
		if err != nil {
			return err
		}
	}
	return nil
}

// bisect stages the rows; if the server refuses one of them it halves them until the refused one is
// by itself, and stages that one as skipped. Savepoints keep all this within the one transaction
// that lands the whole batch or nothing.
func (l *landing) bisect(ctx context.Context, tx pgx.Tx, rows []harvest.Page) error {
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		if err := l.copyPages(ctx, savepoint, pgx.Identifier{"staged_pages"}, rows); err != nil {
			return err
		}
		return l.copyRecords(ctx, savepoint, pgx.Identifier{"staged_records"}, rows)
	})
	code := codeOf(err)
	if !isDataError(code) {
		return err
	}
	if len(rows) > 1 {
		half := len(rows) / 2
		if err := l.bisect(ctx, tx, rows[:half]); err != nil {
			return err
		}
		return l.bisect(ctx, tx, rows[half:])
	}
	if refused := reasonFor(code); rows[0].Reason != refused {
		rows[0].Refuse(refused)
		return l.bisect(ctx, tx, rows)
	}
	return err // refused even without its content
}

// insertStaged moves the staged rows of new pages and returns their keys. Records are stored only
// with their page: what an item had when its page landed is what stays.
func (l *landing) insertStaged(ctx context.Context, tx pgx.Tx) (map[harvest.Key]bool, error) {
	columns := strings.Join(tables.PageColumns, ", ")
	rows, err := tx.Query(ctx, "INSERT INTO shoal.pages ("+columns+") SELECT "+columns+" FROM staged_pages ORDER BY key ON CONFLICT DO NOTHING RETURNING key")
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
	if err != nil {
		return nil, err
	}
	fresh := make(map[harvest.Key]bool, len(keys))
	for _, key := range keys {
		fresh[key.Bytes] = true
	}
	// Records that outlived their page would be in the way of the new ones.
	if _, err := tx.Exec(ctx, "DELETE FROM shoal.records WHERE run = $1 AND key = ANY ($2)", l.Run, keys); err != nil {
		return nil, err
	}
	columns = strings.Join(tables.RecordColumns, ", ")
	_, err = tx.Exec(ctx, "INSERT INTO shoal.records ("+columns+") SELECT "+columns+" FROM staged_records WHERE key = ANY ($1) ORDER BY key, ordinal", keys)
	return fresh, err
}
