package listing

import (
	"context"
	"slices"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// judge stores what became of a step for CommitStep. [ErrParked] means that the canary holds it.
func (p *Pages) judge(seed string, s *step, class retry.Class, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps[seed] = s
	verdict, released := p.canary.ObserveStep(&s.page, class, text)
	p.free(released)
	s.held, s.parked = verdict.Hold, verdict.Hold
	switch {
	case verdict.Stop != "":
		return p.refusal()
	case s.held:
		return parked{p.refusal()}
	}
	return nil
}

// free lets steps land whose pages the canary gave back.
func (p *Pages) free(pages []harvest.Page) {
	for i := range pages {
		for _, s := range p.steps {
			if s.held && s.page.Key == pages[i].Key {
				s.page, s.held = pages[i], false
			}
		}
	}
}

// Release implements [Releaser]. The held pages are how their steps ended, as for items, if
// something of the run has landed, or if a listing of another shard is served. If every step was
// refused, a person must know first.
func (p *Pages) Release(ctx context.Context) bool {
	landed := p.settings.Landed
	var totals harvest.Counts
	err := p.parts.Again(ctx, func() (err error) {
		totals, err = p.parts.Steps.Totals(ctx, p.settings.Run)
		return err
	})
	landed = landed || err == nil && totals.Landed > 0
	if p.freed() {
		return true
	}
	stop := p.canary.Unproven()
	if p.canary.Held() == 0 || !landed && stop != "" && (stop != retry.StopCanary || !p.vouched(ctx)) {
		return p.doubt.Release(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(p.canary.Vouch())
	return true
}

// freed reports whether a step was released when its chain had just been parked.
func (p *Pages) freed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.steps {
		if s.parked && !s.held {
			return true
		}
	}
	return false
}

// vouched reports whether a listing of another shard is served.
func (p *Pages) vouched(ctx context.Context) bool {
	others := slices.DeleteFunc(slices.Clone(p.settings.Seeds), func(seed string) bool { return p.settings.Shard.Owns(harvest.KeyOf(seed)) })
	return exchange.Vouched(ctx, p.caller, others, func(c *exchange.Caller, seed string) (lands bool) {
		request, err := p.parts.API.ListRequest(seed, "")
		if err != nil {
			return false
		}
		_, err = c.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
			listed, _, read := p.parts.API.ReadList(request, seed, 1, answer, nil)
			lands = listed.Page.Outcome == harvest.Landed
			return read
		})
		return lands && err == nil
	})
}

// refusal returns the upstream's answer as an [exchange.Refused], with examples.
func (p *Pages) refusal() error {
	text := "it gives no page of the listing, and nothing was recorded; is the path right, a parameter, --extract, the credential? (look with --try 1; --no-canary continues all the same)"
	if p.canary.Foreign() {
		text = "it answers the listing with something that is not an API's answer, and nothing was recorded; is the address right? (look with --try 1)"
	}
	return &harvest.Detailed{Err: &exchange.Refused{Text: text}, Below: p.canary.Examples()}
}
