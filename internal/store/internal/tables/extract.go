package tables

import (
	"shoal/internal/harvest"
	"shoal/internal/store"
)

// MarkWorked is the ordinal of the staged row that marks a page without a record.
const MarkWorked = -1

// ReasonExtractFailed is the reason of an upstream for a page whose records could not be made.
const ReasonExtractFailed = "extract_failed"

// MaxBodies is how many bytes of bodies ExtractBodies returns at most, except for the last of them.
const MaxBodies = 64 << 20

// Extractable counts the pages of a run that landed or were skipped, all of which may have a body.
func Extractable(shards []harvest.ShardState) (pages int64) {
	for _, s := range shards {
		pages += s.Counts.Landed + s.Counts.Skipped
	}
	return pages
}

// ExtractedPages gives extracted records the form in which the landing code takes them.
func ExtractedPages(batch []store.Extracted) []harvest.Page {
	pages := make([]harvest.Page, len(batch))
	for i := range batch {
		pages[i] = harvest.Page{Key: batch[i].Key, Records: batch[i].Records}
		if batch[i].Worked && len(batch[i].Records) == 0 {
			pages[i].Records = []harvest.Record{{Ordinal: MarkWorked, Data: []byte("null")}}
		}
	}
	return pages
}
