package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/internal/sqltext"
	"shoal/internal/store/internal/tables"
)

// land is the twin of Postgres.land. Only one process writes at a time, so rows go in one by one,
// each known at once to be new or not; a refused row spoils nothing.
func (s *Store) land(ctx context.Context, own leasing.Ownership, ttl time.Duration, pages []harvest.Page) (harvest.Counts, error) {
	rows := tables.Batch(pages)
	var counts harvest.Counts
	err := s.transact(ctx, faults.Landing(own, len(pages)), func(tx *sql.Tx) error {
		l, err := newLanding(ctx, tx, own.Run)
		if err != nil {
			return err
		}
		counts = harvest.Counts{}
		var old tables.Replaced
		for i := range rows {
			tables.RefuseInvalidJSON(&rows[i])
			was, err := l.removeRetried(ctx, rows[i].Key)
			if err != nil {
				return err
			}
			old = append(old, was...)
			fresh, err := l.insertOrRefuse(ctx, &rows[i])
			if err != nil {
				return err
			}
			if fresh {
				counts.Add(rows[i].Outcome, tables.BodyBytes(&rows[i]))
			}
			if to := rows[i].Chain; to != nil {
				if _, err := tx.ExecContext(ctx, dialect.MoveChain(), own.Run, to.Seed, to.Step, to.Next, to.Done, to.Trail, stamp(time.Now())); err != nil {
					return err
				}
			}
		}
		if err := forgetLanded(ctx, tx, own, rows); err != nil {
			return err
		}
		minus, err := s.uncount(ctx, tx, own, old)
		if err != nil {
			return err
		}
		return fence(ctx, tx, own, ttl, counts.Minus(minus))
	})
	if err != nil {
		return harvest.Counts{}, err
	}
	return counts, nil
}

// landing holds the prepared statements of one landing transaction, which closes them.
type landing struct {
	tx                      *sql.Tx
	run                     string
	page, forget, newRecord *sql.Stmt
	retried                 bool // items of the run were put back
}

func newLanding(ctx context.Context, tx *sql.Tx, run string) (landing, error) {
	l := landing{tx: tx, run: run}
	var errs [4]error
	l.page, errs[0] = tx.PrepareContext(ctx, sqltext.InsertInto("pages", tables.PageColumns)+" ON CONFLICT DO NOTHING")
	l.forget, errs[1] = tx.PrepareContext(ctx, "DELETE FROM records WHERE run = ? AND key = ?")
	l.newRecord, errs[2] = tx.PrepareContext(ctx, sqltext.InsertInto("records", tables.RecordColumns))
	errs[3] = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM retried WHERE run = ?)", run).Scan(&l.retried)
	return l, errors.Join(errs[:]...)
}

// removeRetried is the twin of pgLanding.removeRetried, for one item.
func (l landing) removeRetried(ctx context.Context, key harvest.Key) (old tables.Replaced, err error) {
	if !l.retried {
		return nil, nil
	}
	result, err := l.tx.ExecContext(ctx, "DELETE FROM retried WHERE run = ? AND key = ?", l.run, key[:])
	if err != nil {
		return nil, err
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 0 {
		return nil, err
	}
	var outcome harvest.Outcome
	err = l.tx.QueryRowContext(ctx, "DELETE FROM pages WHERE run = ? AND key = ? RETURNING outcome", l.run, key[:]).Scan(&outcome)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return tables.Replaced{outcome}, err
}

// uncount is the twin of pgLanding.uncount; it returns what to subtract from the shard of this
// landing.
func (s *Store) uncount(ctx context.Context, tx *sql.Tx, own leasing.Ownership, old tables.Replaced) (minus harvest.Counts, err error) {
	if len(old) == 0 {
		return minus, nil
	}
	shards, err := s.listShards(ctx, tx, own.Run)
	if err != nil {
		return minus, err
	}
	for shard, n := range old.Settle(own.Shard, shards) {
		if shard == own.Shard {
			minus = *n
			continue
		}
		_, err := tx.ExecContext(ctx, `UPDATE shards SET landed = landed - ?, missing = missing - ?, skipped = skipped - ?, dead = dead - ?
			WHERE run = ? AND shard = ? AND "of" = ?`, n.Landed, n.Missing, n.Skipped, n.Dead, own.Run, shard.Index, shard.Of)
		if err != nil {
			return minus, err
		}
	}
	return minus, nil
}

// insertOrRefuse adds the page, as skipped if SQLite refuses its contents.
func (l landing) insertOrRefuse(ctx context.Context, p *harvest.Page) (fresh bool, err error) {
	fresh, err = l.insert(ctx, p)
	if !refusesRow(err) {
		return fresh, err
	}
	if fresh { // a record was refused: the page is in already
		if _, err := l.tx.ExecContext(ctx, "DELETE FROM pages WHERE run = ? AND key = ?", l.run, p.Key[:]); err != nil {
			return false, err
		}
	}
	p.Refuse(tables.ReasonRefused)
	return l.insert(ctx, p)
}

// refusesRow reports whether a row is at fault: a constraint, a value that is too long or of a
// wrong type.
func refusesRow(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return true
	}
	return false
}

// insert adds the page and its records unless the page exists. fresh reports, even with an error,
// that the page was added.
func (l landing) insert(ctx context.Context, p *harvest.Page) (fresh bool, err error) {
	result, err := l.page.ExecContext(ctx, l.run, p.Key[:], p.URL, tables.OrNull(p.ID), string(p.Outcome), tables.OrNullStatus(p.Status), tables.OrNull(p.Reason),
		tables.OrNull(p.Detail), p.Attempts, tables.OrNull(p.Revision), tables.OrNull(p.MediaType), tables.OrNull(string(p.Headers)), stamp(p.FetchedAt),
		tables.OrNull(string(p.Body)), tables.OrNullBytes(p.Raw))
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	if err != nil || rows == 0 {
		return false, err
	}
	// Records that outlived their page would be in the way of the new ones.
	if _, err := l.forget.ExecContext(ctx, l.run, p.Key[:]); err != nil {
		return true, err
	}
	for i := range p.Records {
		r := &p.Records[i]
		if _, err := l.newRecord.ExecContext(ctx, l.run, p.Key[:], r.Ordinal, tables.OrNull(r.Kind), string(r.Data)); err != nil {
			return true, err
		}
	}
	return true, nil
}

// fence counts and renews, and finds no row if another worker has taken the shard.
func fence(ctx context.Context, tx *sql.Tx, own leasing.Ownership, ttl time.Duration, c harvest.Counts) error {
	result, err := tx.ExecContext(ctx, `UPDATE shards SET landed = landed + ?, missing = missing + ?, skipped = skipped + ?,
			dead = dead + ?, bytes = bytes + ?, expires_at = max(coalesce(expires_at, ''), ?)
		WHERE run = ? AND shard = ? AND "of" = ? AND token = ?`,
		c.Landed, c.Missing, c.Skipped, c.Dead, c.Bytes, stamp(time.Now().Add(ttl)), own.Run, own.Shard.Index, own.Shard.Of, own.Token)
	if err != nil {
		return err
	}
	rows, err := result.RowsAffected()
	if err == nil && rows == 0 {
		return store.ErrFenced
	}
	return err
}
