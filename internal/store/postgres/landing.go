package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/internal/tables"
)

// beginLanding makes the commit durable even if the role or database is set to synchronous_commit =
// off: a ledger marks keys after it, and must never know more than the disk.
var beginLanding = pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = on"}

// land commits the pages on conn, or nothing of them, and counts the rows that it really inserted.
// Its context must outlive the signals that end the process: pgx closes the connection when a
// context ends, and whether the batch was committed is then unknown. It fails with ErrFenced if
// own.token is no longer the shard's; ttl is how far the lease is renewed.
//
// The first attempt assumes that the batch is new and sound, which it nearly always is. If the
// server then refuses a row, or has a key already, the batch goes through a staging table instead.
func (p *Store) land(ctx context.Context, conn *pgx.Conn, own leasing.Ownership, ttl time.Duration, pages []harvest.Page) (harvest.Counts, error) {
	l := landing{p: p, Ownership: own, ttl: ttl, rows: tables.Batch(pages)}
	err := pgx.BeginTxFunc(ctx, conn, beginLanding, func(tx pgx.Tx) error { return l.copy(ctx, tx) })
	if code := codeOf(err); code == codeUniqueViolation || isDataError(code) && !noPartition(err) {
		err = pgx.BeginTxFunc(ctx, conn, beginLanding, func(tx pgx.Tx) error { return l.stage(ctx, tx) })
	}
	if noPartition(err) {
		err = fmt.Errorf("%w: %s has no partition, it was dropped while a worker was at it: %w", store.ErrNoRun, own.Run, err)
	}
	if err != nil {
		return harvest.Counts{}, classify(faults.Landing(own, len(pages)), err)
	}
	return l.counts, nil
}

// landing is one batch on its way into PostgreSQL.
type landing struct {
	p *Store
	leasing.Ownership
	ttl    time.Duration
	rows   []harvest.Page // sorted, each key once
	counts harvest.Counts // of the rows that the last transaction inserted
	old    harvest.Counts // of the rows in place of which some of them came
}

// copy lands a batch whose rows are all new.
func (l *landing) copy(ctx context.Context, tx pgx.Tx) error {
	if err := l.copyPages(ctx, tx, pgx.Identifier{"shoal", "pages"}, l.rows); err != nil {
		return err
	}
	if err := l.copyRecords(ctx, tx, pgx.Identifier{"shoal", "records"}, l.rows); err != nil {
		return err
	}
	l.counts, l.old = harvest.Counts{}, harvest.Counts{}
	for i := range l.rows {
		l.counts.Add(l.rows[i].Outcome, tables.BodyBytes(&l.rows[i]))
	}
	return l.fence(ctx, tx)
}

// fence is the last statement of every landing: it renews the lease and counts, and finds no row if
// another worker has taken the shard. Because it is last it holds the row's lock, for which a take
// waits, for the shortest time.
func (l *landing) fence(ctx context.Context, tx pgx.Tx) error {
	if err := l.forgetLanded(ctx, tx); err != nil {
		return err
	}
	for i := range l.rows {
		if to := l.rows[i].Chain; to != nil {
			if _, err := tx.Exec(ctx, dialect.MoveChain(), l.Run, to.Seed, to.Step, to.Next, to.Done, to.Trail); err != nil {
				return err
			}
		}
	}
	c := l.counts.Minus(l.old)
	tag, err := tx.Exec(ctx, `UPDATE shoal.shards SET landed = landed + $5, missing = missing + $6, skipped = skipped + $7,
			dead = dead + $8, bytes = bytes + $9, expires_at = greatest(expires_at, clock_timestamp() + $10::interval)
		WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4`,
		l.Run, l.Shard.Index, l.Shard.Of, l.Token, c.Landed, c.Missing, c.Skipped, c.Dead, c.Bytes, l.ttl)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return store.ErrFenced
	}
	return nil
}

func (l *landing) copyPages(ctx context.Context, tx pgx.Tx, table pgx.Identifier, rows []harvest.Page) error {
	_, err := tx.CopyFrom(ctx, table, tables.PageColumns, &pageSource{run: l.Run, rows: rows, at: -1})
	return err
}

func (l *landing) copyRecords(ctx context.Context, tx pgx.Tx, table pgx.Identifier, rows []harvest.Page) error {
	source := &recordSource{run: l.Run, rows: rows, at: -1}
	if !source.any() {
		return nil
	}
	_, err := tx.CopyFrom(ctx, table, tables.RecordColumns, source)
	return err
}

// pageSource passes rows of pages to COPY. It reuses one row of values: COPY has encoded it when it
// asks for the next.
type pageSource struct {
	run    string
	rows   []harvest.Page
	at     int
	values [15]any
}

func (s *pageSource) Next() bool { s.at++; return s.at < len(s.rows) }

func (s *pageSource) Err() error { return nil }

func (s *pageSource) Values() ([]any, error) {
	p := &s.rows[s.at]
	// JSON is passed as bytes: a Go string would work as well, but any other type is marshalled
	// first, and so is quoted.
	s.values = [...]any{s.run, uuid(p.Key), p.URL, tables.OrNull(p.ID), string(p.Outcome), tables.OrNullStatus(p.Status), tables.OrNull(p.Reason),
		tables.OrNull(p.Detail), p.Attempts, tables.OrNull(p.Revision), tables.OrNull(p.MediaType), tables.OrNullBytes(p.Headers), p.FetchedAt,
		tables.OrNullBytes(p.Body), tables.OrNullBytes(p.Raw)}
	return s.values[:], nil
}

// recordSource passes the records of pages to COPY.
type recordSource struct {
	run      string
	rows     []harvest.Page
	page, at int
	values   [5]any
}

func (s *recordSource) any() bool {
	for i := range s.rows {
		if len(s.rows[i].Records) > 0 {
			return true
		}
	}
	return false
}

func (s *recordSource) Next() bool {
	s.at++
	for s.page < len(s.rows) && s.at >= len(s.rows[s.page].Records) {
		s.page, s.at = s.page+1, 0
	}
	return s.page < len(s.rows)
}

func (s *recordSource) Err() error { return nil }

func (s *recordSource) Values() ([]any, error) {
	p := &s.rows[s.page]
	r := &p.Records[s.at]
	s.values = [...]any{s.run, uuid(p.Key), r.Ordinal, tables.OrNull(r.Kind), r.Data}
	return s.values[:], nil
}

func uuid(k harvest.Key) pgtype.UUID { return pgtype.UUID{Bytes: k, Valid: true} }

// noPartition reports whether the server found no partition for a row: a check violation of no
// constraint of ours.
func noPartition(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == codeCheckViolation && pg.ConstraintName == ""
}
