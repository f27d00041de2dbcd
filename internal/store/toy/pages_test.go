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

func (p *process) Known(_ context.Context, name string, keys []harvest.Key) (known []bool, err error) {
	p.peek(name, func(r *run) { known = tables.AreIn(r.done(), keys) })
	return known, nil
}

// done are the keys of items that have ended and were not put back.
func (r *run) done() map[harvest.Key]bool {
	found := map[harvest.Key]bool{}
	for key := range r.pages {
		found[key] = !r.retried[key]
	}
	return found
}

func (p *process) Landed(_ context.Context, name string, limit int) (items []harvest.Item, err error) {
	p.peek(name, func(r *run) {
		for _, page := range r.pages {
			if page.Outcome == harvest.Landed && len(items) < limit {
				items = append(items, harvest.Item{Key: page.Key, URL: page.URL, ID: page.ID})
			}
		}
	})
	return items, nil
}

func (p *process) Keys(_ context.Context, name string) iter.Seq2[harvest.Key, error] {
	var done map[harvest.Key]bool
	p.peek(name, func(r *run) { done = r.done() })
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
	err := p.look(q.Run, func(r *run) (err error) { rows, err = r.rows(q); return err })
	if err != nil {
		return err
	}
	for i, row := range rows {
		if q.Limit > 0 && i == q.Limit {
			break
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) rows(q store.Query) (rows []store.Row, err error) {
	for _, key := range slices.SortedFunc(maps.Keys(r.pages), harvest.Key.Compare) {
		page := r.pages[key]
		switch {
		case q.Key != nil && key != *q.Key:
		case q.What == store.PageRows:
			if (len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, page.Outcome)) && (q.Reason == "" || q.Reason == page.Reason) &&
				(q.Status == 0 || q.Status == page.Status) && (q.ID == "" || q.ID == page.ID) && (q.URL == "" || q.URL == page.URL) {
				rows = append(rows, store.Row{Page: page})
			}
		case q.What == store.RecordRows:
			for _, record := range r.records[key] {
				rows = append(rows, store.Row{Page: harvest.Page{Key: key, URL: page.URL, ID: page.ID}, Record: record})
			}
		}
	}
	if q.What != store.PageRows && q.What != store.RecordRows {
		return nil, fmt.Errorf("export %q: want %s or %s", q.What, store.PageRows, store.RecordRows)
	}
	return rows, nil
}

// land is the one transaction of a batch: the token first, then all rows and counts.
func (r *run) land(at harvest.Shard, token int64, ttl time.Duration, pages []harvest.Page) (counts harvest.Counts, err error) {
	row := r.shards[at]
	if row == nil || row.token != token {
		return counts, store.ErrFenced
	}
	var old tables.Replaced
	for _, page := range tables.Batch(pages) {
		if !isJSON(page) {
			page.Refuse("bad_json")
		}
		if r.retried[page.Key] {
			old = append(old, r.pages[page.Key].Outcome)
			delete(r.pages, page.Key)
			delete(r.retried, page.Key)
		}
		if _, there := r.pages[page.Key]; !there {
			counts.Add(page.Outcome, tables.BodyBytes(&page))
			r.insert(page)
		}
		if page.Chain != nil {
			r.moveChain(*page.Chain)
		}
		delete(r.suspects, page.Key)
	}
	for shard, n := range old.Settle(at, r.states()) {
		r.shards[shard].Counts = r.shards[shard].Counts.Minus(*n)
	}
	row.Counts = row.Counts.Plus(counts)
	if end := time.Now().Add(ttl); end.After(row.expires) {
		row.expires = end
	}
	return counts, nil
}

// insert adds a page as a database would give it back.
func (r *run) insert(page harvest.Page) {
	delete(r.records, page.Key)
	if len(page.Records) > 0 {
		r.records[page.Key] = slices.SortedFunc(slices.Values(page.Records), func(a, b harvest.Record) int { return a.Ordinal - b.Ordinal })
	}
	page.Records, page.Chain = nil, nil
	if len(page.Raw) == 0 {
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

func (p *process) Totals(_ context.Context, name string) (c harvest.Counts, err error) {
	p.peek(name, func(r *run) {
		rejected := map[int]int64{}
		for at, row := range r.shards {
			c = c.Plus(row.Counts)
			rejected[at.Of] += row.Counts.Rejected
		}
		c.Rejected = 0
		for _, n := range rejected {
			c.Rejected = max(c.Rejected, n)
		}
		var again harvest.Counts
		for key := range r.retried {
			again.Add(r.pages[key].Outcome, 0)
		}
		c = c.Minus(again)
	})
	return c, nil
}

func (p *process) Rows(_ context.Context, name string, at harvest.Shard) (ofShard, ofRun int64, err error) {
	p.peek(name, func(r *run) {
		for shard, row := range r.shards {
			n := row.Counts.Items()
			if ofRun += n; shard == at {
				ofShard = n
			}
		}
	})
	return ofShard, ofRun, nil
}

func (p *process) CountOutcomes(_ context.Context, name string, outcomes []harvest.Outcome) (all []store.OutcomeCount, err error) {
	counts := map[store.OutcomeCount]int64{}
	p.peek(name, func(r *run) {
		for _, page := range r.pages {
			if slices.Contains(outcomes, page.Outcome) {
				counts[store.OutcomeCount{Outcome: page.Outcome, Reason: page.Reason, Status: page.Status}]++
			}
		}
	})
	for one, n := range counts {
		one.Items = n
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b store.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason), a.Status-b.Status)
	})
	return all, nil
}

