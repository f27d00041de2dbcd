package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/corpus"
	"shoal/internal/harvest"
	"shoal/internal/plain"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// isListing tells whether a corpus is what the upstream lists.
func isListing(uri string) bool { return strings.HasPrefix(uri, wikiScheme) || isPartnerListing(uri) }

// isPartnerListing tells whether a corpus is list:URL.
func isPartnerListing(uri string) bool { return strings.HasPrefix(uri, plain.ListScheme) }

// listsPages tells whether the answers of a listing are the pages themselves.
func (h *Harvester) listsPages() bool {
	uri := h.run.Corpus
	if uri == "" {
		uri = h.set.Corpus
	}
	return isPartnerListing(uri) && h.set.Items == ""
}

// listingHost is the host of a listing, which is that of its items too.
func (h *Harvester) listingHost() (string, error) {
	seeds, err := plain.ParseListing(h.set.Corpus, time.Now()) // the instant is known when the run is
	if err != nil {
		return "", config.Usagef("--corpus %v", err)
	}
	host := harvest.HostOf(seeds[0])
	if of := harvest.HostOf(h.set.URL); h.set.URL != "" && of != host {
		return "", config.Usagef("--corpus lists what is on %s, and --url is on %s: one run is about one host", host, of)
	}
	return host, nil
}

// findSeeds says where the chains of the run's corpus begin.
func (h *Harvester) findSeeds(ctx context.Context) error {
	if !isPartnerListing(h.run.Corpus) {
		h.seeds = []string{h.run.Corpus}
		return nil
	}
	var since time.Time
	if h.run.Base != "" {
		err := h.patiently(ctx, "the store", unavailable, func() error {
			base, err := h.truth.FindRun(ctx, h.run.Base)
			since = base.OpenedAt
			return err
		})
		if err != nil {
			return fmt.Errorf("the run before run %s, whose opening {since} stands for: %w", h.run.Name, err)
		}
	}
	if h.truth == nil { // to look
		since = time.Now().AddDate(0, -3, 0)
	}
	seeds, err := plain.ParseListing(h.run.Corpus, since)
	if err != nil {
		return config.Usagef("--corpus %v", err)
	}
	h.seeds = seeds
	return nil
}

// baseOf is the run before a new one: the newest finished one of the same host.
func baseOf(runs []harvest.Run, given harvest.Run) string {
	if !strings.Contains(given.Corpus, "{since}") {
		return ""
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Host == given.Host && !run.FinishedAt.IsZero() })
	if at < 0 {
		return ""
	}
	return runs[at].Name
}

// refusedCursor tells whether an answer says that a step after the first is not known any more.
func refusedCursor(err error, at harvest.Chain) bool {
	refused, ok := errors.AsType[*worker.Refused](err)
	return ok && at.Step > 1 && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}, refused.Status)
}

// itemLister enumerates the items that a listing names, a request a step.
type itemLister struct {
	h      *Harvester
	caller worker.Caller
}

// List implements coordinator.Lister.
func (l *itemLister) List(ctx context.Context, at harvest.Chain) (items []harvest.Item, then string, err error) {
	item, err := corpus.Items(l.h.set.URL)
	if err != nil {
		return nil, "", config.Usagef("%v", err)
	}
	request, err := l.h.kind.api.ListRequest(at.Seed, at.Next)
	if err != nil {
		return nil, "", config.Usagef("%v", err)
	}
	onHost := func(text string) (harvest.Item, error) {
		made, err := item(text)
		if err == nil && harvest.HostOf(made.URL) != l.h.run.Host {
			err = fmt.Errorf("%s is not on %s", harvest.Quote(made.URL), l.h.run.Host)
		}
		return made, err
	}
	err = l.caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := l.h.kind.api.ReadList(request, at.Seed, at.Next, at.Step, answer, onHost)
		if items, then = listed.Items, after; listed.Rejected > 0 {
			l.h.Log.Warn("a listing names what are no items", "url", request.URL, "values", listed.Rejected)
		}
		return read
	})
	if refusedCursor(err, at) {
		err = fmt.Errorf("%w: %w", coordinator.ErrCursor, err)
	}
	return items, then, err
}

// pageWalker lands the answers of a listing as pages, each together with its step.
type pageWalker struct {
	h      *Harvester
	caller worker.Caller

	mu     sync.Mutex
	pages  map[string]harvest.Page // by seed
	counts harvest.Counts
}

// Chain implements coordinator.Chains.
func (w *pageWalker) Chain(ctx context.Context, run, seed string) (harvest.Chain, error) {
	return w.h.truth.Chain(ctx, run, seed)
}

// ChainsDone implements coordinator.Chains: those of other shards are counted by others.
func (w *pageWalker) ChainsDone(context.Context, string) (int, error) { return -1, nil }

// CorpusRows implements coordinator.Chains.
func (w *pageWalker) CorpusRows(context.Context, string, int64, int) ([]harvest.Item, error) {
	return nil, nil
}

// List implements coordinator.Lister.
func (w *pageWalker) List(ctx context.Context, at harvest.Chain) (_ []harvest.Item, then string, err error) {
	request, err := w.h.kind.api.ListRequest(at.Seed, at.Next)
	if err != nil {
		return nil, "", config.Usagef("%v", err)
	}
	var page harvest.Page
	err = w.caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := w.h.kind.api.ReadList(request, at.Seed, at.Next, at.Step, answer, nil)
		page, then = listed.Page, after
		page.Body, page.Raw, page.Answer = bytes.Clone(page.Body), bytes.Clone(page.Raw), nil // the answer's memory is given back
		return read
	})
	switch {
	case refusedCursor(err, at):
		return nil, "", fmt.Errorf("%w: %w", coordinator.ErrCursor, err)
	case err != nil && at.Step == 1 && w.isEmpty(err):
		page, then = harvest.Page{Key: plain.StepKey(at.Seed, 1), URL: request.URL, Outcome: harvest.Missing, Status: http.StatusNotFound, Reason: "http_404", FetchedAt: time.Now()}, ""
	case err != nil:
		return nil, "", err
	}
	page.Attempts = 1
	w.mu.Lock()
	w.pages[at.Seed] = page
	w.mu.Unlock()
	return nil, then, nil
}

