package store

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"shoal/internal/harvest"
)

// storedCorpus is the --corpus that means the run's own corpus table.
const storedCorpus = "store:"

// shardsFlag cannot be said anew even where nothing has landed: shards have rows.
const shardsFlag = "--shards"

// Contradicts compares what a run was opened with and what is given now. An input that is not given means "as stored",
// and where the corpus is read from now need not be where it was read from when the run's table was filled.
func Contradicts(stored, given harvest.Run) *Contradiction {
	fields := []struct{ name, stored, given string }{
		{"--upstream", stored.Upstream, given.Upstream},
		{"--api or --url", stored.API, given.API},
		{"host", stored.Host, given.Host},
		{"--extract", stored.Extract, given.Extract},
		{"--body", stored.Body, given.Body},
		{"--corpus", stored.Corpus, given.Corpus},
		{"--next", stored.Next, given.Next},
		{"--items", stored.Items, given.Items},
		{"--split", stored.Split, given.Split},
		{"--id", stored.ID, given.ID},
		{"--absent", stored.Absent, given.Absent},
		{shardsFlag, orUnset(stored.Shards), orUnset(given.Shards)},
	}
	for _, f := range fields {
		if f.given == "" || f.given == f.stored {
			continue
		}
		if f.name == shardsFlag && f.stored == "" {
			continue // a worker opened it; from now on it is led
		}
		if f.name == "--corpus" && (unsaidCorpus(f.given) || unsaidCorpus(f.stored)) {
			continue
		}
		return &Contradiction{Run: stored.Name, Field: f.name, Stored: f.stored, Given: f.given}
	}
	return nil
}

func unsaidCorpus(corpus string) bool { return corpus == "" || strings.HasPrefix(corpus, storedCorpus) }

// adopted is the stored run with what a later start may say anew.
func adopted(stored, given harvest.Run) harvest.Run {
	if given.Rate != "" {
		stored.Rate = given.Rate
	}
	stored.Check, stored.Wait = cmp.Or(given.Check, stored.Check), cmp.Or(given.Wait, stored.Wait)
	stored.Pack = cmp.Or(given.Pack, stored.Pack)
	if stored.Corpus == "" {
		stored.Corpus = given.Corpus
	}
	if stored.Shards == 0 {
		stored.Shards = given.Shards
	}
	return stored
}

