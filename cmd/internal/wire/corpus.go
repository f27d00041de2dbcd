package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/worker"
)

// openNamedCorpus comes before the store, so that a mistyped path leaves no store behind. A table is opened with its run,
// for which a worker may have to wait.
func (h *Harvester) openNamedCorpus(ctx context.Context) error {
	if h.set.Corpus == "" || h.set.AutoShard || h.set.Corpus == harvest.StoreCorpus && h.waitsForRun() {
		return nil
	}
	return h.openCorpus(ctx)
}

// openRunsCorpus opens the corpus that the run was opened with, if none was named.
func (h *Harvester) openRunsCorpus(ctx context.Context) error {
	if h.source != nil {
		return nil
	}
	said := h.set.Corpus
	if err := h.adoptRun(ctx); err != nil {
		return err
	}
	err := h.openCorpus(ctx)
	if errors.Is(err, config.ErrUsage) && said == "" {
		return config.Usagef("the corpus of run %s is not here (%v). In the folder where it is, type this once, then start the workers again; it needs no credential: coordinator enumerate --run %s%s", h.set.Run, err, h.set.Run, h.storeFlag())
	}
	return err
}

// storeFlag is how another command is told of this store; a password stays where it is.
func (h *Harvester) storeFlag() string {
	if h.set.Source("store").Kind == config.FromFlag {
		return " --store " + quote(h.set.Store)
	}
	return ""
}

// openCorpus reads on to the first item, which says what host this is about, and
// settles what depends on it.
func (h *Harvester) openCorpus(ctx context.Context) error {
	if kind := h.set.Kind(); kind.NeedsAPI(h.set.UpstreamSettings()) {
		return config.Usagef("which %s? Add --api %s", kind.Noun, kind.API)
	}
	if h.set.Corpus == harvest.StoreCorpus || h.isListing(h.set.Corpus) {
		return h.openTable(ctx)
	}
	if address := h.set.Corpus; strings.HasPrefix(strings.ToLower(address), "https://") {
		if canonical, err := harvest.CanonicalURL(address); err == nil {
			if err := h.set.CheckContact(harvest.HostOf(canonical)); err != nil {
				return err
			}
		}
	}
	var download *http.Client
	var first string
	var err error
	if strings.Contains(h.set.Corpus, "://") { // a file needs no certificates
		if download, err = fetch.Downloader(fetchConfig(h.set, "", h.set.Corpus)); err != nil {
			return config.Usagef("%v", err)
		}
	}
	err = h.patiently(ctx, "the corpus", func(err error) bool { return errors.Is(err, corpus.ErrAway) }, func() error {
		cfg := corpus.Config{
			URI: h.set.Corpus, Template: h.set.URL, Hosts: h.corpusHosts(), Exposed: h.set.Exposes, PostIsRead: h.set.PostIsRead, Stdin: h.Stdin, HTTP: download, Patience: h.set.Patience,
		}
		if err := h.readLines(&cfg); err != nil {
			return err
		}
		opened, err := corpus.Open(ctx, cfg)
		switch {
		case err == nil:
			h.source, first = keyed{opened, h}, opened.First()
			h.onClose(h.closeCorpus)
			return nil
		case errors.Is(err, corpus.ErrIDs):
			return config.Usagef("%v", err)
		case errors.Is(err, corpus.ErrAllRejected) && h.set.MaxRejected.Exceeded(1, 1):
			return fmt.Errorf("%w: %w", ErrOverLimit, err)
		case errors.Is(err, corpus.ErrDamaged), errors.Is(err, corpus.ErrAway), ctx.Err() != nil:
			return err
		}
		return config.Usagef("%v", err)
	})
	if err != nil {
		return err
	}
	if h.set, err = h.set.ForHost(h.source.Host()); err != nil {
		return err
	}
	return h.set.CheckCredential(first)
}

// source is the corpus, whatever it is read from.
type source interface {
	worker.Corpus
	Host() string
	Close() error
}

// closeCorpus waits for a reader that is still in the corpus.
func (h *Harvester) closeCorpus() error {
	if h.source == nil {
		return nil
	}
	if h.worker != nil {
		select {
		case <-h.worker.Reading():
		case <-time.After(time.Second):
			return nil // the process ends; a read that cannot be interrupted ends with it
		}
	}
	source := h.source
	h.source = nil
	return source.Close()
}

// corpusHosts are the hosts that items may have; none means that of the first item.
func (h *Harvester) corpusHosts() []string {
	if len(h.set.AllowHosts) == 0 || h.set.URL == "" {
		return h.set.AllowHosts
	}
	return append([]string{harvest.HostOf(h.set.URL)}, h.set.AllowHosts...)
}