// isEmpty takes a seed that is not there for one without a page, once some page of the run has landed: before that the
// path is more likely to be wrong.
func (w *pageWalker) isEmpty(err error) bool {
	refused, ok := errors.AsType[*worker.Refused](err)
	w.mu.Lock()
	defer w.mu.Unlock()
	return ok && (refused.Status == http.StatusNotFound || refused.Status == http.StatusGone) && (w.counts.Landed > 0 || w.h.set.NoCanary)
}

// CommitStep implements coordinator.Chains.
func (w *pageWalker) CommitStep(ctx context.Context, _ string, to harvest.Chain, _ []harvest.Item) error {
	w.mu.Lock()
	page := w.pages[to.Seed]
	w.mu.Unlock()
	page.Chain = &to
	counts, err := w.h.lease.Land(context.WithoutCancel(ctx), []harvest.Page{page})
	if err != nil {
		return err
	}
	w.h.tally.Landed(counts)
	w.mu.Lock()
	w.counts = w.counts.Plus(counts)
	w.mu.Unlock()
	return nil
}

// drainListing walks the chains of the shard to their ends.
func (h *Harvester) drainListing(ctx context.Context) (Outcome, error) {
	out := Outcome{Run: h.run}
	totals, err := h.totals(ctx)
	if err != nil {
		return out, err
	}
	w := &pageWalker{h: h, caller: h.caller(), pages: map[string]harvest.Page{}, counts: harvest.Counts{Landed: totals.Landed}}
	var own []string
	for _, seed := range h.seeds {
		if h.set.Shard.Owns(harvest.KeyOf(seed)) {
			own = append(own, seed)
		}
	}
	walk, end := h.untilStopped(ctx, 0)
	defer end()
	table := &coordinator.Table{Chains: w, Lister: w, Run: h.run.Name, Seeds: own, Pages: true, Abreast: h.set.Concurrency, Again: func(ctx context.Context, do func() error) error {
		return h.patiently(ctx, "the store", unavailable, do)
	}}
	err = table.Fill(walk, func(int) {})
	if cause := context.Cause(walk); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if errors.Is(err, store.ErrFenced) {
		err = worker.ErrFenced
	}
	if err != nil {
		return out, err
	}
	settle, stop := h.untilStopped(ctx, lastWord)
	defer stop()
	h.report(settle, lastWord/2, false)
	return out, h.settle(settle, worker.Result{Complete: true}, &out)
}

// listingProgress is what a walk of chains shows: how many there will be nobody knows before they have ended.
func (h *Harvester) listingProgress() func() harvest.Progress {
	began, before := time.Now(), h.tally.Sum()
	shard := h.set.Shard
	return func() harvest.Progress {
		sum := h.tally.Sum()
		pace := h.pacer.State()
		p := harvest.Progress{
			Run: h.run.Name, Shard: shard, Started: began, Now: time.Now(), Counts: minus(sum.Items, before.Items),
			Requests: sum.Requests - before.Requests, Wire: sum.Wire - before.Wire, Budget: pace.Budget, Limit: harvest.Limit(pace.Limit), SilentUntil: pace.Until,
		}
		for reason, n := range sum.Retries {
			p.Retries += n - before.Retries[reason]
		}
		for source, s := range sum.Pauses {
			p.Pauses += s.Times - before.Pauses[source].Times
		}
		return p
	}
}

// walked is a listing whose answers are the pages, as a corpus to compare with: the steps of chains that have ended.
type walked struct {
	h   *Harvester
	ctx context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
}

func (w *walked) Host() string      { return w.h.run.Host }
func (w *walked) Close() error      { return nil }
func (w *walked) Fraction() float64 { return 0 }

func (w *walked) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		line := int64(0)
		for _, seed := range w.h.seeds {
			chain, err := w.h.truth.Chain(w.ctx, w.h.run.Name, seed)
			if err == nil && !chain.Done {
				err = fmt.Errorf("%w: the listing %s has come to step %d and not to its end", worker.ErrIncomplete, harvest.Quote(seed), chain.Step)
			}
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			for step := int64(1); step <= chain.Step; step++ {
				line++
				if !yield(harvest.Entry{Item: harvest.Item{Key: plain.StepKey(seed, step), Line: line}}, nil) {
					return
				}
			}
		}
	}
}

// firstSteps are the first steps of a listing's chains, to be looked at.
type firstSteps struct{ h *Harvester }

func (f *firstSteps) Host() string      { return f.h.run.Host }
func (f *firstSteps) Close() error      { return nil }
func (f *firstSteps) Fraction() float64 { return 0 }

func (f *firstSteps) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for _, seed := range f.h.seeds {
			request, err := f.h.kind.api.ListRequest(seed, "")
			if err != nil {
				yield(harvest.Entry{}, config.Usagef("%v", err))
				return
			}
			if !yield(harvest.Entry{Item: harvest.Item{Key: plain.StepKey(seed, 1), URL: request.URL}}, nil) {
				return
			}
		}
	}
}
