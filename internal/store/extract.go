package store

import (
	"fmt"

	"shoal/internal/harvest"
)

var (
	errNotBegun = fmt.Errorf("%w: this extraction was not begun, or was begun anew by somebody else: start it again", ErrBusy)
	errNotNext  = fmt.Errorf("%w: another extraction has come further, or was begun anew", ErrBusy)
	errGrown    = fmt.Errorf("%w: pages landed while records were extracted: start the extraction again", ErrBusy)
)

// reasonExtractFailed is what an upstream gives as the reason of a page whose records could not be made.
const reasonExtractFailed = "extract_failed"

// markWorked is the ordinal of the staged row that stands for a page without a record.
const markWorked = -1

func busyShard(s harvest.Shard, owner string) error {
	if owner == "" {
		owner = "a worker"
	}
	return fmt.Errorf("%w: %s holds shard %s: stop it, or wait until it is done", ErrBusy, owner, s)
}

// mostBodies is how many bytes of bodies ExtractBodies returns at most, but for the last of them.
const mostBodies = 64 << 20

// hasBodies refuses a run that keeps nothing to extract from.
func hasBodies(run harvest.Run) error {
	if run.Body == "none" {
		return fmt.Errorf("%w: it was harvested with --body none", ErrNoBodies)
	}
	return nil
}

// selectBodies is the query of ExtractBodies.
func selectBodies(schema, run, after, limit string) string {
	return "SELECT key, url, coalesce(id, ''), coalesce(media_type, ''), body, raw FROM " + schema + "pages WHERE run = " + run +
		" AND key > " + after + " AND (outcome = 'landed' OR " + unextracted + ") AND (body IS NOT NULL OR raw IS NOT NULL) ORDER BY key LIMIT " + limit
}

// unextracted are the pages that are skipped for want of an expression that works on them.
const unextracted = "outcome = 'skipped' AND reason = '" + reasonExtractFailed + "'"

// moveRecords are the statements that put the staged records in the place of the run's. Parameter: run.
func moveRecords(schema, run string) []string {
	const columns = "run, key, ordinal, kind, data"
	return []string{
		fmt.Sprintf("DELETE FROM %srecords WHERE run = %s", schema, run),
		fmt.Sprintf("INSERT INTO %[1]srecords (%[2]s) SELECT %[2]s FROM %[1]sextracted WHERE run = %[3]s AND ordinal > %[4]d ORDER BY key, ordinal",
			schema, columns, run, markWorked),
	}
}

// landExtracted is the statement that makes pages land on which the new expression works. Parameter: run.
func landExtracted(schema, run string) string {
	return fmt.Sprintf(`UPDATE %[1]spages SET outcome = 'landed', reason = NULL, detail = NULL
		WHERE run = %[2]s AND %[3]s AND key IN (SELECT key FROM %[1]sextracted WHERE run = %[2]s)`, schema, run, unextracted)
}

// keepFormer is the statement that remembers what the run's records were made by before. Parameters: run, the new spec, now.
func keepFormer(schema, run, spec, now string) string {
	return fmt.Sprintf(`INSERT INTO %[1]sformer_extracts (run, spec, replaced_at)
		SELECT run, extract, %[4]s FROM %[1]sruns WHERE run = %[2]s AND extract NOT IN ('', %[3]s) ON CONFLICT DO NOTHING`, schema, run, spec, now)
}

// isFormer is the query whether the run's records were made by a spec before. Parameters: run, spec.
func isFormer(schema, run, spec string) string {
	return fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %sformer_extracts WHERE run = %s AND spec = %s)", schema, run, spec)
}

// asNow is the given run without an extract that is a former one.
func asNow(given harvest.Run, former bool) harvest.Run {
	if former {
		given.Extract = ""
	}
	return given
}

// countLanded is the statement that counts n pages as landed that were counted as skipped. Which worker had landed
// which of them is not known: the first rows that have as many give them, and Totals adds up. Parameters: run, n. The
// names of functions are those that give the smaller and the larger of two numbers.
func countLanded(schema, run, n, smaller, larger string) string {
	return fmt.Sprintf(`UPDATE %[1]sshards AS s SET landed = s.landed + m.moved, skipped = s.skipped - m.moved
		FROM (SELECT shard, "of", %[4]s(skipped, %[5]s(0, %[3]s - coalesce(sum(skipped) OVER
				(ORDER BY "of", shard ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) AS moved
			FROM %[1]sshards WHERE run = %[2]s) AS m
		WHERE s.run = %[2]s AND s.shard = m.shard AND s."of" = m."of" AND m.moved > 0`, schema, run, n, smaller, larger)
}

// extractedPages gives extracted records the form in which the landing code takes them.
func extractedPages(batch []Extracted) []harvest.Page {
	pages := make([]harvest.Page, len(batch))
	for i := range batch {
		pages[i] = harvest.Page{Key: batch[i].Key, Records: batch[i].Records}
		if batch[i].Worked && len(batch[i].Records) == 0 {
			pages[i].Records = []harvest.Record{{Ordinal: markWorked, Data: []byte("null")}}
		}
	}
	return pages
}
