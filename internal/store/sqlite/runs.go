package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/opening"
	"shoal/internal/store/internal/sqltext"
	"shoal/internal/store/internal/tables"
)

const selectRuns = `SELECT run, upstream, api, host, extract, body, rate, corpus, coalesce(corpus_items, 0), coalesce(corpus_digest, ''),
	coalesce(shards, 0), coalesce(base_run, ''), generation, bucket_bits, opened_at, finished_at,
	coalesce(next, ''), coalesce(items, ''), coalesce(split, ''), coalesce(id, ''), coalesce(absent, ''), coalesce("check", ''), coalesce(wait, ''), coalesce(pack, 0), coalesce(titles, ''), version
	FROM runs LEFT JOIN inputs USING (run) `

func scanRun(scan func(dest ...any) error) (harvest.Run, error) {
	var r harvest.Run
	var opened, finished sql.NullString
	err := scan(&r.Name, &r.Upstream, &r.API, &r.Host, &r.Extract, &r.Body, &r.Rate, &r.Corpus, &r.CorpusItems, &r.CorpusSum,
		&r.Shards, &r.Base, &r.Generation, &r.BucketBits, &opened, &finished, &r.Next, &r.Items, &r.Split, &r.ID, &r.Absent, &r.Check, &r.Wait, &r.Pack, &r.Titles, &r.Version)
	if err != nil {
		return r, err
	}
	var openedErr, finishedErr error
	r.OpenedAt, openedErr = parseStamp(opened)
	r.FinishedAt, finishedErr = parseStamp(finished)
	return r, errors.Join(openedErr, finishedErr)
}

func findRun(ctx context.Context, q querier, name string) (harvest.Run, error) {
	run, err := scanRun(q.QueryRowContext(ctx, selectRuns+"WHERE run = ?", name).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return harvest.Run{}, store.ErrNoRun
	}
	return run, err
}

// FindRun implements [store.Runs].
func (s *Store) FindRun(ctx context.Context, name string) (harvest.Run, error) {
	run, err := findRun(ctx, s.read, name)
	return run, s.classify("find run "+name, err)
}

// ListRuns implements [store.Runs].
func (s *Store) ListRuns(ctx context.Context) ([]harvest.Run, error) {
	var runs []harvest.Run
	err := s.each(ctx, s.read, func(rows *sql.Rows) error {
		run, err := scanRun(rows.Scan)
		runs = append(runs, run)
		return err
	}, selectRuns+"ORDER BY opened_at DESC, run DESC")
	return runs, s.classify("list the runs", err)
}

