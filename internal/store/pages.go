package store

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"shoal/internal/harvest"
)

// Pages are what came back for the items of a run, one page for each item that has ended.
type Pages interface {
	// Known reports for each key whether its item has ended in this run, in one query.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Landed returns up to limit items of the run whose page landed, in no order: the upstream is
	// known to serve them.
	Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error)
	// Keys yields the keys of all ended items, in no order. It stops after the first error.
	Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error]
	// Export calls each for every row of one snapshot, ordered by key and ordinal, one row in
	// memory at a time. It stops at the first error that each returns.
	Export(ctx context.Context, q Query, each func(Row) error) error
}

// Some returns the first pages of the run that ended in a way, at most so many, without bodies.
func Some(ctx context.Context, from Pages, run string, outcome harvest.Outcome, most int) (pages []harvest.Page, err error) {
	query := Query{Run: run, What: PageRows, Outcomes: []harvest.Outcome{outcome}, Limit: most}
	err = from.Export(ctx, query, func(row Row) error {
		page := row.Page
		page.Body, page.Raw = nil, nil
		pages = append(pages, page)
		return nil
	})
	return pages, err
}

// Counts are the numbers of a run.
type Counts interface {
	// Totals adds up all shards rows of the run. A key counts in the one row whose worker landed
	// it, whatever N that worker had, so the outcomes of all rows together are those of the run.
	// Each pass over the corpus meets rejected lines again: that count is the largest that one N
	// has seen. Items that are put back are not counted until their new outcome lands.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
	// CountOutcomes counts the pages of the run by outcome, reason and status, the most first.
	CountOutcomes(ctx context.Context, run string, outcomes []harvest.Outcome) ([]OutcomeCount, error)
	// ListShards returns the shards of the run that a worker has ever held, by N and index, with
	// the counters of the landings: it reads no page.
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
}

// OutcomeCount is how many items ended in one way.
type OutcomeCount struct {
	Outcome harvest.Outcome
	Reason  string
	Status  int
	Items   int64
	PutBack int64 // of them: they are asked for again, and this is their outcome of before
}

// What selects which rows Export yields.
type What string

// What can be exported.
const (
	PageRows   What = "pages"
	RecordRows What = "records"
)

// Query selects rows for Export.
type Query struct {
	Run      string
	What     What
	Outcomes []harvest.Outcome // of pages; none means all. Records belong to landed pages only.
	Reason   string            // of pages; empty means any
	Status   int               // of pages; 0 means any
	Key      *harvest.Key      // of one item; nil means any
	ID       string            // of pages, as the corpus has it; empty means any
	URL      string            // of pages, canonical; empty means any. No index helps: for one look
	Limit    int               // rows; 0 means all
	Latest   bool              // pages: the newest first, without their bodies; else by key
}

// Check refuses a query for what cannot be exported.
func (q Query) Check() error {
	if q.What != PageRows && q.What != RecordRows {
		return fmt.Errorf("export %q of run %s: want %s or %s", q.What, q.Run, PageRows, RecordRows)
	}
	return nil
}

// Losses reports whether only items that did not land are asked for.
func Losses(outcomes []harvest.Outcome) bool {
	return len(outcomes) > 0 && !slices.Contains(outcomes, harvest.Landed)
}

// Selects reports whether the rows of a page are among those of the query, whose limit is not
// counted here.
func (q Query) Selects(p harvest.Page) bool {
	if q.Key != nil && p.Key != *q.Key {
		return false
	}
	return q.What == RecordRows || (len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, p.Outcome)) &&
		(q.Reason == "" || q.Reason == p.Reason) && (q.Status == 0 || q.Status == p.Status) &&
		(q.ID == "" || q.ID == p.ID) && (q.URL == "" || q.URL == p.URL)
}

// Row is one exported row. For [RecordRows], Page holds only Key, URL and ID of the page that the
// record is from.
type Row struct {
	Page   harvest.Page
	Record harvest.Record
}
