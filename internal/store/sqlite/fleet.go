package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// holdForever is how SQLite stores a hold without an end.
const holdForever = "infinity"

// Control implements [store.Controls].
func (s *Store) Control(ctx context.Context, run string) (c harvest.Control, err error) {
	operation := "read the orders for run " + run
	var hold, at, drain, done, silence, lifted sql.NullString
	err = s.read.QueryRowContext(ctx, `SELECT coalesce(c.rate, ''), coalesce(c."by", ''), CASE WHEN c."by" IS NOT NULL THEN c.at END, coalesce(r.drain_by, ''), r.drain_at, r.finished_at, c.hold_until,
			c.until, c.lifted_at
		FROM runs r LEFT JOIN control c ON c.host = r.host WHERE r.run = ?`, run).Scan(&c.Rate, &c.By, &at, &c.DrainBy, &drain, &done, &hold, &silence, &lifted)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNoRun
	}
	if err != nil {
		return c, s.classify(operation, err)
	}
	var errs [6]error
	c.At, errs[0] = parseStamp(at)
	c.DrainAt, errs[1] = parseStamp(drain)
	c.Done, errs[2] = parseStamp(done)
	c.Lifted, errs[4] = parseStamp(lifted)
	var quiet time.Time
	quiet, errs[5] = parseStamp(silence)
	c.Silence = max(0, time.Until(quiet))
	if hold.String == holdForever {
		c.Hold = harvest.Forever
	} else {
		var until time.Time
		until, errs[3] = parseStamp(hold)
		c.Hold = max(0, time.Until(until))
	}
	return c, s.classify(operation, errors.Join(errs[:]...))
}

// SetRate implements [store.Controls].
func (s *Store) SetRate(ctx context.Context, host, rate, by string) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO control (host, rate, "by", at) VALUES (?, ?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET rate = excluded.rate, "by" = excluded."by", at = excluded.at`, host, rate, by, stamp(time.Now()))
	return s.classify("keep the rate of "+host, err)
}

// Hold implements [store.Controls].
func (s *Store) Hold(ctx context.Context, host string, length time.Duration, by string) error {
	var until any
	switch {
	case length < 0:
		until = holdForever
	case length > 0:
		until = stamp(time.Now().Add(length))
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO control (host, hold_until, "by", at) VALUES (?, ?, ?, ?)
		ON CONFLICT (host) DO UPDATE SET hold_until = excluded.hold_until, "by" = excluded."by", at = excluded.at`, host, until, by, stamp(time.Now()))
	return s.classify("keep the hold of "+host, err)
}

// Silence implements [store.Silences].
func (s *Store) Silence(ctx context.Context, host string, length time.Duration) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO control (host, until, at) VALUES (?1, ?2, ?3)
		ON CONFLICT (host) DO UPDATE SET until = max(coalesce(until, ''), excluded.until)`, host, stamp(time.Now().Add(length)), stamp(time.Now()))
	return s.classify("keep the silence of "+host, err)
}

// Lift implements [store.Silences].
func (s *Store) Lift(ctx context.Context, host, by string) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO control (host, "by", at, lifted_at) VALUES (?1, ?2, ?3, ?3)
		ON CONFLICT (host) DO UPDATE SET until = NULL, lifted_at = excluded.lifted_at, "by" = excluded."by", at = excluded.at`, host, by, stamp(time.Now()))
	return s.classify("end the silence of "+host, err)
}

// RequestDrain implements [store.Controls].
func (s *Store) RequestDrain(ctx context.Context, run, by string) error {
	var at any
	if by != "" {
		at = stamp(time.Now())
	}
	return s.updateRun(ctx, "keep that run "+run+" is drained", "UPDATE runs SET drain_by = nullif(?2, ''), drain_at = ?3 WHERE run = ?1", run, by, at)
}

// ListShards implements [store.Counts].
func (s *Store) ListShards(ctx context.Context, run string) ([]harvest.ShardState, error) {
	shards, err := s.listShards(ctx, s.read, run)
	return shards, s.classify("list the shards of run "+run, err)
}

