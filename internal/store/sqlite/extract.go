package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/sqltext"
	"shoal/internal/store/internal/tables"
)

// ExtractBegin implements [store.Extraction].
func (s *Store) ExtractBegin(ctx context.Context, run, spec string) (cursor harvest.Key, err error) {
	err = s.transact(ctx, "extract records of run "+run, func(tx *sql.Tx) error {
		found, err := findRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if err := faults.HasBodies(found); err != nil {
			return err
		}
		shards, err := s.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		cursor, err = resumeExtract(ctx, tx, run, spec, tables.Extractable(shards))
		return err
	})
	return cursor, err
}

// excludeWorkers is the twin of the function of that name for PostgreSQL; the transaction keeps
// writers out.
func (s *Store) excludeWorkers(ctx context.Context, tx *sql.Tx, run string) ([]harvest.ShardState, error) {
	shards, err := s.listShards(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	if err := faults.Busy(shards); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE shards SET token = max(token + 1, ?2), expires_at = NULL WHERE run = ?1 AND expires_at IS NOT NULL", run, time.Now().UnixMicro())
	return shards, err
}

func resumeExtract(ctx context.Context, tx *sql.Tx, run, spec string, landed int64) (harvest.Key, error) {
	var cursor []byte
	err := tx.QueryRowContext(ctx, "SELECT cursor FROM extracts WHERE run = ? AND spec = ? AND landed = ?", run, spec, landed).Scan(&cursor)
	if err == nil {
		return toKey(cursor)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return harvest.Key{}, err
	}
	if err := forgetExtract(ctx, tx, run); err != nil {
		return harvest.Key{}, err
	}
	var first harvest.Key
	_, err = tx.ExecContext(ctx, "INSERT INTO extracts (run, spec, cursor, landed, started_at) VALUES (?, ?, ?, ?, ?)", run, spec, first[:], landed, stamp(time.Now()))
	return first, err
}

func forgetExtract(ctx context.Context, tx *sql.Tx, run string) error {
	for _, statement := range []string{"DELETE FROM extracts WHERE run = ?", "DELETE FROM extracted WHERE run = ?"} {
		if _, err := tx.ExecContext(ctx, statement, run); err != nil {
			return err
		}
	}
	return nil
}

// ExtractBodies implements [store.Extraction].
func (s *Store) ExtractBodies(ctx context.Context, run string, after harvest.Key, limit int) ([]store.StoredBody, error) {
	var bodies []store.StoredBody
	size := 0
	err := s.each(ctx, s.read, func(rows *sql.Rows) error {
		var b store.StoredBody
		var key []byte
		if err := rows.Scan(&key, &b.URL, &b.ID, &b.MediaType, &b.Body, &b.Raw); err != nil {
			return err
		}
		var err error
		b.Key, err = toKey(key)
		bodies = append(bodies, b)
		if size += len(b.Body) + len(b.Raw); err == nil && size >= tables.MaxBodies {
			return errEnough
		}
		return err
	}, dialect.SelectBodies(), run, after[:], limit)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return bodies, s.classify("read the bodies of run "+run, err)
}

// ExtractStage implements [store.Extraction].
func (s *Store) ExtractStage(ctx context.Context, run string, batch []store.Extracted, cursor harvest.Key) error {
	return s.transact(ctx, fmt.Sprintf("stage the records of %d pages of run %s", len(batch), run), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE extracts SET cursor = ?2 WHERE run = ?1 AND cursor < ?2", run, cursor[:])
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil {
			return err
		} else if rows == 0 {
			return faults.ErrNotNext
		}
		insert, err := tx.PrepareContext(ctx, sqltext.InsertInto("extracted", tables.RecordColumns))
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, page := range tables.ExtractedPages(batch) {
			for _, r := range page.Records {
				if _, err := insert.ExecContext(ctx, run, page.Key[:], r.Ordinal, tables.OrNull(r.Kind), string(r.Data)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// ExtractFinish implements [store.Extraction].
func (s *Store) ExtractFinish(ctx context.Context, run, spec string) error {
	operation := "replace the records of run " + run
	stale := false
	err := s.transact(ctx, operation, func(tx *sql.Tx) error {
		shards, err := s.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		var counted int64
		err = tx.QueryRowContext(ctx, "SELECT landed FROM extracts WHERE run = ? AND spec = ?", run, spec).Scan(&counted)
		if errors.Is(err, sql.ErrNoRows) {
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
		err = s.classify(operation, faults.ErrGrown)
	}
	return err
}

func swapRecords(ctx context.Context, tx *sql.Tx, run, spec string) error {
	for _, sql := range dialect.MoveRecords() {
		if _, err := tx.ExecContext(ctx, sql, run); err != nil {
			return err
		}
	}
	result, err := tx.ExecContext(ctx, dialect.LandExtracted(), run)
	if err != nil {
		return err
	}
	landed, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, dialect.CountLanded(), run, landed); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, dialect.KeepFormer(), run, spec, stamp(time.Now())); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET extract = ?2 WHERE run = ?1", run, spec); err != nil {
		return err
	}
	return forgetExtract(ctx, tx, run)
}
