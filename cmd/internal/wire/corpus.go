package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/runs"
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
	said := c.set.Corpus
	if err := c.runs.adoptRun(ctx); err != nil {
		return err
	}
	err := c.open(ctx)
	if errors.Is(err, config.ErrUsage) && said == "" && c.source == nil {
		return runs.Elsewhere(c.set.Run, err, c.storeFlag())
	}
	return err
}

// open reads to the first item, whose host is the upstream's, and
// settles what depends on it.
func (c corpora) open(ctx context.Context) error {
	if kind := c.set.Kind(); kind.NeedsAPI(c.set.UpstreamSettings()) {
		return config.Usagef("which %s? Add --api %s", kind.Noun, kind.API)
	}
	if c.runs.start().Source() == runs.Table {
		return c.openTable(ctx)
	}
	first, err := c.openLines(ctx)
	if err != nil {
		return err
	}
	asks := !c.listsOnly || strings.Contains(c.set.Corpus, "://") // else the workers do
	c.set, err = c.set.Settle(c.source.Host(), first, asks)
	return err
}

// openLines opens a file, an address or standard input, and returns its first item.
func (c corpora) openLines(ctx context.Context) (first string, err error) {
	if err := c.set.CheckDownload(); err != nil {
		return "", err
	}
	var download *http.Client
	if strings.Contains(c.set.Corpus, "://") { // a file needs no certificates
		if download, err = fetch.Downloader(adapt.FetchConfig(c.set, "", c.set.Corpus)); err != nil {
			return "", config.Usagef("%v", err)
		}
	}
	err = c.retryUnavailable(ctx, "the corpus", func(err error) bool { return errors.Is(err, corpus.ErrAway) }, func() error {
		cfg, err := adapt.CorpusConfig(c.set, &c.run)
		if err != nil {
			return err
		}
		cfg.Stdin, cfg.HTTP = c.Stdin, download
		opened, err := corpus.Open(ctx, cfg)
		switch {
		case err == nil:
			c.source, first = opened, opened.First()
			c.onClose(c.close)
			return nil
		case errors.Is(err, corpus.ErrAllRejected) && !errors.Is(err, corpus.ErrIDs) && c.set.MaxRejected.Exceeded(1, 1):
			return fmt.Errorf("%w: %w", runs.ErrOverLimit, err)
		}
		return corpus.Mistake(ctx, err)
	})
	return first, err
}

// source is the corpus, in any form.
type source interface {
	worker.Corpus
	Host() string
	Close() error
}

// close waits for a reader that is still in the corpus.
func (c corpora) close() error {
	if c.source == nil {
		return nil
	}
	if c.reading != nil {
		select {
		case <-c.reading():
		case <-time.After(time.Second):
			return nil // the process ends; a read that cannot be interrupted ends with it
		}
	}
	source := c.source
	c.source = nil
	return source.Close()
}

// openTable opens the corpus table as the corpus. What fills it is known when the run is.
func (c corpora) openTable(ctx context.Context) error {
	host, lists, err := c.set.ListingHost()
	if err != nil {
		return err
	}
	if !lists {
		of, err := c.runs.inStore().OfTable(ctx)
		if err != nil {
			return err
		}
		c.set = c.set.WithRun(of.Merged)
		host, lists = of.Run.Host, c.set.Kinds().IsListing(of.Run.Corpus)
	}
	c.source = &listing.Pass{Ctx: ctx, At: host}
	c.set, err = c.set.Settle(host, c.set.TableOrigin(host), lists || !c.listsOnly)
	return err
}

// openNext begins another pass for the next shard. The run may know more about its corpus by now.
func (c corpora) openNext(ctx context.Context) error {
	if err := c.close(); err != nil {
		c.Log.Warn("closing the corpus", "error", err)
	}
	run, err := asked(ctx, c.process, func() (harvest.Run, error) { return c.store.FindRun(ctx, c.run.Name) })
	if err != nil {
		return err
	}
	c.refresh(run)
	return c.open(ctx)
}

// findSeeds finds where the chains of the run's corpus begin.
func (c corpora) findSeeds(ctx context.Context) (err error) {
	c.seeds, err = c.set.Kinds().Seeds(c.run.Corpus, func() (time.Time, error) {
		return c.runs.inStore().Since(ctx, c.run, c.opened)
	})
	return err
}

// listed reports whether the corpus table holds all of the corpus.
func (c corpora) listed(ctx context.Context) (bool, error) {
	walked, err := asked(ctx, c.process, func() (harvest.Walked, error) { return c.store.Walked(ctx, c.run.Name) })
	return err == nil && walked.Done >= len(c.seeds), err
}

// reopen opens the corpus for another pass: the table, if there is one.
func (c corpora) reopen(ctx context.Context) error {
	switch c.runs.start().Again(c.run) {
	case runs.Steps:
		c.source = &listing.Pass{At: c.run.Host, Steps: listing.Walked(ctx, c.store, c.run.Name, c.seeds)}
		return nil
	case runs.Lines:
		return c.openNext(ctx)
	}
	done, err := c.listed(ctx)
	if err == nil && !done {
		err = fmt.Errorf("%w: the corpus of run %s is not enumerated to its end: start %s", worker.ErrIncomplete, c.run.Name, runs.FilledBy(c.run))
	}
	c.source = &listing.Pass{Ctx: ctx, At: c.run.Host, Table: c.table()}
	return err
}

// table is the run's corpus table.
func (c corpora) table() *listing.Table {
	return &listing.Table{
		Chains: c.store, Run: c.run.Name, Seeds: c.seeds, Patience: c.set.Patience, Source: runs.FilledBy(c.run), Say: c.Say, Short: plain.Short(c.set.Next), Abreast: c.set.Concurrency,
		Again: c.again,
	}
}
