package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// Into how many shards a run is cut where nobody said. Where a request holds many items, each shard ends with a request
// that is not full: few shards keep requests full.
const (
	shardsOfMany  = 64
	shardsOfPacks = 8
)

// leadPoll is how often whoever leads a run looks at it.
const leadPoll = time.Second

// Led is how a led run ended.
type Led struct {
	Run    harvest.Run
	Totals harvest.Counts
	Proof  coordinator.Proof
	Report coordinator.Report
	Seen   status.Seen
}

// Lead opens the run, enumerates its corpus where only this process can read it, waits until workers have drained its
// shards, and proves by key that nothing is missing.
func Lead(ctx context.Context, env Env, set config.Worker) (Led, error) {
	h := newLeader(env, set)
	life, end := h.untilStopped(ctx, 0)
	defer h.close()
	defer end()
	led, err := h.lead(life)
	led.Run = h.run
	if cause := context.Cause(life); err != nil && errors.Is(cause, worker.ErrStopped) {
		err = cause
	}
	return led, err
}

func (h *Harvester) lead(ctx context.Context) (led Led, err error) {
	steps := []func(context.Context) error{h.checkUpstream, h.openStore, h.adoptTemplate, h.openNamedCorpus, h.openRunsCorpus, h.openRun, h.findSeeds}
	if err := h.interruptible(ctx, steps...); err != nil {
		return led, err
	}
	leadership, err := h.toLead(ctx)
	if err != nil {
		return led, err
	}
	defer func() { leadership.Close() }()
	var filling sync.WaitGroup
	defer filling.Wait() // after end: it must have been told to stop
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if err := h.mayFill(ctx); err != nil {
		return led, err
	}
	if h.enumerates() {
		if err := h.prepareTable(ctx); err != nil {
			return led, err
		}
		filling.Go(func() {
			if err := h.fill(ctx, h.filler()); err != nil && ctx.Err() == nil {
				end(fmt.Errorf("enumerate the corpus of run %s: %w", h.run.Name, err))
			}
		})
	}
	for {
		h.leading.Store(true)
		led, err = h.oversee(ctx, leadership)
		h.leading.Store(false)
		if !errors.Is(err, store.ErrHeld) {
			break
		}
		h.Say(fmt.Sprintf("the connection that led run %s was lost", h.run.Name))
		leadership.Close()
		var again store.Leadership
		if again, err = h.toLead(ctx); err != nil {
			break
		}
		leadership = again
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return led, err
}

// toLead returns when nobody else leads the run.
func (h *Harvester) toLead(ctx context.Context) (leadership store.Leadership, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() (err error) {
		leadership, err = h.truth.Lead(ctx, h.run.Name, owner(), h.Say)
		return err
	})
	return leadership, err
}

// obedient lists while this process leads the run and nobody drains it.
type obedient struct {
	coordinator.Lister
	h *Harvester
}

// List implements coordinator.Lister.
func (o obedient) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	tick := time.NewTicker(control.Poll)
	defer tick.Stop()
	for o.h.orders.Draining() || !o.h.leading.Load() {
		select {
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		case <-tick.C:
		}
	}
	return o.Lister.List(ctx, at)
}

// Observed implements coordinator.Observer.
func (o obedient) Observed(seed string) string {
	if l, ok := o.Lister.(coordinator.Observer); ok {
		return l.Observed(seed)
	}
	return ""
}

// Release implements coordinator.Releaser.
func (o obedient) Release(ctx context.Context) bool {
	l, ok := o.Lister.(coordinator.Releaser)
	return ok && l.Release(ctx)
}

// enumerates tells whether this process fills the corpus table: from what only it can read, or by asking the upstream once.
func (h *Harvester) enumerates() bool {
	return h.set.Corpus == "-" || isListing(h.run.Corpus) && !h.listsPages()
}

// mayFill refuses to wait for rows of the table that nobody will bring. What is only read in the end is closed until then.
func (h *Harvester) mayFill(ctx context.Context) error {
	if h.enumerates() {
		return nil
	}
	if err := h.closeCorpus(); err != nil {
		return err
	}
	if h.run.Corpus != "-" {
		return nil
	}
	chain, err := h.chain(ctx)
	if err == nil && !chain.Done {
		err = config.Usagef("run %s reads its corpus from standard input, and not all of it is in the store yet: give it again with --corpus -", h.run.Name)
	}
	return err
}

