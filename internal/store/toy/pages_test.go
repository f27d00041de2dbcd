package toy

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
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

func (p *process) Known(_ context.Context, name string, keys []harvest.Key) ([]bool, error) {
	return ask(p, name, func(r *run) []bool { return tables.AreIn(r.done(), keys) })
}

// done are the keys of items that have ended and were not put back.
func (r *run) done() map[harvest.Key]bool {
	found := map[harvest.Key]bool{}
	for key := range r.pages {
		found[key] = !r.retried[key]
	}
	return found
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
	var rows []store.Row
	err := p.look(q.Run, func(r *run) error {
		for _, page := range r.pick(func(page harvest.Page) bool { return fits(q, page) }) {
			records := page.Records
			page.Records = nil
			if q.What == store.PageRows {
				rows = append(rows, store.Row{Page: page})
				continue
			}
			for _, record := range records {
				rows = append(rows, store.Row{Page: harvest.Page{Key: page.Key, URL: page.URL, ID: page.ID}, Record: record})
			}
		}
		if q.What != store.PageRows && q.What != store.RecordRows {
			return fmt.Errorf("export %q: want %s or %s", q.What, store.PageRows, store.RecordRows)
		}
		return nil
	})
	for i := 0; err == nil && i < len(rows) && (q.Limit == 0 || i < q.Limit); i++ {
		err = each(rows[i])
	}
	return err
}

func fits(q store.Query, page harvest.Page) bool {
	return (q.Key == nil || page.Key == *q.Key) && (q.What == store.RecordRows ||
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, page.Outcome)) && (q.Reason == "" || q.Reason == page.Reason) &&
			(q.Status == 0 || q.Status == page.Status) && (q.ID == "" || q.ID == page.ID) && (q.URL == "" || q.URL == page.URL))
}

// land lands a batch in a shard. The caller has looked at the token.
func (r *run) land(at harvest.Shard, pages []harvest.Page) (counts harvest.Counts) {
	var old tables.Replaced
	for _, page := range tables.Batch(pages) {
		if !isJSON(page) {
			page.Refuse(tables.ReasonBadJSON)
		}
		if page.Chain != nil {
			r.moveChain(*page.Chain)
		}
		last, there := r.pages[page.Key]
		if r.retried[page.Key] {
			old = append(old, last.Outcome)
		}
		if !there || r.retried[page.Key] {
			counts.Add(page.Outcome, tables.BodyBytes(&page))
			r.insert(page)
		}
		delete(r.retried, page.Key)
		delete(r.suspects, page.Key)
	}
	for shard, n := range old.Settle(at, r.states()) {
		r.shards[shard].Counts = r.shards[shard].Counts.Minus(*n)
	}
	return counts
}

// insert adds a page as a database would give it back.
func (r *run) insert(page harvest.Page) {
	page.Records = slices.SortedFunc(slices.Values(page.Records), func(a, b harvest.Record) int { return a.Ordinal - b.Ordinal })
	if page.Chain = nil; len(page.Raw) == 0 {
		page.Raw = nil
	}
	r.pages[page.Key] = page
}

func isJSON(page harvest.Page) bool {
	sound := (len(page.Body) == 0 || json.Valid(page.Body)) && (len(page.Headers) == 0 || json.Valid(page.Headers))
	for _, record := range page.Records {
		sound = sound && json.Valid(record.Data)
	}
	return sound
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
		return c.Minus(again)
	})
}

func (p *process) Rows(_ context.Context, name string, at harvest.Shard) (ofShard, ofRun int64, err error) {
	shards, err := ask(p, name, (*run).states)
	for _, s := range shards {
		if ofRun += s.Counts.Items(); s.Shard == at {
			ofShard = s.Counts.Items()
		}
	}
	return ofShard, ofRun, err
}

func (p *process) CountOutcomes(_ context.Context, name string, outcomes []harvest.Outcome) ([]store.OutcomeCount, error) {
	return ask(p, name, func(r *run) (all []store.OutcomeCount) {
		counts := map[store.OutcomeCount]int64{}
		for _, page := range r.pages {
			if slices.Contains(outcomes, page.Outcome) {
				counts[store.OutcomeCount{Outcome: page.Outcome, Reason: page.Reason, Status: page.Status}]++
			}
		}
		for one, n := range counts {
			one.Items = n
			all = append(all, one)
		}
		slices.SortFunc(all, func(a, b store.OutcomeCount) int {
			return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason), a.Status-b.Status)
		})
		return all
	})
}