// each calls take for each row of a query.
func (s *Store) each(ctx context.Context, q querier, take func(rows *sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// OpenRun implements [store.Runs].
func (s *Store) OpenRun(ctx context.Context, given harvest.Run) (run harvest.Run, opened bool, err error) {
	if err := harvest.CheckRunName(given.Name); err != nil {
		return harvest.Run{}, false, err
	}
	var contradiction error
	err = s.transact(ctx, "open run "+given.Name, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO runs (run, upstream, api, host, extract, body, rate, corpus, shards, generation, version, opened_at, base_run)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, nullif(?, '')) ON CONFLICT DO NOTHING`,
			given.Name, given.Upstream, given.API, given.Host, given.Extract, given.Body, given.Rate, given.Corpus, given.Shards,
			newUUID(), s.version, stamp(time.Now()), given.Base)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if opened = rows == 1; opened {
			if _, err := tx.ExecContext(ctx, dialect.SaveInputs(), sqltext.InputsOf(given)...); err != nil {
				return err
			}
		}
		if run, err = findRun(ctx, tx, given.Name); err != nil {
			return err
		}
		if given.Extract != "" && given.Extract != run.Extract {
			var former bool
			err := tx.QueryRowContext(ctx, dialect.IsFormer(), run.Name, given.Extract).Scan(&former)
			if given = opening.AsNow(given, former); err != nil {
				return err
			}
		}
		if other := harvest.Contradicts(run, given); other != nil {
			contradiction = other // unless it may be so
			if opened, err = s.redefine(ctx, tx, given, other); err != nil || !opened {
				return err
			}
			contradiction = nil
			run, err = replaceInputs(ctx, tx, run, given)
			return err
		}
		if opened {
			return nil
		}
		run = opening.Adopted(run, given)
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET rate = ?, corpus = ?, shards = nullif(?, 0) WHERE run = ?", run.Rate, run.Corpus, run.Shards, run.Name); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, dialect.SaveInputs(), sqltext.InputsOf(run)...)
		return err
	})
	if err != nil {
		return run, false, err
	}
	return run, opened, contradiction
}

// redefine gives the run the inputs that contradict the stored ones, if no process leads it and
// nothing of it has landed.
func (s *Store) redefine(ctx context.Context, tx *sql.Tx, given harvest.Run, other *harvest.Contradiction) (done bool, err error) {
	if !other.Redefinable() {
		return false, nil
	}
	lead, err := lockShardFile(leadPath(s.path, given.Name))
	if err != nil || lead == nil {
		return false, err
	}
	defer lead.unlock()
	result, err := tx.ExecContext(ctx, dialect.RedefineRun(), append(sqltext.Redefinition(given), stamp(time.Now()))...)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// replaceInputs is the part of redefineRun that is not in the row of the run.
func replaceInputs(ctx context.Context, tx *sql.Tx, stored, given harvest.Run) (harvest.Run, error) {
	for _, statement := range dialect.EmptyRun() {
		if _, err := tx.ExecContext(ctx, statement, given.Name); err != nil {
			return stored, err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET generation = ? WHERE run = ?", newUUID(), given.Name); err != nil {
		return stored, err
	}
	if opening.Relists(stored, given) {
		for _, table := range []string{"corpus", "chains"} {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE run = ?", table), given.Name); err != nil {
				return stored, err
			}
		}
	}
	if _, err := tx.ExecContext(ctx, dialect.SaveInputs(), sqltext.InputsOf(opening.Redefined(stored, given))...); err != nil {
		return stored, err
	}
	return findRun(ctx, tx, given.Name)
}

// newUUID returns a random uuid, version 4, in the form in which PostgreSQL prints it.
func newUUID() string {
	var k harvest.Key
	_, _ = rand.Read(k[:]) // never fails
	k[6], k[8] = k[6]&0x0f|0x40, k[8]&0x3f|0x80
	return k.String()
}

// RecordDigest implements [store.Corpus].
func (s *Store) RecordDigest(ctx context.Context, run, known string, items int64, sum string) (recorded bool, err error) {
	err = s.transact(ctx, "record the corpus of run "+run, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, dialect.RecordDigest(), run, known, items, sum)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if recorded = err == nil && rows == 1; !recorded || known == "" {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE shards SET drained_at = NULL WHERE run = ?", run)
		return err
	})
	if err == nil && !recorded {
		_, err = s.FindRun(ctx, run)
	}
	return recorded, err
}

// NewGeneration implements [store.Mirrors].
func (s *Store) NewGeneration(ctx context.Context, run string) error {
	return s.updateRun(ctx, "begin a new generation of run "+run, "UPDATE runs SET generation = ?2 WHERE run = ?1", run, newUUID())
}

func (s *Store) updateRun(ctx context.Context, operation, statement string, args ...any) error {
	result, err := s.write.ExecContext(ctx, statement, args...)
	if err != nil {
		return s.classify(operation, err)
	}
	rows, err := result.RowsAffected()
	return s.classify(operation, faults.OneRow(rows, err))
}

// Totals implements [store.Counts].
func (s *Store) Totals(ctx context.Context, run string) (harvest.Counts, error) {
	var c harvest.Counts
	err := s.read.QueryRowContext(ctx, dialect.Totals(), run).Scan(&c.Landed, &c.Missing, &c.Skipped, &c.Dead, &c.Bytes, &c.Rejected, &c.PutBack)
	return c, s.classify("add up run "+run, err)
}

// Fingerprint implements [store.Keeper]. A backup that is copied over the file keeps the file's
// identity: after that a mirror has to be rebuilt, as after the restore of a whole disk.
func (s *Store) Fingerprint(ctx context.Context, run string) (string, error) {
	operation := "fingerprint run " + run
	found, err := findRun(ctx, s.read, run)
	if err != nil {
		return "", s.classify(operation, err)
	}
	identity, err := fileIdentity(s.path)
	if err != nil {
		return "", s.classify(operation, err)
	}
	return tables.Fingerprint(found.Generation, identity), nil
}