// listed tells whether the corpus table holds all of the corpus.
func (h *Harvester) listed(ctx context.Context) (done bool, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() error {
		n, err := h.truth.ChainsDone(ctx, h.run.Name)
		done = n >= len(h.seeds)
		return err
	})
	return done, err
}

// chain is how far the enumeration of the run's corpus has come.
func (h *Harvester) chain(ctx context.Context) (chain harvest.Chain, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() error {
		chain, err = h.truth.Chain(ctx, h.run.Name, h.run.Corpus)
		return err
	})
	return chain, err
}

// prepareTable gets ready to ask the upstream for a listing.
func (h *Harvester) prepareTable(ctx context.Context) error {
	if !isListing(h.run.Corpus) {
		return nil
	}
	h.startReports(ctx)
	return h.interruptible(ctx, h.takeOrders, h.openRedis, h.openUpstream, h.introduceOurselves)
}

// filler is the run's table with what fills it.
func (h *Harvester) filler() *coordinator.Table {
	table := h.table()
	if isListing(h.run.Corpus) {
		table.Lister = obedient{h.listing(), h}
		return table
	}
	stream := coordinator.NewStream(h.source.Entries())
	h.onClose(func() error { stream.Close(); return nil })
	table.Lister = stream
	return table
}

// oversee waits until the run is drained, proves it complete and finishes it. Where the corpus has grown since the run
// was drained there is more to wait for.
func (h *Harvester) oversee(ctx context.Context, leadership store.Leadership) (led Led, err error) {
	view := &overview{h: h}
	if h.Watch != nil {
		h.Watch(view.progress)
	}
	for {
		if err := view.wait(ctx, leadership); err != nil {
			return led, err
		}
		h.Say(fmt.Sprintf("all shards of run %s are drained: comparing the keys of its corpus with those in the store", h.run.Name))
		if led.Proof, err = h.prove(ctx); err != nil {
			return led, err
		}
		more, err := h.judge(ctx, led.Proof)
		if err != nil {
			return led, err
		}
		if !more {
			break
		}
	}
	err = h.patiently(ctx, "the store", unavailable, func() error {
		finished, err := h.truth.FinishRun(ctx, h.run.Name)
		if err == nil && !finished {
			err = fmt.Errorf("%w: a shard of run %s was opened again while the keys were compared; start the same command again", worker.ErrIncomplete, h.run.Name)
		}
		return err
	})
	if err != nil {
		return led, err
	}
	if led.Totals, err = h.totals(ctx); err != nil {
		return led, err
	}
	err = h.patiently(ctx, "the store", unavailable, func() error {
		led.Report, err = CompileReport(ctx, h.truth, h.run.Name)
		return err
	})
	if err != nil {
		return led, err
	}
	led.Seen = h.examples(ctx, status.Seen{Refused: led.Report.Refused, Budget: led.Report.Budget}, led.Totals)
	return led, OverLimit(h.set, led.Totals, led.Proof.Distinct)
}

// judge says what the proof means: more to wait for, or an error.
func (h *Harvester) judge(ctx context.Context, proof coordinator.Proof) (more bool, err error) {
	if proof.Digest.Count > 0 && proof.Missing > 0 && proof.Digest.Count > h.run.CorpusItems && proof.Prefix == h.run.CorpusSum {
		err := h.settleDigest(ctx, worker.Result{Digest: proof.Digest, Prefix: proof.Prefix})
		return err == nil, err
	}
	err = Incomplete(h.run, proof)
	if proof.Missing > 0 && !h.listsPages() {
		reopening := h.patiently(ctx, "the store", unavailable, func() error { return h.truth.Reopen(ctx, h.run.Name) })
		if reopening != nil {
			return false, errors.Join(err, reopening)
		}
		err = fmt.Errorf("%w; its shards are open again: start workers, which fetch what is missing, and then this command", err)
	}
	return false, err
}

