package wire

import (
	"context"
	"iter"
	"slices"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/listing"
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
	if !h.kind.Continues { // what is cut is continued in a harvest: such items are shown one by one
		t.Pack = h.kind.Most
	}
	entries, err := h.entriesToTry(life)
	if err != nil {
		return err
	}
	if h.listsPages() {
		t.Listing = listed{h.listings(), h.seeds}
	}
	if err := t.Run(life, entries); err != nil {
		if cause := context.Cause(life); cause != nil {
			return cause
		}
		return err
	}
	return nil
}

// entriesToTry are the items to look at: of a listing the first that it names, or its first steps.
func (h *Harvester) entriesToTry(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if h.listsPages() {
		return listing.FirstSteps(h.listings(), h.seeds), nil
	}
	if _, ok := h.source.(*enumerated); !ok {
		return h.source.Entries(), nil
	}
	lister, err := h.lister()
	if err != nil {
		return nil, err
	}
	table := &listing.Table{Seeds: h.seeds, Chains: &listing.Memory{}, Lister: &listing.Few{Lister: lister}, Abreast: 1}
	return table.Entries(ctx), nil
}

// listed gives a tryout the listing whose first steps it looks at.
type listed struct {
	listings

	seeds []string
}

// Next implements tryout.Listing.
func (l listed) Next(request *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading) {
	at := slices.IndexFunc(l.seeds, func(seed string) bool { return request.Items[0].Key == harvest.StepKey(seed, 1) })
	listed, next, read := l.ReadList(request, l.seeds[at], 1, answer, nil)
	return next, listed.More, read
}