func (s *Store) listShards(ctx context.Context, q querier, run string) (shards []harvest.ShardState, err error) {
	now := time.Now()
	err = s.each(ctx, q, func(rows *sql.Rows) error {
		var state harvest.ShardState
		var renewed, drained sql.NullString
		c := &state.Counts
		err := rows.Scan(&state.Shard.Index, &state.Shard.Of, &state.Owner, &state.Held, &state.Lapsed, &renewed,
			&c.Landed, &c.Missing, &c.Skipped, &c.Dead, &c.Rejected, &c.Bytes, &drained)
		if err != nil {
			return err
		}
		at, err := parseStamp(renewed)
		if state.Held && err == nil {
			state.Silent = now.Sub(at)
		}
		var drainedErr error
		state.Drained, drainedErr = parseStamp(drained)
		shards = append(shards, state)
		return errors.Join(err, drainedErr)
	}, `SELECT shard, "of", coalesce(owner, ''), expires_at IS NOT NULL, coalesce(expires_at < ?2, 0), renewed_at,
			landed, missing, skipped, dead, rejected, bytes, drained_at
		FROM shards WHERE run = ?1 ORDER BY "of", shard`, run, stamp(now))
	return shards, err
}

// SaveWork implements [store.Work].
func (s *Store) SaveWork(ctx context.Context, w harvest.Work) error {
	stats, err := json.Marshal(w.Stats)
	if err != nil {
		return err
	}
	now := stamp(time.Now())
	var ended any
	if w.Ended {
		ended = now
	}
	return s.transact(ctx, "keep what "+w.Worker+" does", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO work (run, worker, shard, started_at, seen_at, ended_at, stats) VALUES (?, ?, nullif(?, ''), ?, ?, ?, ?)
			ON CONFLICT (run, worker) DO UPDATE SET shard = excluded.shard, seen_at = excluded.seen_at, ended_at = excluded.ended_at, stats = excluded.stats`,
			w.Run, w.Worker, w.Shard, stamp(w.Started), now, ended, string(stats))
		if err != nil {
			return err
		}
		for _, m := range w.Minutes {
			_, err := tx.ExecContext(ctx, `INSERT INTO sent (run, worker, minute, seconds) VALUES (?, ?, ?, ?)
				ON CONFLICT (run, worker, minute) DO UPDATE SET seconds = excluded.seconds`, w.Run, w.Worker, m.Unix, tables.MarshalMinute(m))
			if err != nil {
				return err
			}
		}
		for _, q := range w.Quiets {
			_, err := tx.ExecContext(ctx, `INSERT INTO silences (run, worker, from_at, kind, until_at, cause) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (run, worker, from_at, kind) DO UPDATE SET until_at = excluded.until_at, cause = excluded.cause`,
				w.Run, w.Worker, stamp(q.From), string(q.Kind), stamp(q.Until), q.Cause)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ListQuiets implements [store.Work].
func (s *Store) ListQuiets(ctx context.Context, run string, limit int) (all []harvest.Quiet, err error) {
	err = s.each(ctx, s.read, func(rows *sql.Rows) error {
		var q harvest.Quiet
		var from, until sql.NullString
		if err := rows.Scan(&from, &until, &q.Kind, &q.Cause); err != nil {
			return err
		}
		var errs [2]error
		q.From, errs[0] = parseStamp(from)
		q.Until, errs[1] = parseStamp(until)
		all = append(all, q)
		return errors.Join(errs[:]...)
	}, "SELECT from_at, until_at, kind, cause FROM silences WHERE run = ? ORDER BY from_at DESC, worker, kind LIMIT ?", run, limit)
	return all, s.classify("list the silences of run "+run, err)
}

// ListWork implements [store.Work].
func (s *Store) ListWork(ctx context.Context, run string) (all []harvest.Work, err error) {
	err = s.each(ctx, s.read, func(rows *sql.Rows) error {
		var w harvest.Work
		var started, seen sql.NullString
		var stats string
		if err := rows.Scan(&w.Run, &w.Worker, &w.Shard, &started, &seen, &w.Ended, &stats); err != nil {
			return err
		}
		var errs [3]error
		w.Started, errs[0] = parseStamp(started)
		w.Seen, errs[1] = parseStamp(seen)
		errs[2] = json.Unmarshal([]byte(stats), &w.Stats)
		all = append(all, w)
		return errors.Join(errs[:]...)
	}, `SELECT run, worker, coalesce(shard, ''), started_at, seen_at, ended_at IS NOT NULL, stats FROM work WHERE run = ? ORDER BY started_at, worker`, run)
	return all, s.classify("list the work of run "+run, err)
}

// ListMinutes implements [store.Work].
func (s *Store) ListMinutes(ctx context.Context, run string, since int64) ([]harvest.Minute, error) {
	var all tables.Minutes
	err := s.each(ctx, s.read, func(rows *sql.Rows) error {
		var minute int64
		var seconds string
		if err := rows.Scan(&minute, &seconds); err != nil {
			return err
		}
		return all.AddRow(minute, []byte(seconds))
	}, "SELECT minute, seconds FROM sent WHERE run = ? AND minute >= ? ORDER BY minute", run, since)
	return all, s.classify("list the minutes of run "+run, err)
}

// FinishRun implements [store.Lifecycle].
func (s *Store) FinishRun(ctx context.Context, run string) (finished bool, err error) {
	err = s.transact(ctx, "finish run "+run, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE runs SET finished_at = CASE WHEN EXISTS (
				SELECT 1 FROM shards WHERE run = ?1 AND drained_at IS NOT NULL GROUP BY "of" HAVING count(*) = "of")
				THEN coalesce(finished_at, ?2) END
			WHERE run = ?1 RETURNING finished_at IS NOT NULL`, run, stamp(time.Now())).Scan(&finished)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNoRun
		}
		return err
	})
	return finished, err
}

