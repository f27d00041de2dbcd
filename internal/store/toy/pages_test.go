package toy

import (
	"context"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
	"shoal/internal/store/simple"
)

// inOrder are the pages in order of key.
func (r *run) inOrder() []harvest.Page {
	return slices.SortedFunc(maps.Values(r.pages), func(a, b harvest.Page) int { return a.Key.Compare(b.Key) })
}

// Scan implements [simple.Scanner], from which nearly all that reads pages is derived.
func (p *process) Scan(_ context.Context, name string, each func(page harvest.Page, putBack bool) error) error {
	var retried map[harvest.Key]bool
	pages, err := look(p, name, func(r *run) ([]harvest.Page, error) {
		retried = maps.Clone(r.retried)
		return r.inOrder(), nil
	})
	for i := 0; err == nil && i < len(pages); i++ {
		err = each(pages[i], retried[pages[i].Key])
	}
	return err
}

// land lands a batch in a shard of which the caller has looked at the token.
func (r *run) land(row *simple.Shard, pages []harvest.Page) (counts harvest.Counts) {
	var old tables.Replaced
	for _, page := range tables.Batch(pages) {
		tables.RefuseInvalidJSON(&page)
		if page.Chain != nil {
			r.chains.Move(*page.Chain)
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
	r.shards.Count(row.Shard, counts, old)
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

func (p *process) PutBack(_ context.Context, name string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error) {
	return exclude(p, name, func(r *run) (harvest.Counts, error) {
		var back tables.PutBack
		for _, page := range r.inOrder() {
			if slices.Contains(outcomes, page.Outcome) && wanted(page) {
				back.Add(page)
				r.retried[page.Key] = true
			}
		}
		if len(back.Keys) > 0 {
			r.chains.Rewind(&back)
			r.suspects.Clear(back.Keys)
			r.more(back.Owners(r.states())...)
		}
		return back.Counts, nil
	})
}

func (p *process) Forgive(_ context.Context, name string, crashes int) (int64, error) {
	return exclude(p, name, func(r *run) (int64, error) { return r.suspects.Forgive(crashes), nil })
}

func (p *process) ExtractBegin(_ context.Context, name, spec string) (harvest.Key, error) {
	return exclude(p, name, func(r *run) (harvest.Key, error) {
		if err := faults.HasBodies(r.Run); err != nil {
			return harvest.Key{}, err
		}
		return r.extract.Begin(spec, tables.Extractable(r.states())), nil
	})
}

func (p *process) ExtractStage(_ context.Context, name string, batch []store.Extracted, cursor harvest.Key) error {
	_, err := change(p, name, func(r *run) (any, error) { return nil, r.extract.Stage(batch, cursor) })
	return err
}

func (p *process) ExtractFinish(_ context.Context, name, spec string) error {
	_, err := exclude(p, name, func(r *run) (any, error) {
		made, err := r.extract.Finish(spec, tables.Extractable(r.states()))
		if err != nil {
			return nil, err
		}
		for key, page := range r.pages {
			again, lands := simple.Reextracted(page, made[key])
			if r.pages[key] = again; lands {
				r.shards.Count(r.states()[0].Shard, harvest.Counts{Landed: 1}, tables.Replaced{page.Outcome})
			}
		}
		r.former[r.Extract], r.Extract = true, spec
		return nil, nil
	})
	return err
}

func (p *process) RecordDigest(_ context.Context, name, known string, items int64, sum string) (bool, error) {
	return change(p, name, func(r *run) (bool, error) {
		if r.CorpusSum != known {
			return false, nil
		}
		if r.CorpusItems, r.CorpusSum = items, sum; known != "" {
			r.FinishedAt = time.Time{}
			r.shards.Reopen()
		}
		return true, nil
	})
}

func (p *process) CorpusRows(_ context.Context, name string, after int64, limit int) ([]harvest.Entry, error) {
	return ask(p, name, func(r *run) []harvest.Entry {
		rest := r.corpus[min(after, int64(len(r.corpus))):]
		return slices.Clone(rest[:min(limit, len(rest))])
	})
}
func (p *process) CorpusSize(_ context.Context, name string) (int64, error) {
	return ask(p, name, func(r *run) int64 { return int64(len(r.corpus)) })
}
func (p *process) Chain(_ context.Context, name, seed string) (harvest.Chain, error) {
	return ask(p, name, func(r *run) harvest.Chain { return r.chains.At(seed) })
}
func (p *process) Walked(_ context.Context, name string) (harvest.Walked, error) {
	return ask(p, name, func(r *run) harvest.Walked { return r.chains.Walked() })
}

func (p *process) CommitStep(_ context.Context, name string, to harvest.Chain, entries []harvest.Entry) error {
	_, err := change(p, name, func(r *run) (any, error) {
		if !r.chains.Move(to) {
			return nil, store.ErrStep
		}
		for _, e := range entries {
			r.corpus = append(r.corpus, e.At(int64(len(r.corpus))+1))
		}
		return nil, nil
	})
	return err
}
