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
	l := newLeader(env, set, false)
	l.listsOnly = false
	defer l.close()
	if set.Corpus == "" {
		return config.Usagef("--try needs something to try: add --corpus FILE")
	}
	life, end := l.untilStopped(ctx, 0)
	defer end()
	if err := l.corpus.open(life); err != nil {
		return err
	}
	l.run = harvest.Run{Name: "try", Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Host: l.source.Host()}}
	l.run.Corpus, l.run.Extract = l.set.Corpus, l.set.Extract
	for _, build := range []func(context.Context) error{l.api.openRedis, l.api.open, l.api.introduce} {
		if err := build(life); err != nil {
			return err
		}
	}
	l.run.OpenedAt = time.Now()
	if err := l.corpus.findSeeds(life); err != nil {
		return err
	}
	t := tryout.Tryout{
		Out: l.Out, Client: l.api.exchanges(), Upstream: l.api.kind, Mask: l.api.client.Mask,
		Items: l.set.Try, Pack: 1, Records: l.set.Extract != "", Sent: l.set.SentHeaders(),
	}
	if !l.api.kind.Continues { // what is cut is continued in a harvest: such items are shown one by one
		t.Pack = l.api.kind.MaxItems
	}
	entries, err := l.entriesToTry(life)
	if err != nil {
		return err
	}
	if l.listsPages() {
		t.Listing = listed{l.api.listings(), l.seeds}
	}
	if err := t.Run(life, entries); err != nil {
		if cause := context.Cause(life); cause != nil {
			return cause
		}
		return err
	}
	return nil
}

// entriesToTry returns the items to look at: of a listing the first that it names, or its first
// steps.
func (l *leader) entriesToTry(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if l.listsPages() {
		return listing.FirstSteps(l.api.listings(), l.seeds), nil
	}
	if _, ok := l.source.(*enumerated); !ok {
		return l.source.Entries(), nil
	}
	lister, err := l.api.lister()
	if err != nil {
		return nil, err
	}
	table := &listing.Table{Seeds: l.seeds, Chains: &listing.Memory{}, Lister: &listing.Few{Lister: lister}, Abreast: 1}
	return table.Entries(ctx), nil
}

// listed gives a tryout the listing whose first steps it looks at.
type listed struct {
	listings

	seeds []string
}

// Next implements [tryout.Listing].
func (l listed) Next(request *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading) {
	at := slices.IndexFunc(l.seeds, func(seed string) bool { return request.Items[0].Key == harvest.StepKey(seed, 1) })
	listed, next, read := l.ReadList(request, l.seeds[at], 1, answer, nil)
	return next, listed.More, read
}
