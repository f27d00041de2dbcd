package sqltext

import (
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

// Totals is the query that adds up a run's shards rows, see Store.Totals. An item that is put back
// keeps its row and is not done. CROSS JOIN makes SQLite begin with the few rows of retried: it
// would read every page of the run instead.
func (d Dialect) Totals() string {
	schema, run := d.Schema, d.Parameter(1)
	done := func(outcome harvest.Outcome) string {
		return fmt.Sprintf(`CAST(coalesce(sum(%[1]s), 0) - (SELECT count(*) FROM %[2]sretried r CROSS JOIN %[2]spages p
			WHERE r.run = %[3]s AND p.run = r.run AND p.key = r.key AND p.outcome = '%[1]s') AS bigint)`, outcome, schema, run)
	}
	return fmt.Sprintf(`SELECT CAST(coalesce(sum(landed), 0) AS bigint), %s, %s, %s,
			CAST(coalesce(sum(bytes), 0) AS bigint), CAST(coalesce(max(rejected), 0) AS bigint),
			(SELECT count(*) FROM %[4]sretried WHERE run = %[5]s)
		FROM (SELECT sum(landed) AS landed, sum(missing) AS missing, sum(skipped) AS skipped, sum(dead) AS dead,
			sum(bytes) AS bytes, sum(rejected) AS rejected FROM %[4]sshards WHERE run = %[5]s GROUP BY "of") AS by_n`,
		done(harvest.Missing), done(harvest.Skipped), done(harvest.Dead), schema, run)
}

// LandedItems returns the query of Landed. The counts come first: a run in which nothing landed may
// have millions of other rows. Parameters: run, limit.
func (d Dialect) LandedItems() string {
	schema, parameter := d.Schema, d.Parameter
	return fmt.Sprintf(`SELECT key, url, coalesce(id, '') FROM %[1]spages WHERE run = %[2]s AND outcome = 'landed'
		AND EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[2]s AND s.landed > 0) LIMIT %[3]s`, schema, parameter(1), parameter(2))
}

// RedefineRun returns the statement that gives a run other inputs if a worker began it and has gone
// without landing anything: a wrong path must not hold its name. Items that ended otherwise are not
// in the way. Parameters: run, upstream, api, host, extract, body, rate, corpus; an empty one
// leaves what is stored. now is the present instant.
func (d Dialect) RedefineRun() string {
	schema, now, parameter := d.Schema, d.Now(9), d.Parameter
	set := ""
	for i, column := range []string{"upstream", "api", "host", "extract", "body", "rate", "corpus"} {
		set += fmt.Sprintf("%s = coalesce(nullif(%s, ''), %s), ", column, parameter(i+2), column)
	}
	return fmt.Sprintf(`UPDATE %[1]sruns SET %[2]scorpus_items = NULL, corpus_digest = NULL, finished_at = NULL WHERE run = %[3]s
		AND EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[3]s)
		AND NOT EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[3]s AND s.expires_at > %[4]s)
		AND NOT EXISTS (SELECT 1 FROM %[1]spages p WHERE p.run = %[3]s AND p.outcome = 'landed')`, schema, set, parameter(1), now)
}

// EmptyRun returns the statements that remove the contents of a run, after redefineRun: rows of
// items that did not land, and their counts. A shard that was not given back gets another token, so
// that a worker that was only silent lands nothing more. Parameter: run.
func (d Dialect) EmptyRun() []string {
	schema := d.Schema
	return []string{
		"DELETE FROM " + schema + "pages WHERE run = $1",
		"DELETE FROM " + schema + "records WHERE run = $1",
		"DELETE FROM " + schema + "retried WHERE run = $1",
		"DELETE FROM " + schema + "suspects WHERE run = $1",
		"UPDATE " + schema + `shards SET token = token + CASE WHEN expires_at IS NULL THEN 0 ELSE 1 END, expires_at = NULL, landed = 0, missing = 0, skipped = 0, dead = 0, rejected = 0,
			bytes = 0, crashes = 0, drained_at = NULL WHERE run = $1`,
	}
}

// Redefinition are the parameters of redefineRun.
func Redefinition(given harvest.Run) []any {
	return []any{given.Name, given.Upstream, given.API, given.Host, given.Extract, given.Body, given.Rate, given.Corpus}
}

// SaveInputs is the statement that keeps what the table inputs has of a run. Parameters: run, next,
// items, split, id, absent, check, wait, pack, titles.
func (d Dialect) SaveInputs() string {
	schema, parameter := d.Schema, d.Parameter
	columns := []string{"next", "items", "split", "id", "absent", `"check"`, "wait", "pack", "titles"}
	values, set := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		values[i], set[i] = parameter(i+2), column+" = excluded."+column
	}
	return fmt.Sprintf("INSERT INTO %sinputs (run, %s) VALUES (%s, %s) ON CONFLICT (run) DO UPDATE SET %s",
		schema, strings.Join(columns, ", "), parameter(1), strings.Join(values, ", "), strings.Join(set, ", "))
}

// InputsOf are the parameters of saveInputs.
func InputsOf(r harvest.Run) []any {
	return []any{r.Name, r.Next, r.Items, r.Split, r.ID, r.Absent, r.Check, r.Wait, r.Pack, r.Titles}
}

// RecordDigest is the statement of RecordDigest. A corpus that replaces another one has grown, so
// the run has more to do.
func (d Dialect) RecordDigest() string {
	schema, run, known, items, sum := d.Schema, d.Parameter(1), d.Parameter(2), d.Parameter(3), d.Parameter(4)
	return fmt.Sprintf(`UPDATE %sruns SET corpus_items = %s, corpus_digest = %s,
			finished_at = CASE WHEN %[4]s = '' THEN finished_at END
		WHERE run = %[5]s AND coalesce(corpus_digest, '') = %[4]s`, schema, items, sum, known, run)
}
