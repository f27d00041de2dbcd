package listing

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// CommitStep implements [Chains].
func (p *Pages) CommitStep(ctx context.Context, _ string, to harvest.Chain, _ []harvest.Entry) error {
	p.mu.Lock()
	page := p.steps[to.Seed].page
	p.mu.Unlock()
	page.Key, page.Chain = harvest.StepKey(to.Seed, to.Step), &to
	pages := []harvest.Page{page}
	if to.Done {
		gone, err := p.gone(ctx, page)
		if err != nil {
			return err
		}
		pages = append(pages, gone...)
	}
	counts, err := p.parts.Lease.Land(context.WithoutCancel(ctx), pages)
	if err != nil {
		return err
	}
	p.parts.Counters.Landed(counts)
	if counts.Landed > 0 {
		p.parts.Counters.Recorded(pages[:1])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	page.Answer.Release()
	delete(p.steps, to.Seed)
	if counts.Items() == 0 {
		p.taken--
	}
	return nil
}

// reasonNotListed is the reason of a step that was put back, of a listing that is shorter now.
const reasonNotListed = "not_listed"

// gone returns the steps after the last one that the store lacks: a listing that is walked once
// more may be shorter.
func (p *Pages) gone(ctx context.Context, last harvest.Page) (pages []harvest.Page, err error) {
	chain, err := p.parts.Steps.Chain(ctx, p.settings.Run, last.Chain.Seed)
	if err != nil || chain.Step <= last.Chain.Step {
		return nil, err
	}
	var keys []harvest.Key
	for step := last.Chain.Step + 1; step <= chain.Step; step++ {
		keys = append(keys, harvest.StepKey(chain.Seed, step))
	}
	known, err := p.parts.Steps.Known(ctx, p.settings.Run, keys)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if !known[i] {
			pages = append(pages, harvest.Page{Key: key, URL: last.URL, Outcome: harvest.Missing, Reason: reasonNotListed, Attempts: 1, FetchedAt: time.Now()})
		}
	}
	return pages, nil
}
