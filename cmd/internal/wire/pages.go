package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/canary"
	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// pageWalker lands the answers of a listing as pages, each together with its step. As a worker does with items, it keeps
// back what may be a mistake of ours: pages that did not land before any has, and refusals of who we are.
type pageWalker struct {
	h      *Harvester
	caller exchange.Caller
	served served
	sights sights
	doubt  *coordinator.Doubt
	landed bool // something of the run has
	limit  int  // steps to land, 0 for no limit
	canary *canary.Canary

	mu    sync.Mutex
	steps map[string]*step // by seed
	taken int              // steps that ended, for --limit
}

// step is what became of the step that a chain is at.
type step struct {
	page harvest.Page
	then string
	held bool // it is not to land yet

	parked  bool // its chain was told to wait
	verdict bool // an answer that ends the chain
}

func (h *Harvester) pageWalker(landed bool) *pageWalker {
	w := &pageWalker{h: h, caller: h.caller(), doubt: h.doubt(), landed: landed, limit: h.tour.limit(h.set.Limit), steps: map[string]*step{}}
	w.canary = canary.New(canary.Settings{Off: h.set.NoCanary, Fresh: !landed, Patient: h.set.Shard.Of > 1}) // Release asks for listings of other shards first
	w.caller.Detail = reading{h.kind, h.client}.Detail
	w.caller.Served = w.served.since
	w.caller.Witnesses = h.witnesses()
	if landed {
		w.served.before()
	}
	return w
}

// Chain implements coordinator.Chains.
func (w *pageWalker) Chain(ctx context.Context, run, seed string) (harvest.Chain, error) {
	return w.h.truth.Chain(ctx, run, seed)
}

// ChainsDone implements coordinator.Chains: those of other shards are counted by others.
func (w *pageWalker) ChainsDone(context.Context, string) (int, error) { return -1, nil }

// CorpusRows implements coordinator.Chains.
func (w *pageWalker) CorpusRows(context.Context, string, int64, int) ([]harvest.Entry, error) {
	return nil, nil
}

// errLimit: --limit is reached.
var errLimit = fmt.Errorf("%w: --limit is reached", coordinator.ErrParked)

// List implements coordinator.Lister.
func (w *pageWalker) List(ctx context.Context, at harvest.Chain) (_ []harvest.Entry, then string, err error) {
	if had, err := w.resume(at.Seed); had != nil || err != nil {
		return nil, had.goesOn(), cmp.Or(err, had.end())
	}
	request, err := w.h.listRequest(at)
	if err != nil {
		return nil, "", err
	}
	var page harvest.Page
	var more string
	requests, err := w.caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := w.h.kind.api.ReadList(request, at.Seed, at.Step, answer, nil)
		more = listed.More
		w.sights.see(at.Seed, listed.Sight)
		if then = after; read.Fault == harvest.FaultNone { // the page holds the answer's memory until it has landed
			pages := []harvest.Page{listed.Page}
			answer.Hold(1)
			exchange.Share(answer, pages)
			page = pages[0]
			maskPage(w.h.client, &page)
		}
		return maskCause(w.h.client, read)
	})
	refused, ok := errors.AsType[*exchange.Refused](err)
	switch {
	case ok && refusedCursor(refused, at):
		w.uncount()
		return nil, "", fmt.Errorf("%w: %w", coordinator.ErrCursor, err)
	case ok && refused.Verdict.Outcome == "":
		return nil, "", fmt.Errorf("%w: %w", coordinator.ErrBroken, err)
	case ok:
		return nil, "", w.keep(at, request.URL, refused)
	case err != nil:
		return nil, "", err
	}
	page.Attempts = requests
	w.served.now()
	if err := w.doubt.Step(ctx, request.URL, then, more); err != nil {
		w.uncount()
		page.Answer.Release()
		return nil, "", err
	}
	class := retry.ClassEnded
	if page.Outcome == harvest.Landed {
		class = retry.ClassAccepted
	}
	return nil, then, w.judge(at.Seed, &step{page: page, then: then}, class, request.URL+": "+page.Reason)
}

// Observed implements coordinator.Observer.
func (w *pageWalker) Observed(seed string) string { return w.sights.of(seed) }

// End implements coordinator.Ender: a cursor that is refused for good is a page that says so.
func (w *pageWalker) End(at harvest.Chain, why error) error {
	refused, ok := errors.AsType[*exchange.Refused](why)
	if !ok {
		return why
	}
	request, err := w.h.kind.api.ListRequest(at.Seed, at.Next)
	if err != nil {
		return config.Usagef("%v", err)
	}
	w.h.Log.Warn("a listing is cut off where its cursor is refused again and again", "url", request.URL, "status", refused.Verdict.Status, "step", at.Step)
	return w.keep(at, request.URL, refused)
}

// keep makes the answer that ends a chain its last page.
func (w *pageWalker) keep(at harvest.Chain, url string, refused *exchange.Refused) error {
	page := refused.Verdict
	page.Key, page.URL = harvest.StepKey(at.Seed, at.Step), url
	s := &step{page: page, verdict: true}
	if err := w.judge(at.Seed, s, refused.Class, refused.Text); err != nil {
		return err
	}
	return coordinator.ErrEnded
}