// orUnset is a number that may not have been said.
func orUnset(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// totals is the query that adds up a run's shards rows, see Store.Totals.
func totals(schema, run string) string {
	return fmt.Sprintf(`SELECT CAST(coalesce(sum(landed), 0) AS bigint), CAST(coalesce(sum(missing), 0) AS bigint),
			CAST(coalesce(sum(skipped), 0) AS bigint), CAST(coalesce(sum(dead), 0) AS bigint),
			CAST(coalesce(sum(bytes), 0) AS bigint), CAST(coalesce(max(rejected), 0) AS bigint)
		FROM (SELECT sum(landed) AS landed, sum(missing) AS missing, sum(skipped) AS skipped, sum(dead) AS dead,
			sum(bytes) AS bytes, sum(rejected) AS rejected FROM %sshards WHERE run = %s GROUP BY "of") AS by_n`, schema, run)
}

// rowsOf is the query of Rows. Parameters: run, shard, of.
func rowsOf(schema string, parameter func(n int) string) string {
	return fmt.Sprintf(`SELECT CAST(coalesce(sum(CASE WHEN shard = %[3]s AND "of" = %[4]s THEN landed + missing + skipped + dead END), 0) AS bigint),
			CAST(coalesce(sum(landed + missing + skipped + dead), 0) AS bigint)
		FROM %[1]sshards WHERE run = %[2]s`, schema, parameter(1), parameter(2), parameter(3))
}

// landedItems is the query of Landed. The counts come first: a run of which nothing landed may have millions of other rows.
// Parameters: run, limit.
func landedItems(schema string, parameter func(n int) string) string {
	return fmt.Sprintf(`SELECT key, url, coalesce(id, '') FROM %[1]spages WHERE run = %[2]s AND outcome = 'landed'
		AND EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[2]s AND s.landed > 0) LIMIT %[3]s`, schema, parameter(1), parameter(2))
}

// redefineRun is the statement that gives a run other inputs where a worker began it and has gone without landing
// anything: a wrong path must not hold its name. Items that ended otherwise are not in the way. Parameters: run, upstream,
// api, host, extract, body, rate, corpus; an empty one leaves what is stored. now is the present instant.
func redefineRun(schema, now string, parameter func(n int) string) string {
	set := ""
	for i, column := range []string{"upstream", "api", "host", "extract", "body", "rate", "corpus"} {
		set += fmt.Sprintf("%s = coalesce(nullif(%s, ''), %s), ", column, parameter(i+2), column)
	}
	return fmt.Sprintf(`UPDATE %[1]sruns SET %[2]scorpus_items = NULL, corpus_digest = NULL, finished_at = NULL WHERE run = %[3]s
		AND EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[3]s)
		AND NOT EXISTS (SELECT 1 FROM %[1]sshards s WHERE s.run = %[3]s AND s.expires_at > %[4]s)
		AND NOT EXISTS (SELECT 1 FROM %[1]spages p WHERE p.run = %[3]s AND p.outcome = 'landed')`, schema, set, parameter(1), now)
}

// emptyRun are the statements that take what a run holds out of it, after redefineRun: rows of items that did not land,
// and their counts. A shard that nobody gave back has another
// token, so that a worker that was only silent lands nothing more. Parameter: run.
func emptyRun(schema string) []string {
	return []string{
		"DELETE FROM " + schema + "pages WHERE run = $1",
		"DELETE FROM " + schema + "records WHERE run = $1",
		"DELETE FROM " + schema + "retried WHERE run = $1",
		"DELETE FROM " + schema + "suspects WHERE run = $1",
		"UPDATE " + schema + `shards SET token = token + CASE WHEN expires_at IS NULL THEN 0 ELSE 1 END, expires_at = NULL, landed = 0, missing = 0, skipped = 0, dead = 0, rejected = 0,
			bytes = 0, crashes = 0, drained_at = NULL WHERE run = $1`,
	}
}

// redefinition are the parameters of redefineRun.
func redefinition(given harvest.Run) []any {
	return []any{given.Name, given.Upstream, given.API, given.Host, given.Extract, given.Body, given.Rate, given.Corpus}
}

// saveInputs is the statement that keeps what the table inputs has of a run. Parameters: run, next, items, split, id,
// absent, check, wait, pack, titles.
func saveInputs(schema string, parameter func(n int) string) string {
	columns := []string{"next", "items", "split", "id", "absent", `"check"`, "wait", "pack", "titles"}
	values, set := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		values[i], set[i] = parameter(i+2), column+" = excluded."+column
	}
	return fmt.Sprintf("INSERT INTO %sinputs (run, %s) VALUES (%s, %s) ON CONFLICT (run) DO UPDATE SET %s",
		schema, strings.Join(columns, ", "), parameter(1), strings.Join(values, ", "), strings.Join(set, ", "))
}

// inputsOf are the parameters of saveInputs.
func inputsOf(r harvest.Run) []any {
	return []any{r.Name, r.Next, r.Items, r.Split, r.ID, r.Absent, r.Check, r.Wait, r.Pack, r.Titles}
}

// redefined are the inputs of a run that is given others; what is not said stays.
func redefined(stored, given harvest.Run) harvest.Run {
	stored.Next, stored.Items = cmp.Or(given.Next, stored.Next), cmp.Or(given.Items, stored.Items)
	stored.Split, stored.ID, stored.Absent = cmp.Or(given.Split, stored.Split), cmp.Or(given.ID, stored.ID), cmp.Or(given.Absent, stored.Absent)
	return adopted(stored, given)
}

// relists tells whether what was enumerated for a run is void with the inputs that it is given.
func relists(stored, given harvest.Run) bool {
	other := func(stored, given string) bool { return given != "" && given != stored }
	return other(stored.Corpus, given.Corpus) || other(stored.API, given.API) || other(stored.Host, given.Host) ||
		other(stored.Next, given.Next) || other(stored.Items, given.Items)
}

// recordDigest is the statement of RecordDigest. A corpus that replaces another one has grown, so the run has more to do.
func recordDigest(schema, run, known, items, sum string) string {
	return fmt.Sprintf(`UPDATE %sruns SET corpus_items = %s, corpus_digest = %s,
			finished_at = CASE WHEN %[4]s = '' THEN finished_at END
		WHERE run = %[5]s AND coalesce(corpus_digest, '') = %[4]s`, schema, items, sum, known, run)
}
