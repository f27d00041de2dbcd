package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

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

// openNamed comes before the store, so that a mistyped path leaves no store behind. A table is opened with its run,
// for which a worker may have to wait.
func (c corpora) openNamed(ctx context.Context) error {
	if c.set.Corpus == "" || c.set.AutoShard || c.set.Corpus == harvest.StoreCorpus && c.runs.waitsForRun() {
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
		return config.Usagef("the corpus of run %s is not here (%v). In the folder where it is, type this once, then start the workers again; it needs no credential: coordinator enumerate --run %s%s", c.set.Run, err, c.set.Run, c.storeFlag())
	}
	return err
}

// open reads to the first item, whose host is the upstream's, and
// settles what depends on it.
func (c corpora) open(ctx context.Context) error {
	if kind := c.set.Kind(); kind.NeedsAPI(c.set.UpstreamSettings()) {
		return config.Usagef("which %s? Add --api %s", kind.Noun, kind.API)
	}
	if c.set.Corpus == harvest.StoreCorpus || c.isListing(c.set.Corpus) {
		return c.openTable(ctx)
	}
	first, err := c.openLines(ctx)
	if err != nil {
		return err
	}
	settle := c.set.ForHost
	if c.listsOnly && !strings.Contains(c.set.Corpus, "://") { // it sends no request: the workers do
		settle = c.set.About
	}
	if c.set, err = settle(c.source.Host()); err != nil {
		return err
	}
	return c.set.CheckCredential(first)
}