// resume is the step that was held back, once it need not be any more. Nil: it is to be asked for.
func (w *pageWalker) resume(seed string) (*step, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	had := w.steps[seed]
	switch {
	case had != nil && had.held:
		return nil, parked{w.refusal()}
	case had == nil && w.limit > 0 && w.taken >= w.limit:
		return nil, errLimit
	case had == nil:
		w.taken++
	default:
		had.parked = false
	}
	return had, nil
}

// uncount is for a step that is to be taken once more, or was there already.
func (w *pageWalker) uncount() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken--
}

func (s *step) goesOn() string {
	if s == nil {
		return ""
	}
	return s.then
}

func (s *step) end() error {
	if s != nil && s.verdict {
		return coordinator.ErrEnded
	}
	return nil
}

// judge keeps what became of a step for CommitStep. ErrParked: the canary holds it.
func (w *pageWalker) judge(seed string, s *step, class retry.Class, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps[seed] = s
	verdict, released := w.canary.ObserveStep(&s.page, class, text)
	w.release(released)
	s.held, s.parked = verdict.Hold, verdict.Hold
	switch {
	case verdict.Stop != "":
		return w.refusal()
	case s.held:
		return parked{w.refusal()}
	}
	return nil
}

// release lets steps land whose pages the canary gave back.
func (w *pageWalker) release(pages []harvest.Page) {
	for i := range pages {
		for _, s := range w.steps {
			if s.held && s.page.Key == pages[i].Key {
				s.page, s.held = pages[i], false
			}
		}
	}
}

// CommitStep implements coordinator.Chains.
func (w *pageWalker) CommitStep(ctx context.Context, _ string, to harvest.Chain, _ []harvest.Entry) error {
	w.mu.Lock()
	page := w.steps[to.Seed].page
	w.mu.Unlock()
	page.Key, page.Chain = harvest.StepKey(to.Seed, to.Step), &to
	pages := []harvest.Page{page}
	if to.Done {
		gone, err := w.gone(ctx, page)
		if err != nil {
			return err
		}
		pages = append(pages, gone...)
	}
	counts, err := w.h.lease.Land(context.WithoutCancel(ctx), pages)
	if err != nil {
		return err
	}
	w.h.tally.Landed(counts)
	if counts.Landed > 0 {
		w.h.tally.Recorded(pages[:1])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	page.Answer.Release()
	delete(w.steps, to.Seed)
	if counts.Items() == 0 {
		w.taken--
	}
	return nil
}

// reasonNotListed is that of a step that was put back, of a listing that is shorter now.
const reasonNotListed = "not_listed"

// gone are the steps behind the last one that the store lacks: a listing that is walked once more may be shorter.
func (w *pageWalker) gone(ctx context.Context, last harvest.Page) (pages []harvest.Page, err error) {
	chain, err := w.h.truth.Chain(ctx, w.h.run.Name, last.Chain.Seed)
	if err != nil || chain.Step <= last.Chain.Step {
		return nil, err
	}
	var keys []harvest.Key
	for step := last.Chain.Step + 1; step <= chain.Step; step++ {
		keys = append(keys, harvest.StepKey(chain.Seed, step))
	}
	known, err := w.h.truth.Known(ctx, w.h.run.Name, keys)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		if !known[i] {
			pages = append(pages, harvest.Page{Key: key, URL: last.URL, Outcome: harvest.Missing, Reason: reasonNotListed, Attempts: 1, FetchedAt: time.Now()})
		}
	}
	return pages, nil
}

// drainListing walks the chains of the shard to their ends.
func (h *Harvester) drainListing(ctx context.Context) (Outcome, error) {
	out := Outcome{Run: h.run}
	totals, err := h.totals(ctx)
	if err != nil {
		return out, err
	}
	w := h.pageWalker(totals.Landed > 0)
	generation := h.lease.Fingerprint()
	var own []string
	for _, seed := range h.seeds {
		if h.set.Shard.Owns(harvest.KeyOf(seed)) {
			own = append(own, seed)
		}
	}
	walk, end := h.untilStopped(ctx, 0)
	defer end()
	table := &coordinator.Table{Chains: w, Lister: w, Run: h.run.Name, Seeds: own, Pages: true, Abreast: h.set.Concurrency, Say: h.Say, Short: h.shortListing(), Again: func(ctx context.Context, do func() error) error {
		return h.patiently(ctx, "the store", unavailable, do)
	}}
	err = table.Fill(walk, func(int) {})
	if cause := context.Cause(walk); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	switch {
	case errors.Is(err, store.ErrFenced):
		err = worker.ErrFenced
	case errors.Is(err, errLimit):
		return out, nil
	}
	if err == nil && h.lease.Fingerprint() != generation { // what was there when the walk began may not be there any more
		err = worker.ErrAnother
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
	began, before := time.Now(), h.tally.Sum().Items
	shard := h.set.Shard
	return func() harvest.Progress {
		pace := h.pacer.State()
		return harvest.Progress{
			Run: h.run.Name, Shard: shard, Started: began, Now: time.Now(), Counts: h.tally.Sum().Items.Minus(before),
			Budget: pace.Budget, Lowered: pace.Lowered, Limit: harvest.Limit(pace.Limit), SilentUntil: pace.Until, Stuck: h.tally.Stuck(time.Now(), false),
		}
	}
}
