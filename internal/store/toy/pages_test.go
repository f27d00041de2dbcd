package toy

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// pick returns the pages for which is holds, in order.
func (r *run) pick(is func(harvest.Page) bool) (found []harvest.Page) {
	for _, key := range slices.SortedFunc(maps.Keys(r.pages), harvest.Key.Compare) {
		if page := r.pages[key]; is(page) {
			found = append(found, page)
		}
	}
	return found
}

func landed(page harvest.Page) bool { return page.Outcome == harvest.Landed }

// unextracted reports whether a page is skipped because there is no expression that works on it.
func unextracted(page harvest.Page) bool {
	return page.Outcome == harvest.Skipped && page.Reason == "extract_failed"
}

// done are the keys of items that have ended and were not put back.
func (r *run) done() map[harvest.Key]bool {
	found := map[harvest.Key]bool{}
	for key := range r.pages {
		found[key] = !r.retried[key]
	}
	return found
}

func (p *process) Known(_ context.Context, name string, keys []harvest.Key) ([]bool, error) {
	return ask(p, name, func(r *run) []bool { return tables.AreIn(r.done(), keys) })
}
func (p *process) Landed(_ context.Context, name string, limit int) ([]harvest.Item, error) {
	return ask(p, name, func(r *run) (items []harvest.Item) {
		for _, page := range r.pick(landed) {
			items = append(items, harvest.Item{Key: page.Key, URL: page.URL, ID: page.ID})
		}
		return items[:min(limit, len(items))]
	})
}

func (p *process) Keys(_ context.Context, name string) iter.Seq2[harvest.Key, error] {
	done, _ := ask(p, name, (*run).done)
	return func(yield func(harvest.Key, error) bool) {
		for key, is := range done {
			if is && !yield(key, nil) {
				return
			}
		}
	}
}

func (p *process) Export(_ context.Context, q store.Query, each func(store.Row) error) error {
	if q.What != store.PageRows && q.What != store.RecordRows {
		return fmt.Errorf("export %q: want %s or %s", q.What, store.PageRows, store.RecordRows)
	}
	pages, err := look(p, q.Run, func(r *run) ([]harvest.Page, error) {
		return r.pick(func(page harvest.Page) bool { return fits(q, page) }), nil
	})
	var rows []store.Row
	for _, page := range pages {
		records := page.Records
		if page.Records = nil; q.What == store.PageRows {
			rows = append(rows, store.Row{Page: page})
			continue
		}
		for _, record := range records {
			rows = append(rows, store.Row{Page: harvest.Page{Key: page.Key, URL: page.URL, ID: page.ID}, Record: record})
		}
	}
	for i := 0; err == nil && i < len(rows) && (q.Limit == 0 || i < q.Limit); i++ {
		err = each(rows[i])
	}
	return err
}

func fits(q store.Query, page harvest.Page) bool {
	return (q.Key == nil || page.Key == *q.Key) && (q.What == store.RecordRows ||
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, page.Outcome)) && cmp.Or(q.Reason, page.Reason) == page.Reason &&
			cmp.Or(q.Status, page.Status) == page.Status && cmp.Or(q.ID, page.ID) == page.ID && cmp.Or(q.URL, page.URL) == page.URL)
}

// land lands a batch in a shard of which the caller has looked at the token.
func (r *run) land(row *shard, pages []harvest.Page) (counts harvest.Counts) {
	var old tables.Replaced
	for _, page := range tables.Batch(pages) {
		tables.RefuseInvalidJSON(&page)
		if page.Chain != nil {
			r.moveChain(*page.Chain)
		}
		last, there := r.pages[page.Key]
		if r.retried[page.Key] {
			old, there = append(old, last.Outcome), false
		}
		if !there {
			counts.Add(page.Outcome, tables.BodyBytes(&page))
			r.insert(page)
		}
		delete(r.retried, page.Key)
		delete(r.suspects, page.Key)
	}
	r.recount(row.Shard, old, counts)
	return counts
}

// recount replaces outcomes that the shards count by others, which the shard at counts from now on.
func (r *run) recount(at harvest.Shard, old tables.Replaced, counts harvest.Counts) {
	for shard, n := range old.Settle(at, r.states()) {
		r.shards[shard].Counts = r.shards[shard].Counts.Minus(*n)
	}
	r.shards[at].Counts = r.shards[at].Counts.Plus(counts)
}

// insert adds a page as a database would give it back.
func (r *run) insert(page harvest.Page) {
	page.Records = slices.SortedFunc(slices.Values(page.Records), func(a, b harvest.Record) int { return a.Ordinal - b.Ordinal })
	if page.Chain = nil; len(page.Raw) == 0 {
		page.Raw = nil
	}
	r.pages[page.Key] = page
}

func (p *process) Totals(_ context.Context, name string) (harvest.Counts, error) {
	return ask(p, name, func(r *run) (c harvest.Counts) {
		rejected := map[int]int64{}
		for at, row := range r.shards {
			c = c.Plus(row.Counts)
			rejected[at.Of] += row.Counts.Rejected
		}
		c.Rejected = slices.Max(append(slices.Collect(maps.Values(rejected)), 0))
		var again harvest.Counts
		for key := range r.retried {
			again.Add(r.pages[key].Outcome, 0)
		}
		c = c.Minus(again)
		c.PutBack = again.Items()
		return c
	})
}

