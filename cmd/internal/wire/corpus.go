package wire

import (
	"context"
	"time"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/fetch"
	"shoal/internal/listing"
	"shoal/internal/runs"
	"shoal/internal/status"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// corpora open the corpus of a process.
type corpora struct {
	*process
	runs finder
}

// openNamed comes before the store, so that a mistyped path leaves no store behind.
func (c corpora) openNamed(ctx context.Context) error {
	if c.runs.start().Named() == runs.Later {
		return nil
	}
	return c.open(ctx)
}

// openOfRun opens the corpus that the run was opened with, if none was named.
func (c corpora) openOfRun(ctx context.Context) error {
	if c.source != nil {
		return nil
	}
	before := c.set
	return runs.UntilHere(ctx, c.runs.start().Waits(), c.Say, func() error {
		c.set = before
		if err := c.runs.adoptRun(ctx); err != nil {
			return err
		}
		err := c.open(ctx)
		if err == nil || before.Corpus != "" || c.source != nil {
			return err
		}
		return runs.Elsewhere(c.set.Run, err, status.Place{Store: c.set.Store, ByFlag: c.set.Source("store").Kind == config.FromFlag}.Flag())
	})
}

// open reads to the first item, whose host is the upstream's, and
// settles what depends on it.
func (c corpora) open(ctx context.Context) error {
	if err := c.set.CheckAPI(); err != nil {
		return err
	}
	if c.runs.start().Source() == runs.Table {
		return c.openTable(ctx)
	}
	first, err := c.openLines(ctx)
	if err != nil {
		return err
	}
	asks := !c.listsOnly || corpus.Remote(c.set.Corpus) // else the workers do
	c.set, err = c.set.Settle(c.source.Host(), first, asks)
	return err
}

// openLines opens a file, an address or standard input, and returns its first item.
func (c corpora) openLines(ctx context.Context) (first string, err error) {
	cfg, err := adapt.CorpusConfig(c.set, &c.run)
	if err != nil {
		return "", err
	}
	cfg.Stdin = c.Stdin
	if corpus.Remote(c.set.Corpus) { // a file needs no certificates
		if cfg.HTTP, err = fetch.Downloader(adapt.FetchConfig(c.set, "", c.set.Corpus)); err != nil {
			return "", config.Usagef("%v", err)
		}
	}
	opened, err := corpus.Begin(ctx, cfg, c.patience().Retry, adapt.Allowed(c.set).AllRejected)
	if err != nil {
		return "", err
	}
	c.source = opened
	c.onClose(c.close)
	return opened.First(), nil
}

// source is the corpus, in any form.
type source interface {
	worker.Corpus
	Host() string
	Close() error
}

// close waits for a reader that is still in the corpus.
func (c corpora) close() error {
	closed, err := worker.CloseRead(c.source, c.reading)
	if closed {
		c.source = nil
	}
	return err
}

// openTable opens the corpus table as the corpus. What fills it is known when the run is.
func (c corpora) openTable(ctx context.Context) error {
	host, _, err := c.set.ListingHost()
	if err != nil {
		return err
	}
	of, err := c.runs.inStore().OfTable(ctx, host)
	if err != nil {
		return err
	}
	c.set, host = c.set.WithRun(of.Merged), of.Run.Host
	c.source = &listing.Pass{Ctx: ctx, At: host}
	asks := !c.listsOnly || c.set.Kinds().IsListing(of.Run.Corpus)
	c.set, err = c.set.Settle(host, c.set.TableOrigin(host), asks)
	return err
}

// openNext begins another pass for the next shard. The run may know more about its corpus by now.
func (c corpora) openNext(ctx context.Context) error {
	if err := c.close(); err != nil {
		c.Log.Warn("closing the corpus", "error", err)
	}
	if err := c.runs.inStore().Refresh(ctx, &c.run); err != nil {
		return err
	}
	return c.open(ctx)
}

// findSeeds finds where the chains of the run's corpus begin.
func (c corpora) findSeeds(ctx context.Context) (err error) {
	c.seeds, err = c.set.Kinds().Seeds(c.run.Corpus, func() (time.Time, error) {
		return c.runs.inStore().Since(ctx, c.run, c.opened)
	})
	return err
}

// reopen opens the corpus for another pass: the table, if there is one.
func (c corpora) reopen(ctx context.Context) error {
	from := c.runs.start().Again(c.run)
	if from == runs.Lines {
		return c.openNext(ctx)
	}
	pass := &listing.Pass{Ctx: ctx, At: c.run.Host}
	c.source = pass
	if from == runs.Steps {
		pass.Steps = listing.Walked(ctx, c.store, c.run.Name, c.seeds)
		return nil
	}
	pass.Table = c.table()
	return pass.Table.Whole(ctx)
}

// table is the run's corpus table.
func (c corpora) table() *listing.Table {
	return &listing.Table{
		Chains: c.store, Run: c.run.Name, Seeds: c.seeds, Patience: c.set.Patience, Source: runs.FilledBy(c.run), Say: c.Say, Short: plain.Short(c.set.Next), Abreast: c.set.Concurrency,
		Again: c.again,
	}
}
