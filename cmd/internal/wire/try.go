package wire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/tryout"
)

// Try fetches the first items of the corpus within the budget, stores nothing,
// and shows what was sent, what came and what would become of it.
func Try(ctx context.Context, env Env, set config.Worker) error {
	h := newHarvester(env, set)
	defer h.close()
	if set.Corpus == "" {
		return config.Usagef("--try needs something to try: add --corpus FILE")
	}
	life, end := h.untilStopped(ctx, 0)
	defer end()
	if err := h.openCorpus(life); err != nil {
		return err
	}
	h.run = harvest.Run{Name: "try", Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Host: h.source.Host()}}
	h.run.Corpus, h.run.Extract = h.set.Corpus, h.set.Extract
	for _, build := range []func(context.Context) error{h.openRedis, h.openUpstream, h.introduceOurselves} {
		if err := build(life); err != nil {
			return err
		}
	}
	h.run.OpenedAt = time.Now()
	if err := h.findSeeds(life); err != nil {
		return err
	}
	t := tryout.Tryout{
		Out: h.Out, Client: h.exchanges(), Upstream: reading{h.kind, h.client}, Mask: h.client.Mask,
		Items: h.set.Try, Pack: 1, Records: h.set.Extract != "", Sent: h.set.SentHeaders(),
	}
	if h.kind.api != nil { // what a wiki cuts is continued in a harvest: its pages are shown one by one
		t.Pack = h.kind.most
	}
	if h.listsPages() {
		h.source, t.Listing = &firstSteps{h: h}, listed{h}
	} else if e, ok := h.source.(*enumerated); ok {
		e.ctx, e.table = life, &coordinator.Table{Seeds: h.seeds, Chains: &coordinator.Memory{}, Lister: &firstLists{Lister: h.listing()}, Abreast: 1}
	}
	if err := t.Run(life, h.source.Entries()); err != nil {
		if cause := context.Cause(life); cause != nil {
			return cause
		}
		return err
	}
	return nil
}

// listed gives a tryout the listing whose first steps it looks at.
type listed struct{ h *Harvester }

func (l listed) Next(request *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading) {
	at := slices.IndexFunc(l.h.seeds, func(seed string) bool { return request.Items[0].Key == harvest.StepKey(seed, 1) })
	listed, next, read := l.h.kind.api.ReadList(request, l.h.seeds[at], 1, answer, nil)
	return next, listed.More, read
}

// firstLists lists until items come, and not for long.
type firstLists struct {
	coordinator.Lister
	asked int
}

// mostLists is how many answers of a listing are looked at for a first item.
const mostLists = 3

// List implements coordinator.Lister.
func (f *firstLists) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	if f.asked++; f.asked > mostLists {
		return nil, "", fmt.Errorf("%w: its first %d answers name none", coordinator.ErrEmpty, mostLists)
	}
	return f.Lister.List(ctx, at)
}
