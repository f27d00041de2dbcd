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

func busyShard(s harvest.Shard, owner string) error {
	if owner == "" {
		owner = "a worker"
	}
	return fmt.Errorf("%w: %s holds shard %s: stop it, or wait until it is done", ErrBusy, owner, s)
}

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
		" AND key > " + after + " AND outcome = 'landed' AND (body IS NOT NULL OR raw IS NOT NULL) ORDER BY key LIMIT " + limit
}

// extractedPages gives extracted records the form in which the landing code takes them.
func extractedPages(batch []Extracted) []harvest.Page {
	pages := make([]harvest.Page, len(batch))
	for i := range batch {
		pages[i] = harvest.Page{Key: batch[i].Key, Records: batch[i].Records}
	}
	return pages
}
