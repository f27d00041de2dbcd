package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/listing"
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

// Led is how a led run ended.
type Led struct {
	coordinator.Led
	Run  harvest.Run
	Seen status.Seen
}

// Lead opens the run, enumerates its corpus where only this process can read it, waits until workers have drained its
// shards, and proves by key that nothing is missing.
func Lead(ctx context.Context, env Env, set config.Worker) (led Led, err error) {
	h := newLeader(env, set)
	life, end := h.untilStopped(ctx, 0)
	defer h.close()
	defer end()
	err = h.interruptible(life, h.checkUpstream, h.openStore, h.adoptTemplate, h.openNamedCorpus, h.openRunsCorpus, h.openRun, h.findSeeds)
	if err == nil {
		leader := h.leader()
		led.Led, err = leader.Finish(life)
		h.run = leader.Run
	}
	if led.Report.Run != "" {
		led.Seen = h.examples(life, status.Seen{Refused: led.Report.Refused, Budget: led.Report.Budget, Lowered: led.Report.Lowered}, led.Totals)
	}
	led.Run = h.run
	if cause := context.Cause(life); err != nil && errors.Is(cause, worker.ErrStopped) {
		err = cause
	}
	return led, err
}

// leader leads the run that was opened.
func (h *Harvester) leader() *coordinator.Leader {
	l := &coordinator.Leader{
		Run: h.run, Store: h.truth, Corpus: rereading{h}, Lead: h.lead, Prepare: h.prepareToLead, Grow: h.grow, Began: h.began,
		Lost: func(err error) bool { return errors.Is(err, store.ErrHeld) }, Again: h.again, Say: h.Say, Watch: h.Watch, Draining: h.orders.Draining, Steps: h.listsPages(),
		Judge: func(totals harvest.Counts, items int64) error { return OverLimit(h.set, totals, items) },
	}
	if h.enumerates() {
		l.Fill = func(ctx context.Context) error {
			table, err := h.filler(l)
			if err != nil {
				return err
			}
			return h.fill(ctx, table)
		}
	}
	return l
}

// lead returns when no other process leads the run.
func (h *Harvester) lead(ctx context.Context) (leadership coordinator.Leadership, err error) {
	err = h.again(ctx, func() (err error) {
		leadership, err = h.truth.Lead(ctx, h.run.Name, owner(), h.Say)
		return err
	})
	return leadership, err
}

// again repeats do while the store is away.
func (h *Harvester) again(ctx context.Context, do func() error) error {
	return h.patiently(ctx, "the store", unavailable, do)
}

// prepareToLead comes when this process leads.
func (h *Harvester) prepareToLead(ctx context.Context) error {
	if err := h.mayFill(ctx); err != nil || !h.enumerates() {
		return err
	}
	return h.prepareTable(ctx)
}

// rereading opens the corpus of the run once more.
type rereading struct{ h *Harvester }

// Open implements coordinator.Corpus.
func (r rereading) Open(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if err := r.h.reopen(ctx); err != nil {
		return nil, err
	}
	return r.h.source.Entries(), nil
}

// enumerates tells whether this process fills the corpus table: from what only it can read, or by asking the upstream once.
func (h *Harvester) enumerates() bool {
	return h.set.Corpus == "-" || h.isListing(h.run.Corpus) && !h.listsPages()
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
	if !h.isListing(h.run.Corpus) {
		return nil
	}
	h.startReports(ctx)
	return h.interruptible(ctx, h.takeOrders, h.openRedis, h.openUpstream, h.introduceOurselves)
}

// filler is the run's table with what fills it.
func (h *Harvester) filler(l *coordinator.Leader) (*listing.Table, error) {
	table := h.table()
	if h.isListing(h.run.Corpus) {
		lister, err := h.lister()
		table.Lister = listing.LeaderOnly{Lister: lister, Turn: l.Turn}
		return table, err
	}
	stream := listing.NewStream(h.source.Entries())
	h.onClose(func() error { stream.Close(); return nil })
	table.Lister = stream
	return table, nil
}

// reopen opens the corpus for another pass: the table, where there is one.
func (h *Harvester) reopen(ctx context.Context) error {
	if h.listsPages() {
		h.source = &walked{h: h, ctx: ctx}
		return nil
	}
	if h.run.Corpus != "-" && !h.isListing(h.run.Corpus) && h.set.Corpus != harvest.StoreCorpus {
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
	if h.run, err = h.findRun(life, harvest.Inputs{Corpus: h.shownCorpus(h.set.Corpus)}); err != nil {
		return Led{}, config.Usagef("verify which run? %v: say --run", err)
	}
	led := Led{Run: h.run}
	h.readAs(h.run)
	if err := h.findSeeds(life); err != nil {
		return led, err
	}
	if led.Proof, err = h.leader().Prove(life); err != nil {
		return led, err
	}
	if led.Totals, err = h.totals(life); err != nil {
		return led, err
	}
	return led, led.Proof.Incomplete(h.run.Name)
}