// openLines opens a file, an address or standard input, and returns its first item.
func (c corpora) openLines(ctx context.Context) (first string, err error) {
	if address := c.set.Corpus; strings.HasPrefix(strings.ToLower(address), "https://") {
		if canonical, err := harvest.CanonicalURL(address); err == nil {
			if err := c.set.CheckContact(harvest.HostOf(canonical)); err != nil {
				return "", err
			}
		}
	}
	var download *http.Client
	if strings.Contains(c.set.Corpus, "://") { // a file needs no certificates
		if download, err = fetch.Downloader(fetchConfig(c.set, "", c.set.Corpus)); err != nil {
			return "", config.Usagef("%v", err)
		}
	}
	err = c.retryUnavailable(ctx, "the corpus", func(err error) bool { return errors.Is(err, corpus.ErrAway) }, func() error {
		cfg := corpus.Config{
			URI: c.set.Corpus, Template: c.set.URL, Hosts: c.set.AdmittedHosts(), Exposed: c.set.Exposes, PostIsRead: c.set.PostIsRead, Stdin: c.Stdin, HTTP: download, Patience: c.set.Patience,
		}
		if err := c.readLines(&cfg); err != nil {
			return err
		}
		opened, err := corpus.Open(ctx, cfg)
		switch {
		case err == nil:
			c.source, first = keyed{opened, c.process}, opened.First()
			c.onClose(c.close)
			return nil
		case errors.Is(err, corpus.ErrIDs):
			return config.Usagef("%v", err)
		case errors.Is(err, corpus.ErrAllRejected) && c.set.MaxRejected.Exceeded(1, 1):
			return fmt.Errorf("%w: %w", runs.ErrOverLimit, err)
		case errors.Is(err, corpus.ErrDamaged), errors.Is(err, corpus.ErrAway), ctx.Err() != nil:
			return err
		}
		return config.Usagef("%v", err)
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

// readLines has the kind of upstream read the corpus where that is its own affair. Its items are all on the host of --api.
func (c corpora) readLines(cfg *corpus.Config) error {
	if c.set.Kind().Lines == nil {
		return nil
	}
	lines, err := c.set.Kind().Lines(c.set.UpstreamSettings())
	if err != nil {
		return config.Usagef("%v", err)
	}
	cfg.Hosts, cfg.URI, cfg.Line, cfg.Text = nil, lines.URI, lines.Line, lines.Text
	return nil
}

// keyed is a corpus with keys as the run makes them.
type keyed struct {
	source

	p *process
}

// Entries implements [worker.Corpus]. The run is known by now, which it was not when the corpus was
// opened.
func (k keyed) Entries() iter.Seq2[harvest.Entry, error] {
	entries := k.source.Entries()
	if rekey := k.p.set.Kind().Rekey; rekey != nil {
		return rekey(k.p.run, k.p.set.UpstreamSettings(), entries)
	}
	return entries
}

// openTable opens the corpus table as the corpus. What fills it is known when the run is.
func (c corpora) openTable(ctx context.Context) (err error) {
	var host string
	kind, isListing := c.set.Kinds().Lists(c.set.Corpus)
	var settle func(string) (config.Worker, error)
	switch {
	case isListing && kind.Name != c.set.Upstream:
		return config.Usagef("--corpus %s: which %s? Add --api %s", c.set.Corpus, kind.Noun, kind.API)
	case isListing:
		if host, err = kind.Listing.Host(c.set.UpstreamSettings()); err != nil {
			return config.Usagef("%v", err)
		}
		settle = c.set.ForHost
	case c.store == nil:
		return config.Usagef("--corpus store: is the corpus table of a run, and the store has none: open the run with another --corpus first")
	default:
		run, err := c.runs.find(ctx, harvest.Inputs{Corpus: harvest.StoreCorpus})
		if err != nil {
			return config.Usagef("--corpus store: is the corpus table of a run: %v; open one with another --corpus first", err)
		}
		host = run.Host
		c.set.Run = run.Name
		c.runs.adopt(run)
		settle = c.set.ForHost
		if _, lists := c.set.Kinds().Lists(run.Corpus); c.listsOnly && !lists {
			settle = c.set.About
		}
	}
	c.source = &enumerated{host: host, ctx: ctx}
	if c.set, err = settle(host); err != nil {
		return err
	}
	return c.set.CheckCredential(c.set.TableOrigin(host))
}

// openNext begins another pass for the next shard. The run may know more about its corpus by now.
func (c corpora) openNext(ctx context.Context) error {
	if err := c.close(); err != nil {
		c.Log.Warn("closing the corpus", "error", err)
	}
	err := c.retryUnavailable(ctx, "the store", unavailable, func() error {
		run, err := c.store.FindRun(ctx, c.run.Name)
		if err == nil {
			c.refresh(run)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.open(ctx)
}

// findSeeds finds where the chains of the run's corpus begin.
func (c corpora) findSeeds(ctx context.Context) error {
	kind, _ := c.set.Kinds().Lists(c.run.Corpus)
	if kind.Listing.Seeds == nil {
		c.seeds = []string{c.run.Corpus}
		return nil
	}
	var since time.Time
	if c.run.Base != "" {
		err := c.retryUnavailable(ctx, "the store", unavailable, func() error {
			base, err := c.store.FindRun(ctx, c.run.Base)
			since = base.OpenedAt
			return err
		})
		if c.opened {
			c.Say(fmt.Sprintf("{since} is %s, when run %s was opened", since.Format(time.DateTime+" MST"), c.run.Base))
		}
		if err != nil {
			return fmt.Errorf("the run before run %s, whose opening {since} stands for: %w", c.run.Name, err)
		}
	}
	if c.store == nil { // to look
		since = time.Now().AddDate(0, -3, 0)
	}
	seeds, err := kind.Listing.Seeds(c.run.Corpus, since)
	if err != nil {
		return config.Usagef("--corpus %v", err)
	}
	c.seeds = seeds
	return nil
}

// listed reports whether the corpus table holds all of the corpus.
func (c corpora) listed(ctx context.Context) (done bool, err error) {
	err = c.retryUnavailable(ctx, "the store", unavailable, func() error {
		n, err := c.store.ChainsDone(ctx, c.run.Name)
		done = n >= len(c.seeds)
		return err
	})
	return done, err
}

// chain returns how far the enumeration of the run's corpus has come.
func (c corpora) chain(ctx context.Context) (chain harvest.Chain, err error) {
	err = c.retryUnavailable(ctx, "the store", unavailable, func() error {
		chain, err = c.store.Chain(ctx, c.run.Name, c.run.Corpus)
		return err
	})
	return chain, err
}

// reopen opens the corpus for another pass: the table, if there is one.
func (c corpora) reopen(ctx context.Context) error {
	if c.listsPages() {
		c.source = &walked{p: c.process, ctx: ctx}
		return nil
	}
	if c.run.Corpus != "-" && !c.isListing(c.run.Corpus) && c.set.Corpus != harvest.StoreCorpus {
		return c.openNext(ctx)
	}
	done, err := c.listed(ctx)
	if err == nil && !done {
		err = fmt.Errorf("%w: the corpus of run %s is not enumerated to its end: start %s", worker.ErrIncomplete, c.run.Name, runs.FilledBy(c.run))
	}
	c.source = &enumerated{host: c.run.Host, ctx: ctx, table: c.table()}
	return err
}

// table is the run's corpus table.
func (c corpora) table() *listing.Table {
	return &listing.Table{
		Chains: c.store, Run: c.run.Name, Seeds: c.seeds, Patience: c.set.Patience, Source: runs.FilledBy(c.run), Say: c.Say, Short: c.shortListing(), Abreast: c.set.Concurrency,
		Again: c.again,
	}
}

// shortListing returns the sentence for a run in which no listing continued.
func (c corpora) shortListing() string {
	if c.set.Next == "" || c.set.Next == plain.NextNone {
		return ""
	}
	return "every listing ended with its first answer: is --next right? --try shows the next step of a listing"
}

// enumerated is a corpus that is read from the run's corpus table, which fills while it is read.
type enumerated struct {
	host  string
	ctx   context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
	table *listing.Table
}

func (e *enumerated) Host() string { return e.host }

func (e *enumerated) Close() error { return nil }

func (e *enumerated) Fraction() float64 {
	if e.table == nil {
		return 0
	}
	return e.table.Fraction()
}

func (e *enumerated) Entries() iter.Seq2[harvest.Entry, error] { return e.table.Entries(e.ctx) }

// walked is a listing whose answers are the pages, as a corpus to compare with.
type walked struct {
	p   *process
	ctx context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
}

func (w *walked) Host() string { return w.p.run.Host }

func (w *walked) Close() error { return nil }

func (w *walked) Fraction() float64 { return 0 }

func (w *walked) Entries() iter.Seq2[harvest.Entry, error] {
	return listing.Walked(w.ctx, w.p.store, w.p.run.Name, w.p.seeds)
}
