package wire

import (
	"context"
	"iter"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/tryout"
	"shoal/internal/worker"
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
	life, end := worker.UntilStopped(ctx, l.Stop, 0)
	defer end()
	if err := l.corpus.open(life); err != nil {
		return err
	}
	l.run = harvest.Run{Name: "try", Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Host: l.source.Host()}}
	l.run.Corpus, l.run.Extract = l.set.Corpus, l.set.Extract
	if err := l.api.connect(life); err != nil {
		return err
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
		t.Listing = listing.First{API: l.api.listings(), Seeds: l.seeds}
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
	if _, ok := l.source.(*listing.Pass); !ok {
		return l.source.Entries(), nil
	}
	lister, err := l.api.lister()
	if err != nil {
		return nil, err
	}
	return listing.FirstItems(ctx, lister, l.seeds), nil
}
