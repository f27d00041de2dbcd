package wire

import (
	"context"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/tryout"
)

// Try fetches the first items of the corpus within the budget, stores nothing,
// and shows what was sent, what came and what would become of it.
func Try(ctx context.Context, env Env, set config.Worker) error {
	l, life, end := newLeader(ctx, env, set, false)
	defer end()
	l.listsOnly = false
	if set.Corpus == "" {
		return config.Usagef("--try needs something to try: add --corpus FILE")
	}
	if err := l.corpus.open(life); err != nil {
		return err
	}
	l.run = harvest.Run{Name: "try", Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Host: l.source.Host(), Corpus: l.set.Corpus, Extract: l.set.Extract}}
	if err := l.api.connect(life); err != nil {
		return err
	}
	l.run.OpenedAt = time.Now()
	if err := l.corpus.findSeeds(life); err != nil {
		return err
	}
	t := tryout.Tryout{
		Out: l.Out, Client: l.api.exchanges(), Upstream: l.api.kind, Mask: l.api.client.Mask,
		Items: l.set.Try, Pack: l.api.kind.MaxItems, Continues: l.api.kind.Continues, Records: l.set.Extract != "", Sent: l.set.SentHeaders(),
	}
	look := listing.Look{API: l.api.listings, Seeds: l.seeds, Pages: l.listsPages(), Lister: l.api.lister}
	entries, err := look.Entries(life, l.source)
	if err != nil {
		return err
	}
	if l.listsPages() {
		t.Listing = listing.First{API: l.api.listings(), Seeds: l.seeds}
	}
	return t.Run(life, entries)
}
