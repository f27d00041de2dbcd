package sqltext

import (
	"fmt"

	"shoal/internal/store/internal/tables"
)

// SelectBodies is the query of ExtractBodies.
func (d Dialect) SelectBodies() string {
	schema, run, after, limit := d.Schema, d.Parameter(1), d.Parameter(2), d.Parameter(3)
	return "SELECT key, url, coalesce(id, ''), coalesce(media_type, ''), body, raw FROM " + schema + "pages WHERE run = " + run +
		" AND key > " + after + " AND (outcome = 'landed' OR " + unextracted + ") AND (body IS NOT NULL OR raw IS NOT NULL) ORDER BY key LIMIT " + limit
}

// unextracted are the pages that are skipped because no expression works on them.
const unextracted = "outcome = 'skipped' AND reason = '" + tables.ReasonExtractFailed + "'"

// MoveRecords returns the statements that replace the run's records by the staged ones. Parameter:
// run.
func (d Dialect) MoveRecords() []string {
	schema, run := d.Schema, d.Parameter(1)
	const columns = "run, key, ordinal, kind, data"
	return []string{
		fmt.Sprintf("DELETE FROM %srecords WHERE run = %s", schema, run),
		fmt.Sprintf("INSERT INTO %[1]srecords (%[2]s) SELECT %[2]s FROM %[1]sextracted WHERE run = %[3]s AND ordinal > %[4]d ORDER BY key, ordinal",
			schema, columns, run, tables.MarkWorked),
	}
}

// LandExtracted is the statement that makes pages land on which the new expression works.
// Parameter: run.
func (d Dialect) LandExtracted() string {
	schema, run := d.Schema, d.Parameter(1)
	return fmt.Sprintf(`UPDATE %[1]spages SET outcome = 'landed', reason = NULL, detail = NULL
		WHERE run = %[2]s AND %[3]s AND key IN (SELECT key FROM %[1]sextracted WHERE run = %[2]s)`, schema, run, unextracted)
}

// KeepFormer is the statement that remembers what the run's records were made by before.
// Parameters: run, the new spec, now.
func (d Dialect) KeepFormer() string {
	schema, run, spec, now := d.Schema, d.Parameter(1), d.Parameter(2), d.Now(3)
	return fmt.Sprintf(`INSERT INTO %[1]sformer_extracts (run, spec, replaced_at)
		SELECT run, extract, %[4]s FROM %[1]sruns WHERE run = %[2]s AND extract NOT IN ('', %[3]s) ON CONFLICT DO NOTHING`, schema, run, spec, now)
}

// IsFormer is the query whether the run's records were made by a spec before. Parameters: run,
// spec.
func (d Dialect) IsFormer() string {
	schema, run, spec := d.Schema, d.Parameter(1), d.Parameter(2)
	return fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %sformer_extracts WHERE run = %s AND spec = %s)", schema, run, spec)
}

// CountLanded returns the statement that counts n pages as landed that were counted as skipped. It
// is not known which worker had landed which of them: the first rows that have as many give them,
// and Totals adds up. Parameters: run, n. smaller and larger name the functions for the smaller and
// the larger of two numbers.
func (d Dialect) CountLanded() string {
	schema, run, n, smaller, larger := d.Schema, d.Parameter(1), d.Parameter(2)+d.Integer, d.Smaller, d.Larger
	return fmt.Sprintf(`UPDATE %[1]sshards AS s SET landed = s.landed + m.moved, skipped = s.skipped - m.moved
		FROM (SELECT shard, "of", %[4]s(skipped, %[5]s(0, %[3]s - coalesce(sum(skipped) OVER
				(ORDER BY "of", shard ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) AS moved
			FROM %[1]sshards WHERE run = %[2]s) AS m
		WHERE s.run = %[2]s AND s.shard = m.shard AND s."of" = m."of" AND m.moved > 0`, schema, run, n, smaller, larger)
}
