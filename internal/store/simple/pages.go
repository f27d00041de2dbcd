package simple

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

// Scanner is all that [Pages] asks of a store.
type Scanner interface {
	// Scan calls each for every page of one snapshot, in order of key, with its records in order of
	// their ordinals. putBack reports whether the item is to be fetched again. It stops at the
	// first error that each returns, and fails with [store.ErrNoRun] without the run.
	Scan(ctx context.Context, run string, each func(page harvest.Page, putBack bool) error) error
	// ListShards is that of [store.Counts].
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
}

// Pages derives [store.Pages], the counts of [store.Counts] and the bodies of [store.Extraction]
// from one scan. A store embeds it, and writes itself what a scan is too slow for.
type Pages struct{ Of Scanner }

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// scan is Scan for those to whom a run that is not there is empty.
func (p Pages) scan(ctx context.Context, run string, each func(page harvest.Page, putBack bool) error) error {
	err := p.Of.Scan(ctx, run, each)
	if errors.Is(err, errEnough) || errors.Is(err, store.ErrNoRun) {
		return nil
	}
	return err
}

// Known implements [store.Pages].
func (p Pages) Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error) {
	found := map[harvest.Key]bool{}
	err := p.scan(ctx, run, func(page harvest.Page, putBack bool) error {
		found[page.Key] = !putBack
		return nil
	})
	return tables.AreIn(found, keys), err
}

// Keys implements [store.Pages].
func (p Pages) Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		err := p.scan(ctx, run, func(page harvest.Page, putBack bool) error {
			if !putBack && !yield(page.Key, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil {
			yield(harvest.Key{}, err)
		}
	}
}

// Landed implements [store.Pages].
func (p Pages) Landed(ctx context.Context, run string, limit int) (items []harvest.Item, err error) {
	err = p.scan(ctx, run, func(page harvest.Page, _ bool) error {
		if len(items) == limit {
			return errEnough
		}
		if page.Outcome == harvest.Landed {
			items = append(items, harvest.Item{Key: page.Key, URL: page.URL, ID: page.ID})
		}
		return nil
	})
	return items, err
}

// Export implements [store.Pages].
func (p Pages) Export(ctx context.Context, q store.Query, each func(store.Row) error) error {
	if err := q.Check(); err != nil {
		return err
	}
	if q.Latest {
		return p.latest(ctx, q, each)
	}
	n := 0
	err := p.Of.Scan(ctx, q.Run, func(page harvest.Page, _ bool) error {
		if !q.Selects(page) {
			return nil
		}
		for _, row := range rowsOf(q.What, page) {
			if err := each(row); err != nil {
				return err
			}
			if n++; n == q.Limit {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// latest is Export of pages that are not in order of their keys.
func (p Pages) latest(ctx context.Context, q store.Query, each func(store.Row) error) error {
	var all []harvest.Page
	err := p.Of.Scan(ctx, q.Run, func(page harvest.Page, _ bool) error {
		if q.Selects(page) {
			page.Body, page.Raw, page.Records = nil, nil, nil
			all = append(all, page)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b harvest.Page) int { return cmp.Or(b.FetchedAt.Compare(a.FetchedAt), b.Key.Compare(a.Key)) })
	for i := range all {
		if q.Limit > 0 && i == q.Limit {
			return nil
		}
		if err := each(store.Row{Page: all[i]}); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf returns the rows that an export has of a page.
func rowsOf(what store.What, page harvest.Page) (rows []store.Row) {
	if what == store.RecordRows {
		for _, record := range page.Records {
			rows = append(rows, store.Row{Page: harvest.Page{Key: page.Key, URL: page.URL, ID: page.ID}, Record: record})
		}
		return rows
	}
	page.Records = nil
	return []store.Row{{Page: page}}
}

// CountOutcomes implements [store.Counts].
func (p Pages) CountOutcomes(ctx context.Context, run string, outcomes []harvest.Outcome) (all []store.OutcomeCount, err error) {
	items, back := map[store.OutcomeCount]int64{}, map[store.OutcomeCount]int64{}
	err = p.scan(ctx, run, func(page harvest.Page, putBack bool) error {
		one := store.OutcomeCount{Outcome: page.Outcome, Reason: page.Reason, Status: page.Status}
		if slices.Contains(outcomes, page.Outcome) {
			items[one]++
		}
		if putBack {
			back[one]++
		}
		return nil
	})
	for one, n := range items {
		one.Items, one.PutBack = n, back[one]
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b store.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason), a.Status-b.Status)
	})
	return all, err
}

// Totals implements [store.Counts].
func (p Pages) Totals(ctx context.Context, run string) (sum harvest.Counts, err error) {
	shards, err := p.Of.ListShards(ctx, run)
	if err != nil {
		return sum, err
	}
	rejected := map[int]int64{} // by N
	for _, s := range shards {
		sum = sum.Plus(s.Counts)
		rejected[s.Shard.Of] += s.Counts.Rejected
	}
	sum.Rejected = 0
	for _, n := range rejected {
		sum.Rejected = max(sum.Rejected, n)
	}
	err = p.scan(ctx, run, func(page harvest.Page, putBack bool) error {
		if putBack {
			var one harvest.Counts
			one.Add(page.Outcome, 0)
			sum = sum.Minus(one)
			sum.PutBack++
		}
		return nil
	})
	return sum, err
}

// ExtractBodies implements [store.Extraction].
func (p Pages) ExtractBodies(ctx context.Context, run string, after harvest.Key, limit int) (bodies []store.StoredBody, err error) {
	size := 0
	err = p.scan(ctx, run, func(page harvest.Page, _ bool) error {
		if len(bodies) == limit || size >= tables.MaxBodies {
			return errEnough
		}
		if page.Key.Compare(after) > 0 && len(page.Body)+len(page.Raw) > 0 && (page.Outcome == harvest.Landed || Unextracted(page)) {
			bodies = append(bodies, store.StoredBody{Key: page.Key, URL: page.URL, ID: page.ID, MediaType: page.MediaType, Body: page.Body, Raw: page.Raw})
			size += len(page.Body) + len(page.Raw)
		}
		return nil
	})
	return bodies, err
}
