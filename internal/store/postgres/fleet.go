package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// Control implements [store.Controls].
func (p *Store) Control(ctx context.Context, run string) (c harvest.Control, err error) {
	var hold, silence float64
	var at, lifted, drain, done *time.Time
	err = p.pool.QueryRow(ctx, `SELECT coalesce(c.rate, ''), coalesce(c.by, ''), CASE WHEN c.by IS NOT NULL THEN c.at END, coalesce(r.drain_by, ''), r.drain_at, r.finished_at,
			coalesce(CASE WHEN c.hold_until = 'infinity' THEN -1 ELSE greatest(0, extract(epoch FROM c.hold_until - clock_timestamp())) END, 0)::float8,
			coalesce(greatest(0, extract(epoch FROM c.until - clock_timestamp())), 0)::float8, c.lifted_at
		FROM shoal.runs r LEFT JOIN shoal.control c ON c.host = r.host WHERE r.run = $1`, run).
		Scan(&c.Rate, &c.By, &at, &c.DrainBy, &drain, &done, &hold, &silence, &lifted)
	c.Silence, c.Lifted = holdOf(silence), orZero(lifted)
	c.At, c.DrainAt, c.Done, c.Hold = orZero(at), orZero(drain), orZero(done), holdOf(hold)
	return c, classify("read the orders for run "+run, noRun(err))
}

// holdOf makes a hold of its seconds, which are negative if it has no end.
func holdOf(seconds float64) time.Duration {
	if seconds < 0 {
		return harvest.Forever
	}
	return time.Duration(seconds * float64(time.Second))
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// SetRate implements [store.Controls].
func (p *Store) SetRate(ctx context.Context, host, rate, by string) error {
	_, err := p.pool.Exec(ctx, `INSERT INTO shoal.control (host, rate, by, at) VALUES ($1, $2, $3, clock_timestamp())
		ON CONFLICT (host) DO UPDATE SET rate = excluded.rate, by = excluded.by, at = excluded.at`, host, rate, by)
	return classify("keep the rate of "+host, err)
}

// Hold implements [store.Controls].
func (p *Store) Hold(ctx context.Context, host string, length time.Duration, by string) error {
	until := "clock_timestamp() + $3::interval"
	switch {
	case length == 0:
		until = "CASE WHEN $3::interval IS NOT NULL THEN NULL::timestamptz END"
	case length < 0:
		until = "CASE WHEN $3::interval IS NOT NULL THEN 'infinity'::timestamptz END"
	}
	_, err := p.pool.Exec(ctx, `INSERT INTO shoal.control (host, hold_until, by, at) VALUES ($1, `+until+`, $2, clock_timestamp())
		ON CONFLICT (host) DO UPDATE SET hold_until = excluded.hold_until, by = excluded.by, at = excluded.at`, host, by, length)
	return classify("keep the hold of "+host, err)
}

// Silence implements [store.Silences].
func (p *Store) Silence(ctx context.Context, host string, length time.Duration) error {
	_, err := p.pool.Exec(ctx, `INSERT INTO shoal.control AS c (host, until) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (host) DO UPDATE SET until = greatest(c.until, excluded.until)`, host, length)
	return classify("keep the silence of "+host, err)
}

// Lift implements [store.Silences].
func (p *Store) Lift(ctx context.Context, host, by string) error {
	_, err := p.pool.Exec(ctx, `INSERT INTO shoal.control (host, by, at, lifted_at) VALUES ($1, $2, clock_timestamp(), clock_timestamp())
		ON CONFLICT (host) DO UPDATE SET until = NULL, lifted_at = excluded.lifted_at, by = excluded.by, at = excluded.at`, host, by)
	return classify("end the silence of "+host, err)
}

// RequestDrain implements [store.Controls].
func (p *Store) RequestDrain(ctx context.Context, run, by string) error {
	tag, err := p.pool.Exec(ctx, `UPDATE shoal.runs SET drain_by = nullif($2, ''), drain_at = CASE WHEN $2 <> '' THEN clock_timestamp() END
		WHERE run = $1`, run, by)
	return classify("keep that run "+run+" is drained", faults.OneRow(tag.RowsAffected(), err))
}

// ListShards implements [store.Counts].
func (p *Store) ListShards(ctx context.Context, run string) ([]harvest.ShardState, error) {
	shards, err := p.listShards(ctx, p.pool, run)
	return shards, classify("list the shards of run "+run, err)
}

func (p *Store) listShards(ctx context.Context, q querier, run string) ([]harvest.ShardState, error) {
	rows, err := q.Query(ctx, `SELECT shard, of, coalesce(owner, ''), expires_at IS NOT NULL, coalesce(expires_at < clock_timestamp(), false),
			CASE WHEN expires_at IS NULL THEN 0 ELSE extract(epoch FROM clock_timestamp() - renewed_at) END::float8,
			landed, missing, skipped, dead, rejected, bytes, drained_at
		FROM shoal.shards WHERE run = $1 ORDER BY of, shard`, run)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s harvest.ShardState, err error) {
		var silent *float64
		var drained *time.Time
		c := &s.Counts
		err = row.Scan(&s.Shard.Index, &s.Shard.Of, &s.Owner, &s.Held, &s.Lapsed, &silent, &c.Landed, &c.Missing, &c.Skipped, &c.Dead, &c.Rejected, &c.Bytes, &drained)
		if silent != nil {
			s.Silent = time.Duration(*silent * float64(time.Second))
		}
		s.Drained = orZero(drained)
		return s, err
	})
}