func (p *process) PutBack(_ context.Context, name string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (counts harvest.Counts, err error) {
	err = p.change(name, func(r *run) error {
		if _, err := r.excludeWorkers(); err != nil {
			return err
		}
		var back tables.PutBack
		for _, page := range r.pages {
			if slices.Contains(outcomes, page.Outcome) && wanted(page) {
				back.Add(page)
			}
		}
		if len(back.Keys) == 0 {
			return nil
		}
		for _, seed := range back.Rewind(slices.Collect(maps.Values(r.chains))) {
			r.chains[seed] = harvest.Chain{Seed: seed, Step: r.chains[seed].Step}
		}
		for _, key := range back.Keys {
			r.retried[key] = true
			delete(r.suspects, key)
		}
		for _, at := range back.Owners(r.states()) {
			r.shards[at].Drained = time.Time{}
		}
		r.Generation, r.FinishedAt, counts = rand.Text(), time.Time{}, back.Counts
		return nil
	})
	return counts, err
}

func (p *process) Retried(_ context.Context, name string, key harvest.Key) (yes bool, err error) {
	p.peek(name, func(r *run) { yes = r.retried[key] })
	return yes, nil
}

func (p *process) Forgive(_ context.Context, name string, crashes int) (forgiven int64, err error) {
	err = p.change(name, func(r *run) error {
		if _, err := r.excludeWorkers(); err != nil {
			return err
		}
		before := len(r.suspects)
		maps.DeleteFunc(r.suspects, func(_ harvest.Key, s suspect) bool { return s.crashes >= crashes })
		forgiven = int64(before - len(r.suspects))
		return nil
	})
	return forgiven, err
}

func (p *process) ExtractBegin(_ context.Context, name, spec string) (cursor harvest.Key, err error) {
	err = p.change(name, func(r *run) error {
		if err := faults.HasBodies(r.Run); err != nil {
			return err
		}
		landed, err := r.excludeWorkers()
		if err != nil {
			return err
		}
		if r.extract == nil || r.extract.spec != spec || r.extract.landed != landed {
			r.extract = &extract{spec: spec, landed: landed, staged: map[harvest.Key]store.Extracted{}}
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

func (p *process) ExtractBodies(_ context.Context, name string, after harvest.Key, limit int) (bodies []store.StoredBody, err error) {
	p.peek(name, func(r *run) {
		for _, key := range slices.SortedFunc(maps.Keys(r.pages), harvest.Key.Compare) {
			page := r.pages[key]
			if key.Compare(after) > 0 && (page.Outcome == harvest.Landed || unextracted(page)) && page.Body != nil && len(bodies) < limit {
				bodies = append(bodies, store.StoredBody{Key: key, URL: page.URL, ID: page.ID, MediaType: page.MediaType, Body: page.Body, Raw: page.Raw})
			}
		}
	})
	return bodies, nil
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
		landed, err := r.excludeWorkers()
		if err != nil {
			return err
		}
		made := r.extract
		if made == nil || made.spec != spec {
			return faults.ErrNotBegun
		}
		if r.extract = nil; made.landed != landed {
			return faults.ErrGrown
		}
		clear(r.records)
		for key, one := range made.staged {
			if len(one.Records) > 0 {
				r.records[key] = one.Records
			}
			if page := r.pages[key]; unextracted(page) && (one.Worked || len(one.Records) > 0) {
				page.Outcome, page.Reason, page.Detail = harvest.Landed, "", ""
				r.pages[key] = page
				r.countLanded()
			}
		}
		r.former[r.Extract] = true
		r.Extract = spec
		return nil
	})
}

// countLanded counts a page as landed that a shard counts as skipped.
func (r *run) countLanded() {
	for _, row := range r.shards {
		if row.Counts.Skipped > 0 {
			row.Counts.Skipped--
			row.Counts.Landed++
			return
		}
	}
}