func (p *process) CountOutcomes(_ context.Context, name string, outcomes []harvest.Outcome) ([]store.OutcomeCount, error) {
	return ask(p, name, func(r *run) (all []store.OutcomeCount) {
		counts, back := map[store.OutcomeCount]int64{}, map[store.OutcomeCount]int64{}
		for _, page := range r.pick(func(page harvest.Page) bool { return slices.Contains(outcomes, page.Outcome) }) {
			one := store.OutcomeCount{Outcome: page.Outcome, Reason: page.Reason, Status: page.Status}
			if counts[one]++; r.retried[page.Key] {
				back[one]++
			}
		}
		for one, n := range counts {
			one.Items, one.PutBack = n, back[one]
			all = append(all, one)
		}
		slices.SortFunc(all, func(a, b store.OutcomeCount) int {
			return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason), a.Status-b.Status)
		})
		return all
	})
}

func (p *process) PutBack(_ context.Context, name string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error) {
	return change(p, name, func(r *run) (counts harvest.Counts, err error) {
		var back tables.PutBack
		for _, page := range r.pick(func(page harvest.Page) bool { return slices.Contains(outcomes, page.Outcome) && wanted(page) }) {
			back.Add(page)
		}
		if err := r.excludeWorkers(); err != nil || len(back.Keys) == 0 {
			return counts, err
		}
		for _, key := range back.Keys {
			r.retried[key] = true
			delete(r.suspects, key)
		}
		for _, seed := range back.Rewind(slices.Collect(maps.Values(r.chains))) {
			r.chains[seed] = harvest.Chain{Seed: seed, Step: r.chains[seed].Step}
		}
		for _, at := range back.Owners(r.states()) {
			r.shards[at].Drained = time.Time{}
		}
		r.Generation, r.FinishedAt = rand.Text(), time.Time{}
		return back.Counts, nil
	})
}

func (p *process) Forgive(_ context.Context, name string, crashes int) (int64, error) {
	return change(p, name, func(r *run) (int64, error) {
		before, err := len(r.suspects), r.excludeWorkers()
		maps.DeleteFunc(r.suspects, func(_ harvest.Key, s suspect) bool { return err == nil && s.crashes >= crashes })
		return int64(before - len(r.suspects)), err
	})
}

// extract are records that are made again; without a spec, none are.
type extract struct {
	spec   string
	cursor harvest.Key
	ended  int // items, at its begin
	staged map[harvest.Key]store.Extracted
}

func (p *process) ExtractBegin(_ context.Context, name, spec string) (harvest.Key, error) {
	return change(p, name, func(r *run) (cursor harvest.Key, err error) {
		if err = faults.HasBodies(r.Run); err == nil {
			err = r.excludeWorkers()
		}
		if err == nil && (r.extract.spec != spec || r.extract.ended != len(r.pages)) {
			r.extract = extract{spec: spec, ended: len(r.pages), staged: map[harvest.Key]store.Extracted{}}
		}
		return r.extract.cursor, err
	})
}

func (p *process) ExtractBodies(_ context.Context, name string, after harvest.Key, limit int) ([]store.StoredBody, error) {
	return ask(p, name, func(r *run) (bodies []store.StoredBody) {
		for _, b := range r.pick(func(b harvest.Page) bool {
			return (landed(b) || unextracted(b)) && b.Key.Compare(after) > 0 && b.Body != nil
		}) {
			bodies = append(bodies, store.StoredBody{Key: b.Key, URL: b.URL, ID: b.ID, MediaType: b.MediaType, Body: b.Body, Raw: b.Raw})
		}
		return bodies[:min(limit, len(bodies))]
	})
}

func (p *process) ExtractStage(_ context.Context, name string, batch []store.Extracted, cursor harvest.Key) error {
	_, err := change(p, name, func(r *run) (any, error) {
		if r.extract.spec == "" || r.extract.cursor.Compare(cursor) >= 0 {
			return nil, faults.ErrNotNext
		}
		for _, one := range batch {
			r.extract.staged[one.Key] = one
		}
		r.extract.cursor = cursor
		return nil, nil
	})
	return err
}

func (p *process) ExtractFinish(_ context.Context, name, spec string) error {
	_, err := change(p, name, func(r *run) (any, error) {
		made := r.extract
		if err := r.excludeWorkers(); err != nil {
			return nil, err
		}
		if made.spec != spec {
			return nil, faults.ErrNotBegun
		}
		if r.extract = (extract{}); made.ended != len(r.pages) {
			return nil, faults.ErrGrown
		}
		for key, page := range r.pages {
			one := made.staged[key]
			if page.Records = one.Records; unextracted(page) && (one.Worked || len(one.Records) > 0) {
				r.recount(r.states()[0].Shard, tables.Replaced{page.Outcome}, harvest.Counts{Landed: 1})
				page.Outcome, page.Reason, page.Detail = harvest.Landed, "", ""
			}
			r.pages[key] = page
		}
		r.former[r.Extract], r.Extract = true, spec
		return nil, nil
	})
	return err
}
