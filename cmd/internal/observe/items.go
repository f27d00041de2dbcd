package observe

import (
	"context"
	"errors"

	"shoal/internal/dashboard"
	"shoal/internal/harvest"
	"shoal/internal/store"
)

const (
	// maxLosses is how many ways to end without landing are shown, and examples how many items of
	// each.
	maxLosses = 12
	examples  = 3
	// maxRecords is how many records of an item are shown.
	maxRecords = 20
)

// losses are the outcomes of items that did not land.
func losses() []harvest.Outcome {
	return []harvest.Outcome{harvest.Dead, harvest.Skipped, harvest.Missing}
}

// Losses implements [dashboard.Items].
func (s *source) Losses(ctx context.Context, run string) ([]dashboard.Loss, error) {
	return ask(ctx, s, func(db *store.Store) ([]dashboard.Loss, error) {
		counts, err := db.CountOutcomes(ctx, run, losses())
		if err != nil {
			return nil, err
		}
		return lossesOf(ctx, db, run, counts[:min(len(counts), maxLosses)], examples)
	})
}

// lossesOf adds some items to each of the counts.
func lossesOf(ctx context.Context, db *store.Store, run string, counts []store.OutcomeCount, each int) (all []dashboard.Loss, err error) {
	for _, c := range counts {
		loss := dashboard.Loss{Filter: dashboard.Filter{Outcome: c.Outcome, Reason: c.Reason, Status: c.Status}, Items: c.Items, PutBack: c.PutBack}
		if loss.Examples, err = latest(ctx, db, run, loss.Filter, each); err != nil {
			return nil, err
		}
		all = append(all, loss)
	}
	return all, nil
}

// Latest implements [dashboard.Items].
func (s *source) Latest(ctx context.Context, run string, f dashboard.Filter, limit int) ([]harvest.Page, error) {
	return ask(ctx, s, func(db *store.Store) ([]harvest.Page, error) { return latest(ctx, db, run, f, limit) })
}

func latest(ctx context.Context, db *store.Store, run string, f dashboard.Filter, limit int) (pages []harvest.Page, err error) {
	query := store.Query{Run: run, What: store.PageRows, Outcomes: []harvest.Outcome{f.Outcome}, Reason: f.Reason, Status: f.Status, Latest: true, Limit: limit}
	err = db.Export(ctx, query, func(row store.Row) error {
		pages = append(pages, row.Page)
		return nil
	})
	return pages, err
}

// errEnough ends a walk over rows.
var errEnough = errors.New("enough")

// Item implements [dashboard.Items].
func (s *source) Item(ctx context.Context, run string, key harvest.Key) (dashboard.Item, error) {
	return ask(ctx, s, func(db *store.Store) (item dashboard.Item, err error) {
		err = db.Export(ctx, store.Query{Run: run, What: store.PageRows, Key: &key}, func(row store.Row) error {
			item.Page = row.Page
			return nil
		})
		if err != nil {
			return item, err
		}
		if item.Outcome == "" {
			return item, dashboard.ErrUnknown
		}
		known, err := db.Known(ctx, run, []harvest.Key{key})
		if err != nil {
			return item, err
		}
		item.Retried = !known[0]
		const most = 10_000 // records that are counted
		n := 0
		err = db.Export(ctx, store.Query{Run: run, What: store.RecordRows, Key: &key}, func(row store.Row) error {
			if n++; n <= maxRecords {
				item.Records = append(item.Records, string(row.Record.Data))
			}
			if n >= most {
				return errEnough
			}
			return nil
		})
		item.More = n - len(item.Records)
		if errors.Is(err, errEnough) {
			err = nil
		}
		return item, err
	})
}
