package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/opening"
	"shoal/internal/store/internal/sqltext"
	"shoal/internal/store/internal/tables"
)

const selectRuns = `SELECT run, upstream, api, host, extract, body, rate, corpus, coalesce(corpus_items, 0), coalesce(corpus_digest, ''),
	coalesce(shards, 0), coalesce(base_run, ''), generation::text, bucket_bits, opened_at, finished_at,
	coalesce(next, ''), coalesce(items, ''), coalesce(split, ''), coalesce(id, ''), coalesce(absent, ''), coalesce("check", ''), coalesce(wait, ''), coalesce(pack, 0), coalesce(titles, ''), version
	FROM shoal.runs LEFT JOIN shoal.inputs USING (run) `

func scanRun(row pgx.CollectableRow) (harvest.Run, error) {
	var r harvest.Run
	var finished *time.Time
	err := row.Scan(&r.Name, &r.Upstream, &r.API, &r.Host, &r.Extract, &r.Body, &r.Rate, &r.Corpus, &r.CorpusItems, &r.CorpusSum,
		&r.Shards, &r.Base, &r.Generation, &r.BucketBits, &r.OpenedAt, &finished, &r.Next, &r.Items, &r.Split, &r.ID, &r.Absent, &r.Check, &r.Wait, &r.Pack, &r.Titles, &r.Version)
	if finished != nil {
		r.FinishedAt = finished.UTC()
	}
	r.OpenedAt = r.OpenedAt.UTC()
	return r, err
}

func findRun(ctx context.Context, q querier, name string) (harvest.Run, error) {
	rows, err := q.Query(ctx, selectRuns+"WHERE run = $1", name)
	if err != nil {
		return harvest.Run{}, err
	}
	run, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return harvest.Run{}, store.ErrNoRun
	}
	return run, err
}

// FindRun implements [store.Runs].
func (p *Store) FindRun(ctx context.Context, name string) (harvest.Run, error) {
	run, err := findRun(ctx, p.pool, name)
	return run, classify("find run "+name, err)
}

// ListRuns implements [store.Runs].
func (p *Store) ListRuns(ctx context.Context) ([]harvest.Run, error) {
	rows, err := p.pool.Query(ctx, selectRuns+"ORDER BY opened_at DESC, run DESC")
	if err != nil {
		return nil, classify("list the runs", err)
	}
	runs, err := pgx.CollectRows(rows, scanRun)
	return runs, classify("list the runs", err)
}

// OpenRun implements [store.Runs].
func (p *Store) OpenRun(ctx context.Context, given harvest.Run) (run harvest.Run, opened bool, err error) {
	if err := harvest.CheckRunName(given.Name); err != nil {
		return harvest.Run{}, false, err
	}
	run, err = findRun(ctx, p.pool, given.Name)
	if errors.Is(err, store.ErrNoRun) {
		err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) (err error) {
			run, opened, err = p.createRun(ctx, tx, given)
			return err
		})
	}
	if codeOf(err) == codePrivilege {
		return run, false, fmt.Errorf("open run %s: role %s may not make its partitions (%w): let the owner of shoal.pages open the run once, with the same command or `coordinator run`",
			given.Name, p.config.User, err)
	}
	if err != nil {
		return run, false, classify("open run "+given.Name, err)
	}
	if opened {
		return run, true, nil
	}
	if given.Extract != "" && given.Extract != run.Extract {
		var former bool
		err := p.pool.QueryRow(ctx, dialect.IsFormer(), run.Name, given.Extract).Scan(&former)
		if given = opening.AsNow(given, former); err != nil {
			return run, false, classify("open run "+given.Name, err)
		}
	}
	if contradiction := harvest.Contradicts(run, given); contradiction != nil {
		if !contradiction.Redefinable() {
			return run, false, contradiction
		}
		return p.redefine(ctx, run, given, contradiction)
	}
	run, err = p.adopt(ctx, run, given)
	return run, false, classify("open run "+given.Name, err)
}

// redefine gives the run the inputs that contradict the stored ones, if nothing of it has landed.
func (p *Store) redefine(ctx context.Context, stored, given harvest.Run, contradiction error) (harvest.Run, bool, error) {
	var done bool
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if err := excludeLeader(ctx, tx, given.Name); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, dialect.RedefineRun(), sqltext.Redefinition(given)...)
		if done = err == nil && tag.RowsAffected() > 0; !done {
			return err
		}
		for _, statement := range append(dialect.EmptyRun(), "UPDATE shoal.runs SET generation = gen_random_uuid() WHERE run = $1") {
			if _, err := tx.Exec(ctx, statement, given.Name); err != nil {
				return err
			}
		}
		if opening.Relists(stored, given) {
			for _, table := range []string{"corpus", "chains"} {
				if _, err := tx.Exec(ctx, "DELETE FROM shoal."+table+" WHERE run = $1", given.Name); err != nil {
					return err
				}
			}
		}
		_, err = tx.Exec(ctx, dialect.SaveInputs(), sqltext.InputsOf(opening.Redefined(stored, given))...)
		return err
	})
	if !done && (err == nil || errors.Is(err, faults.ErrLed)) {
		return stored, false, contradiction
	}
	if err != nil {
		return stored, false, classify("open run "+given.Name, err)
	}
	run, err := findRun(ctx, p.pool, given.Name)
	return run, true, classify("open run "+given.Name, err)
}