// SaveWork implements [store.Work].
func (p *Store) SaveWork(ctx context.Context, w harvest.Work) error {
	stats, err := json.Marshal(w.Stats)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO shoal.work (run, worker, shard, started_at, ended_at, stats) VALUES ($1, $2, nullif($3, ''), $4, CASE WHEN $5 THEN clock_timestamp() END, $6)
		ON CONFLICT (run, worker) DO UPDATE SET shard = excluded.shard, seen_at = clock_timestamp(), ended_at = excluded.ended_at, stats = excluded.stats`,
		w.Run, w.Worker, w.Shard, w.Started, w.Ended, string(stats))
	for _, m := range w.Minutes {
		batch.Queue(`INSERT INTO shoal.sent (run, worker, minute, seconds) VALUES ($1, $2, $3, $4)
			ON CONFLICT (run, worker, minute) DO UPDATE SET seconds = excluded.seconds`, w.Run, w.Worker, m.Unix, tables.MarshalMinute(m))
	}
	for _, q := range w.Quiets {
		batch.Queue(`INSERT INTO shoal.silences (run, worker, from_at, kind, until_at, cause) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (run, worker, from_at, kind) DO UPDATE SET until_at = excluded.until_at, cause = excluded.cause`, w.Run, w.Worker, q.From, string(q.Kind), q.Until, q.Cause)
	}
	return classify("keep what "+w.Worker+" does", p.pool.SendBatch(ctx, batch).Close())
}

// ListQuiets implements [store.Work].
func (p *Store) ListQuiets(ctx context.Context, run string, limit int) ([]harvest.Quiet, error) {
	rows, err := p.pool.Query(ctx, "SELECT from_at, until_at, kind, cause FROM shoal.silences WHERE run = $1 ORDER BY from_at DESC, worker, kind LIMIT $2", run, limit)
	if err != nil {
		return nil, classify("list the silences of run "+run, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (q harvest.Quiet, err error) {
		err = row.Scan(&q.From, &q.Until, &q.Kind, &q.Cause)
		q.From, q.Until = q.From.UTC(), q.Until.UTC()
		return q, err
	})
	return all, classify("list the silences of run "+run, err)
}

// ListWork implements [store.Work].
func (p *Store) ListWork(ctx context.Context, run string) ([]harvest.Work, error) {
	rows, err := p.pool.Query(ctx, `SELECT run, worker, coalesce(shard, ''), started_at, seen_at, ended_at IS NOT NULL, stats::text
		FROM shoal.work WHERE run = $1 ORDER BY started_at, worker`, run)
	if err != nil {
		return nil, classify("list the work of run "+run, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w harvest.Work, err error) {
		var stats string
		if err := row.Scan(&w.Run, &w.Worker, &w.Shard, &w.Started, &w.Seen, &w.Ended, &stats); err != nil {
			return w, err
		}
		w.Started, w.Seen = w.Started.UTC(), w.Seen.UTC()
		return w, json.Unmarshal([]byte(stats), &w.Stats)
	})
	return all, classify("list the work of run "+run, err)
}

// ListMinutes implements [store.Work].
func (p *Store) ListMinutes(ctx context.Context, run string, since int64) ([]harvest.Minute, error) {
	rows, err := p.pool.Query(ctx, "SELECT minute, seconds::text FROM shoal.sent WHERE run = $1 AND minute >= $2 ORDER BY minute", run, since)
	if err != nil {
		return nil, classify("list the minutes of run "+run, err)
	}
	var all tables.Minutes
	var minute int64
	var seconds string
	_, err = pgx.ForEachRow(rows, []any{&minute, &seconds}, func() error { return all.AddRow(minute, []byte(seconds)) })
	return all, classify("list the minutes of run "+run, err)
}

// FinishRun implements [store.Lifecycle].
func (p *Store) FinishRun(ctx context.Context, run string) (finished bool, err error) {
	err = p.pool.QueryRow(ctx, `UPDATE shoal.runs SET finished_at = CASE WHEN EXISTS (
			SELECT FROM shoal.shards WHERE run = $1 AND drained_at IS NOT NULL GROUP BY of HAVING count(*) = of)
			THEN coalesce(finished_at, clock_timestamp()) END
		WHERE run = $1 RETURNING finished_at IS NOT NULL`, run).Scan(&finished)
	return finished, classify("finish run "+run, noRun(err))
}

// PutBack implements [store.Retries].
func (p *Store) PutBack(ctx context.Context, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error) {
	var back tables.PutBack
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		back = tables.PutBack{}
		shards, err := p.excludeWorkers(ctx, tx, run)
		if err != nil {
			return err
		}
		if err := p.choose(ctx, tx, run, outcomes, wanted, &back); err != nil || len(back.Keys) == 0 {
			return err
		}
		if err := p.rewind(ctx, tx, run, &back); err != nil {
			return err
		}
		for chunk := range slices.Chunk(back.Keys, keysAtOnce) {
			if _, err := tx.Exec(ctx, "DELETE FROM shoal.suspects WHERE run = $1 AND key = ANY ($2::uuid[])", run, uuids(chunk)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO shoal.retried (run, key) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING", run, uuids(chunk)); err != nil {
				return err
			}
		}
		for _, s := range back.Owners(shards) {
			if _, err := tx.Exec(ctx, "UPDATE shoal.shards SET drained_at = NULL WHERE run = $1 AND shard = $2 AND of = $3", run, s.Index, s.Of); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "UPDATE shoal.runs SET generation = gen_random_uuid(), finished_at = NULL WHERE run = $1", run)
		return err
	})
	return back.Counts, classify("put items of run "+run+" back", err)
}

// Reopen implements [store.Lifecycle].
func (p *Store) Reopen(ctx context.Context, run string) error {
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "UPDATE shoal.runs SET generation = gen_random_uuid(), finished_at = NULL WHERE run = $1", run)
		if err := faults.OneRow(tag.RowsAffected(), err); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE shoal.shards SET drained_at = NULL WHERE run = $1", run)
		return err
	})
	return classify("open run "+run+" again", err)
}

// keysAtOnce is how many keys one statement takes.
const keysAtOnce = 5000

func (p *Store) choose(ctx context.Context, tx pgx.Tx, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool, back *tables.PutBack) error {
	rows, err := tx.Query(ctx, `SELECT key, url, coalesce(id, ''), outcome, coalesce(status, 0), coalesce(reason, '') FROM shoal.pages
		WHERE run = $1 AND outcome = ANY($2)`, run, tables.Words(outcomes))
	if err != nil {
		return err
	}
	var page harvest.Page
	var key [16]byte
	_, err = pgx.ForEachRow(rows, []any{&key, &page.URL, &page.ID, &page.Outcome, &page.Status, &page.Reason}, func() error {
		if page.Key = key; wanted(page) {
			back.Add(page)
		}
		return nil
	})
	return err
}

func (p *Store) rewind(ctx context.Context, tx pgx.Tx, run string, back *tables.PutBack) error {
	rows, err := tx.Query(ctx, "SELECT seed, step FROM shoal.chains WHERE run = $1", run)
	if err != nil {
		return err
	}
	chains, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c harvest.Chain, err error) {
		return c, row.Scan(&c.Seed, &c.Step)
	})
	if err != nil {
		return err
	}
	for _, seed := range back.Rewind(chains) {
		if _, err := tx.Exec(ctx, dialect.RewindChain(), run, seed); err != nil {
			return err
		}
	}
	return nil
}

// DropRun implements [store.Lifecycle]. It detaches partitions first: to drop them in place would
// lock out all readers of all runs for as long as it takes.
func (p *Store) DropRun(ctx context.Context, run string) error {
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", ddlLock); err != nil {
			return err
		}
		if _, err := findRun(ctx, tx, run); err != nil {
			return err
		}
		if _, err := p.excludeWorkers(ctx, tx, run); err != nil {
			return err
		}
		if err := excludeLeader(ctx, tx, run); err != nil {
			return err
		}
		for _, parent := range []string{"pages", "records"} {
			table := pgx.Identifier{"shoal", parent + "_" + run}.Sanitize()
			if _, err := tx.Exec(ctx, "ALTER TABLE shoal."+parent+" DETACH PARTITION "+table); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DROP TABLE "+table); err != nil {
				return err
			}
		}
		for _, table := range tables.RunTables {
			if _, err := tx.Exec(ctx, "DELETE FROM shoal."+table+" WHERE run = $1", run); err != nil {
				return err
			}
		}
		return nil
	})
	return classify("drop run "+run, err)
}

// excludeLeader prevents every process from leading the run until the transaction ends. The server
// may take a moment to notice that a leader has gone.
func excludeLeader(ctx context.Context, tx pgx.Tx, run string) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '2s'"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", leadLock(run))
	if codeOf(err) == codeLockTimeout {
		return faults.ErrLed
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "SET LOCAL lock_timeout = DEFAULT")
	return err
}

// noRun makes ErrNoRun of a query that met no run.
func noRun(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return store.ErrNoRun
	}
	return err
}

func uuids(keys []harvest.Key) []pgtype.UUID {
	all := make([]pgtype.UUID, len(keys))
	for i, key := range keys {
		all[i] = uuid(key)
	}
	return all
}