// Incomplete is the error of a proof that failed; nil for one that holds.
func Incomplete(run harvest.Run, p coordinator.Proof) error {
	var what []string
	if p.Missing > 0 {
		what = append(what, fmt.Sprintf("%d of %d items of its corpus have not ended, such as %s", p.Missing, p.Distinct, lines(p.Examples)))
	}
	if p.Extra > 0 {
		what = append(what, fmt.Sprintf("%d items that have ended are not in its corpus, such as key %s", p.Extra, p.Strays[0]))
	}
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("%w: run %s: %s", worker.ErrIncomplete, run.Name, strings.Join(what, "; "))
}

func lines(numbers []int64) string {
	all := make([]string, len(numbers))
	for i, n := range numbers {
		all[i] = fmt.Sprintf("line %d", n)
	}
	return strings.Join(all, ", ")
}

// prove compares the corpus, in a second pass, with the keys in the store. It only reads, so where the store goes away in
// the middle it begins again.
func (h *Harvester) prove(ctx context.Context) (p coordinator.Proof, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() (err error) {
		if err := h.reopen(ctx); err != nil {
			return err
		}
		p, err = coordinator.Prove(ctx, os.TempDir(), h.source.Entries(), h.truth.Keys(ctx, h.run.Name), h.run.CorpusItems)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("verify run %s: %w", h.run.Name, err)
	}
	return p, nil
}

// reopen opens the corpus for another pass: the table, where there is one.
func (h *Harvester) reopen(ctx context.Context) error {
	if h.listsPages() {
		h.source = &walked{h: h, ctx: ctx}
		return nil
	}
	if h.run.Corpus != "-" && !isListing(h.run.Corpus) && h.set.Corpus != harvest.StoreCorpus {
		return h.openNextCorpus(ctx)
	}
	done, err := h.listed(ctx)
	if err == nil && !done {
		err = fmt.Errorf("%w: the corpus of run %s is not enumerated to its end: start %s", worker.ErrIncomplete, h.run.Name, h.tableSource())
	}
	h.source = &enumerated{host: h.run.Host, ctx: ctx, table: h.table()}
	return err
}

// Verify runs the proof alone.
func Verify(ctx context.Context, env Env, set config.Worker) (Led, error) {
	h := newLeader(env, set)
	h.looks = true
	life, end := h.untilStopped(ctx, 0)
	defer h.close()
	defer end()
	err := h.interruptible(life, h.openStore, h.adoptTemplate, h.openNamedCorpus, h.openRunsCorpus)
	if err != nil {
		return Led{Run: h.run}, err
	}
	if h.run, err = h.findRun(life, harvest.Inputs{Corpus: shownCorpus(h.set.Corpus)}); err != nil {
		return Led{}, config.Usagef("verify which run? %v: say --run", err)
	}
	led := Led{Run: h.run}
	h.readAs(h.run)
	if err := h.findSeeds(life); err != nil {
		return led, err
	}
	if err := h.reopen(life); err != nil {
		return led, err
	}
	if led.Proof, err = h.prove(life); err != nil {
		return led, err
	}
	if led.Totals, err = h.totals(life); err != nil {
		return led, err
	}
	return led, Incomplete(h.run, led.Proof)
}

// CompileReport adds up what the run did.
func CompileReport(ctx context.Context, truth store.Store, name string) (r coordinator.Report, err error) {
	state, err := Look(ctx, truth, name)
	if err != nil {
		return r, err
	}
	minutes, err := truth.ListMinutes(ctx, name)
	if err != nil {
		return r, err
	}
	run := state.Run
	run.CorpusItems, _ = state.CorpusItems()
	return coordinator.Compile(run, state.Totals, state.Work, minutes, BudgetOf(run, state.Control)), nil
}

// BudgetOf is the rate in force: an operator's, else the run's own, in requests per second.
func BudgetOf(run harvest.Run, control harvest.Control) float64 {
	for _, text := range []string{control.Rate, run.Rate} {
		if rate, err := config.ParseRate(text); err == nil {
			return rate.PerSecond
		}
	}
	return 0
}