// PutBack implements [store.Retries].
func (s *Store) PutBack(ctx context.Context, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error) {
	var back tables.PutBack
	err := s.transact(ctx, "put items of run "+run+" back", func(tx *sql.Tx) error {
		shards, err := s.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		if err := s.choose(ctx, tx, run, outcomes, wanted, &back); err != nil || len(back.Keys) == 0 {
			return err
		}
		if err := s.rewind(ctx, tx, run, &back); err != nil {
			return err
		}
		if err := forgetSuspects(ctx, tx, run, back.Keys); err != nil {
			return err
		}
		for _, key := range back.Keys {
			if _, err := tx.ExecContext(ctx, "INSERT INTO retried (run, key) VALUES (?, ?) ON CONFLICT DO NOTHING", run, key[:]); err != nil {
				return err
			}
		}
		for _, shard := range back.Owners(shards) {
			if _, err := tx.ExecContext(ctx, `UPDATE shards SET drained_at = NULL WHERE run = ? AND shard = ? AND "of" = ?`, run, shard.Index, shard.Of); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE runs SET generation = ?, finished_at = NULL WHERE run = ?", newUUID(), run)
		return err
	})
	return back.Counts, err
}

// Reopen implements [store.Lifecycle].
func (s *Store) Reopen(ctx context.Context, run string) error {
	return s.transact(ctx, "open run "+run+" again", func(tx *sql.Tx) error {
		if _, err := findRun(ctx, tx, run); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET generation = ?, finished_at = NULL WHERE run = ?", newUUID(), run); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE shards SET drained_at = NULL WHERE run = ?", run)
		return err
	})
}

func (s *Store) choose(ctx context.Context, tx *sql.Tx, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool, back *tables.PutBack) error {
	args := []any{run}
	for _, o := range outcomes {
		args = append(args, string(o))
	}
	return s.each(ctx, tx, func(rows *sql.Rows) error {
		var page harvest.Page
		var key []byte
		if err := rows.Scan(&key, &page.URL, &page.ID, &page.Outcome, &page.Status, &page.Reason); err != nil {
			return err
		}
		var err error
		if page.Key, err = toKey(key); err == nil && wanted(page) {
			back.Add(page)
		}
		return err
	}, `SELECT key, url, coalesce(id, ''), outcome, coalesce(status, 0), coalesce(reason, '') FROM pages
		WHERE run = ? AND outcome IN (?`+strings.Repeat(", ?", len(outcomes)-1)+`)`, args...)
}

func (s *Store) rewind(ctx context.Context, tx *sql.Tx, run string, back *tables.PutBack) error {
	var chains []harvest.Chain
	err := s.each(ctx, tx, func(rows *sql.Rows) error {
		var c harvest.Chain
		err := rows.Scan(&c.Seed, &c.Step)
		chains = append(chains, c)
		return err
	}, "SELECT seed, step FROM chains WHERE run = ?", run)
	if err != nil {
		return err
	}
	for _, seed := range back.Rewind(chains) {
		if _, err := tx.ExecContext(ctx, dialect.RewindChain(), run, seed); err != nil {
			return err
		}
	}
	return nil
}

// DropRun implements [store.Lifecycle].
func (s *Store) DropRun(ctx context.Context, run string) error {
	lead, err := lockShardFile(leadPath(s.path, run))
	if err != nil {
		return s.classify("drop run "+run, err)
	}
	if lead == nil {
		return fmt.Errorf("drop run %s: %w", run, faults.ErrLed)
	}
	defer lead.unlock()
	return s.transact(ctx, "drop run "+run, func(tx *sql.Tx) error {
		if _, err := findRun(ctx, tx, run); err != nil {
			return err
		}
		if _, err := s.excludeWorkers(ctx, tx, run); err != nil {
			return err
		}
		for _, table := range append([]string{"records", "pages"}, tables.RunTables...) {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE run = ?", table), run); err != nil {
				return err
			}
		}
		return nil
	})
}
