package simple

import (
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// Extract are records of a run that are made again. The zero Extract is none.
type Extract struct {
	Spec   string
	Cursor harvest.Key
	Pages  int64 // of the run that may have a body, at its begin
	Staged map[harvest.Key]store.Extracted
}

// Begin begins an extraction, or resumes one with the same spec over the same pages.
func (e *Extract) Begin(spec string, pages int64) (cursor harvest.Key) {
	if e.Spec != spec || e.Pages != pages {
		*e = Extract{Spec: spec, Pages: pages, Staged: map[harvest.Key]store.Extracted{}}
	}
	return e.Cursor
}

// Stage keeps the records of one batch and moves the cursor.
func (e *Extract) Stage(batch []store.Extracted, cursor harvest.Key) error {
	if e.Spec == "" || e.Cursor.Compare(cursor) >= 0 {
		return faults.ErrNotNext
	}
	for _, one := range batch {
		e.Staged[one.Key] = one
	}
	e.Cursor = cursor
	return nil
}

// Finish ends the extraction and returns what it staged. It fails with [store.ErrBusy] if another
// one was begun, or pages landed since.
func (e *Extract) Finish(spec string, pages int64) (map[harvest.Key]store.Extracted, error) {
	made := *e
	if made.Spec != spec {
		return nil, faults.ErrNotBegun
	}
	if *e = (Extract{}); made.Pages != pages {
		return nil, faults.ErrGrown
	}
	return made.Staged, nil
}

// Unextracted reports whether a page was skipped because no records could be made of it.
func Unextracted(page harvest.Page) bool {
	return page.Outcome == harvest.Skipped && page.Reason == tables.ReasonExtractFailed
}

// Reextracted returns the page with the records that were made again. lands reports whether it was
// skipped and lands now.
func Reextracted(page harvest.Page, made store.Extracted) (again harvest.Page, lands bool) {
	page.Records = made.Records
	if lands = Unextracted(page) && (made.Worked || len(made.Records) > 0); lands {
		page.Outcome, page.Reason, page.Detail = harvest.Landed, "", ""
	}
	return page, lands
}