func (p *process) PutBack(_ context.Context, name string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (counts harvest.Counts, err error) {
	err = p.change(name, func(r *run) error {
		if err := r.excludeWorkers(); err != nil {
			return err
		}
		var back tables.PutBack
		for _, page := range r.pick(func(page harvest.Page) bool { return slices.Contains(outcomes, page.Outcome) && wanted(page) }) {
			back.Add(page)
			r.retried[page.Key] = true
			delete(r.suspects, page.Key)
		}
		if len(back.Keys) == 0 {
			return nil
		}
		for _, seed := range back.Rewind(slices.Collect(maps.Values(r.chains))) {
			r.chains[seed] = harvest.Chain{Seed: seed, Step: r.chains[seed].Step}
		}
		for _, at := range back.Owners(r.states()) {
			r.shards[at].Drained = time.Time{}
		}
		r.Generation, r.FinishedAt, counts = rand.Text(), time.Time{}, back.Counts
		return nil
	})
	return counts, err
}

func (p *process) Retried(_ context.Context, name string, key harvest.Key) (bool, error) {
	return ask(p, name, func(r *run) bool { return r.retried[key] })
}

func (p *process) Forgive(_ context.Context, name string, crashes int) (forgiven int64, err error) {
	err = p.change(name, func(r *run) error {
		err := r.excludeWorkers()
		for key, s := range r.suspects {
			if err == nil && s.crashes >= crashes {
				delete(r.suspects, key)
				forgiven++
			}
		}
		return err
	})
	return forgiven, err
}

// extract are records that are made again.
type extract struct {
	spec   string
	cursor harvest.Key
	ended  int64 // items, at its begin
	staged map[harvest.Key]store.Extracted
}

func (p *process) ExtractBegin(_ context.Context, name, spec string) (cursor harvest.Key, err error) {
	err = p.change(name, func(r *run) error {
		err := faults.HasBodies(r.Run)
		if err == nil {
			err = r.excludeWorkers()
		}
		if err != nil {
			return err
		}
		if ended := int64(len(r.pages)); r.extract == nil || r.extract.spec != spec || r.extract.ended != ended {
			r.extract = &extract{spec: spec, ended: ended, staged: map[harvest.Key]store.Extracted{}}
		}
		cursor = r.extract.cursor
		return nil
	})
	return cursor, err
}

// unextracted reports whether a page is skipped because there is no expression that works on it.
func unextracted(page harvest.Page) bool {
	return page.Outcome == harvest.Skipped && page.Reason == "extract_failed"
}

func (p *process) ExtractBodies(_ context.Context, name string, after harvest.Key, limit int) ([]store.StoredBody, error) {
	return ask(p, name, func(r *run) (bodies []store.StoredBody) {
		for _, page := range r.pick(func(page harvest.Page) bool { return landed(page) || unextracted(page) }) {
			if page.Key.Compare(after) > 0 && page.Body != nil && len(bodies) < limit {
				bodies = append(bodies, store.StoredBody{Key: page.Key, URL: page.URL, ID: page.ID, MediaType: page.MediaType, Body: page.Body, Raw: page.Raw})
			}
		}
		return bodies
	})
}

func (p *process) ExtractStage(_ context.Context, name string, batch []store.Extracted, cursor harvest.Key) error {
	return p.change(name, func(r *run) error {
		if r.extract == nil || r.extract.cursor.Compare(cursor) >= 0 {
			return faults.ErrNotNext
		}
		for _, one := range batch {
			r.extract.staged[one.Key] = one
		}
		r.extract.cursor = cursor
		return nil
	})
}

func (p *process) ExtractFinish(_ context.Context, name, spec string) error {
	return p.change(name, func(r *run) error {
		made := r.extract
		if err := r.excludeWorkers(); err != nil {
			return err
		}
		if made == nil || made.spec != spec {
			return faults.ErrNotBegun
		}
		if r.extract = nil; made.ended != int64(len(r.pages)) {
			return faults.ErrGrown
		}
		var old tables.Replaced
		for key, page := range r.pages {
			one := made.staged[key]
			if page.Records = one.Records; unextracted(page) && (one.Worked || len(one.Records) > 0) {
				old = append(old, page.Outcome)
				page.Outcome, page.Reason, page.Detail = harvest.Landed, "", ""
			}
			r.pages[key] = page
		}
		if len(old) > 0 {
			for at, n := range old.Settle(r.states()[0].Shard, r.states()) {
				r.shards[at].Counts = r.shards[at].Counts.Minus(*n).Plus(harvest.Counts{Landed: n.Skipped})
			}
		}
		r.former[r.Extract], r.Extract = true, spec
		return nil
	})
}