// createRun makes the run's partitions and then its row. The partitions are made as tables of their
// own and attached, because making them in place would lock out all readers of all runs; under a
// lock, because two makers would collide.
func (p *Store) createRun(ctx context.Context, tx pgx.Tx, given harvest.Run) (harvest.Run, bool, error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", ddlLock); err != nil {
		return given, false, err
	}
	for _, parent := range []string{"pages", "records"} {
		if err := createPartition(ctx, tx, parent, given.Name); err != nil {
			return given, false, fmt.Errorf("make the partition of %s: %w", parent, err)
		}
	}
	tag, err := tx.Exec(ctx, `INSERT INTO shoal.runs (run, upstream, api, host, extract, body, rate, corpus, shards, version, base_run)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, 0), $10, nullif($11, '')) ON CONFLICT DO NOTHING`,
		given.Name, given.Upstream, given.API, given.Host, given.Extract, given.Body, given.Rate, given.Corpus, given.Shards, p.version, given.Base)
	opened := err == nil && tag.RowsAffected() == 1
	if opened {
		_, err = tx.Exec(ctx, dialect.SaveInputs(), sqltext.InputsOf(given)...)
	}
	if err != nil {
		return given, false, err
	}
	run, err := findRun(ctx, tx, given.Name)
	return run, opened, err
}

func createPartition(ctx context.Context, tx pgx.Tx, parent, run string) error {
	table := pgx.Identifier{"shoal", parent + "_" + run}.Sanitize()
	var attached bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = $1::regclass AND c.relname = $2)`, "shoal."+parent, parent+"_"+run).Scan(&attached)
	if err != nil || attached {
		return err
	}
	// A run's name holds nothing that needs quoting inside a literal.
	_, err = tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %[1]s (LIKE shoal.%[2]s INCLUDING ALL);
		ALTER TABLE shoal.%[2]s ATTACH PARTITION %[1]s FOR VALUES IN ('%[3]s')`, table, parent, run))
	return err
}

// adopt stores what a later start may change: the operator's rate, and the corpus if none was
// known.
func (p *Store) adopt(ctx context.Context, stored, given harvest.Run) (harvest.Run, error) {
	next := opening.Adopted(stored, given)
	if next == stored {
		return stored, nil
	}
	_, err := p.pool.Exec(ctx, "UPDATE shoal.runs SET rate = $2, corpus = $3, shards = nullif($4, 0) WHERE run = $1", next.Name, next.Rate, next.Corpus, next.Shards)
	if err == nil {
		_, err = p.pool.Exec(ctx, dialect.SaveInputs(), sqltext.InputsOf(next)...)
	}
	return next, err
}

// RecordDigest implements [store.Corpus].
func (p *Store) RecordDigest(ctx context.Context, run, known string, items int64, sum string) (recorded bool, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, dialect.RecordDigest(), run, known, items, sum)
		if recorded = err == nil && tag.RowsAffected() == 1; !recorded || known == "" {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE shoal.shards SET drained_at = NULL WHERE run = $1", run)
		return err
	})
	if err == nil && !recorded {
		_, err = findRun(ctx, p.pool, run)
	}
	return recorded, classify("record the corpus of run "+run, err)
}

// NewGeneration implements [store.Mirrors].
func (p *Store) NewGeneration(ctx context.Context, run string) error {
	tag, err := p.pool.Exec(ctx, "UPDATE shoal.runs SET generation = gen_random_uuid() WHERE run = $1", run)
	return classify("begin a new generation of run "+run, faults.OneRow(tag.RowsAffected(), err))
}

// Totals implements [store.Counts].
func (p *Store) Totals(ctx context.Context, run string) (harvest.Counts, error) {
	var c harvest.Counts
	err := p.pool.QueryRow(ctx, dialect.Totals(), run).Scan(&c.Landed, &c.Missing, &c.Skipped, &c.Dead, &c.Bytes, &c.Rejected, &c.PutBack)
	return c, classify("add up run "+run, err)
}

// Fingerprint implements [store.Keeper].
func (p *Store) Fingerprint(ctx context.Context, run string) (string, error) {
	gen, err := p.fingerprint(ctx, p.pool, run)
	return gen, classify("fingerprint run "+run, err)
}

// fingerprint reads the three parts on any connection. The timeline is that of the segment being
// written: the control file lags behind a promotion until the next checkpoint. A standby writes no
// segment, so there it comes from the control file.
func (p *Store) fingerprint(ctx context.Context, q querier, run string) (string, error) {
	var generation, timeline string
	var oid uint32
	err := q.QueryRow(ctx, `SELECT generation::text,
			CASE WHEN pg_is_in_recovery() THEN (SELECT lpad(to_hex(timeline_id), 8, '0') FROM pg_control_checkpoint())
				ELSE lower(left(pg_walfile_name(pg_current_wal_lsn()), 8)) END,
			coalesce(to_regclass($2)::oid, 0)
		FROM shoal.runs WHERE run = $1`, run, pgx.Identifier{"shoal", "pages_" + run}.Sanitize()).Scan(&generation, &timeline, &oid)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", store.ErrNoRun
	}
	if err != nil {
		return "", err
	}
	return tables.Fingerprint(generation, timeline, strconv.FormatUint(uint64(oid), 10)), nil
}
