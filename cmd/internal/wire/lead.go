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
	"shoal/internal/runs"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// leader leads a run, or does one of the things that a leader does.
type leader struct {
	*process
	runs   finder
	corpus corpora
	api    *api
}

func newLeader(env Env, set config.Worker, leads bool) *leader {
	p := newProcess(env, set, leads)
	p.listsOnly = true
	return &leader{process: p, runs: finder{p}, corpus: corpora{p, finder{p}}, api: &api{process: p}}
}

// Led is how a led run ended.
type Led struct {
	coordinator.Led
	Run  harvest.Run
	Seen status.Seen
}

// Lead opens the run, enumerates its corpus where only this process can read it, waits until
// workers have drained its shards, and proves by key that nothing is missing.
func Lead(ctx context.Context, env Env, set config.Worker) (led Led, err error) {
	l := newLeader(env, set, true)
	life, end := l.untilStopped(ctx, 0)
	defer l.close()
	defer end()
	err = l.interruptible(life, l.api.check, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.runs.open, l.corpus.findSeeds)
	if err == nil {
		leading := l.leader()
		led.Led, err = leading.Finish(life)
		l.run = leading.Run
	}
	if led.Report.Run != "" {
		led.Seen = l.ended(life, status.Seen{Refused: led.Report.Refused, Budget: led.Report.Budget, Lowered: led.Report.Lowered}, led.Totals)
	}
	led.Run = l.run
	if cause := context.Cause(life); err != nil && errors.Is(cause, worker.ErrStopped) {
		err = cause
	}
	return led, err
}

// leader leads the run that was opened.
func (l *leader) leader() *coordinator.Leader {
	c := &coordinator.Leader{
		Run: l.run, Store: l.store, Corpus: l, Lead: l.lead, Prepare: l.prepare, Grow: l.grow, Began: l.began,
		Lost: func(err error) bool { return errors.Is(err, store.ErrHeld) }, Again: l.again, Say: l.Say, Watch: l.Watch, Draining: l.orders.Draining, Steps: l.listsPages(),
		Judge: func(totals harvest.Counts, items int64) error { return allowed(l.set).Check(totals, items) },
	}
	if l.enumerates() {
		c.Fill = func(ctx context.Context) error { return l.fill(ctx, c.Turn) }
	}
	return c
}

// lead returns when no other process leads the run.
func (l *leader) lead(ctx context.Context) (leadership coordinator.Leadership, err error) {
	err = l.again(ctx, func() (err error) {
		leadership, err = l.store.Lead(ctx, l.run.Name, owner(), l.Say)
		return err
	})
	return leadership, err
}

// prepare comes when this process leads.
func (l *leader) prepare(ctx context.Context) error {
	if err := l.mayFill(ctx); err != nil || !l.enumerates() {
		return err
	}
	return l.prepareTable(ctx)
}

// Open implements coordinator.Corpus: it opens the corpus of the run once more.
func (l *leader) Open(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if err := l.corpus.reopen(ctx); err != nil {
		return nil, err
	}
	return l.source.Entries(), nil
}

// enumerates reports whether this process fills the corpus table: from what only it can read, or
// with its own requests to the upstream.
func (l *leader) enumerates() bool {
	return l.set.Corpus == "-" || l.isListing(l.run.Corpus) && !l.listsPages()
}

// mayFill refuses to wait for rows of the table that no process will bring. A corpus that is only
// read in the end is closed until then.
func (l *leader) mayFill(ctx context.Context) error {
	if l.enumerates() {
		return nil
	}
	if err := l.corpus.close(); err != nil {
		return err
	}
	chain, err := l.corpus.chain(ctx)
	if err != nil {
		return err
	}
	return runs.Unfilled(l.run, chain.Done)
}

// prepareTable prepares requests to the upstream for a listing.
func (l *leader) prepareTable(ctx context.Context) error {
	if !l.isListing(l.run.Corpus) {
		return nil
	}
	l.startReports(ctx)
	return l.interruptible(ctx, l.takeOrders, l.api.openRedis, l.api.open, l.api.introduce)
}

func (l *leader) grow(ctx context.Context, run harvest.Run, digest harvest.Digest, prefix string) error {
	return l.acceptCorpus(ctx, run.CorpusItems, digest, prefix)
}

// Verify runs only the proof.
func Verify(ctx context.Context, env Env, set config.Worker) (Led, error) {
	l := newLeader(env, set, true)
	l.looks = true
	life, end := l.untilStopped(ctx, 0)
	defer l.close()
	defer end()
	err := l.interruptible(life, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun)
	if err != nil {
		return Led{Run: l.run}, err
	}
	if l.run, err = l.runs.find(life, harvest.Inputs{Corpus: l.runs.shown(l.set.Corpus)}); err != nil {
		return Led{}, config.Usagef("verify which run? %v: give --run", err)
	}
	led := Led{Run: l.run}
	l.runs.readAs(l.run)
	if err := l.corpus.findSeeds(life); err != nil {
		return led, err
	}
	if led.Proof, err = l.leader().Prove(life); err != nil {
		return led, err
	}
	if led.Totals, err = l.totals(life); err != nil {
		return led, err
	}
	return led, led.Proof.Incomplete(l.run.Name)
}

// Enumerate opens the run and fills its corpus table to the end, without a shard.
func Enumerate(ctx context.Context, env Env, set config.Worker) error {
	l := newLeader(env, set, false)
	life, end := l.untilStopped(ctx, 0)
	defer l.close()
	defer end()
	steps := []func(context.Context) error{l.api.checkExpressions, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.runs.open, l.corpus.findSeeds, l.takeOrders, l.openAsker}
	if err := l.interruptible(life, steps...); err != nil {
		return err
	}
	if l.listsPages() {
		return config.Usagef("--corpus list: without --items has nothing to enumerate: its answers are the pages, which workers fetch")
	}
	out, err := l.ordered(Outcome{}, l.fill(life, nil))
	if out.Ordered != "" {
		l.Say(fmt.Sprintf("stopped by order of %s; coordinator resume --run %s ends that", out.Ordered, l.run.Name))
	}
	return err
}

// openAsker prepares requests to the upstream for its listing. A file needs neither a credential
// nor Redis.
func (l *leader) openAsker(ctx context.Context) error {
	if !l.isListing(l.run.Corpus) {
		return nil
	}
	return l.interruptible(ctx, l.api.openRedis, l.api.open, l.api.introduce)
}

// fill fills the run's table, step by step in its turn where others may lead the run.
func (l *leader) fill(ctx context.Context, turn func(context.Context) error) error {
	table := l.corpus.table()
	if l.isListing(l.run.Corpus) {
		lister, err := l.api.lister()
		if err != nil {
			return err
		}
		table.Lister = lister
		if turn != nil {
			table.Lister = listing.LeaderOnly{Lister: lister, Turn: turn}
		}
	} else {
		stream := listing.NewStream(l.source.Entries())
		defer stream.Close()
		table.Lister = stream
	}
	err := table.Enumerate(ctx, func(ctx context.Context) (int64, error) { return l.store.CorpusSize(ctx, l.run.Name) })
	if errors.Is(err, worker.ErrStopped) {
		l.Say("the same command continues from here")
	}
	return err
}

// Plan computes what a run would cost. It reads the corpus and the store, and sends no request to
// the upstream.
func Plan(ctx context.Context, env Env, set config.Worker) (plan coordinator.Plan, err error) {
	l := newLeader(env, set, true)
	l.looks = true
	life, end := l.untilStopped(ctx, 0)
	defer l.close()
	defer end()
	steps := []func(context.Context) error{l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.findPlanned}
	switch err := l.interruptible(life, l.api.checkExpressions, l.openStore); {
	case errors.Is(err, store.ErrNoTables) && set.Corpus == "":
		return plan, config.Usagef("what shall be planned? Add --corpus FILE")
	case errors.Is(err, store.ErrNoTables):
		steps = steps[1:2]
	case err != nil:
		return plan, err
	}
	if err := l.interruptible(life, steps...); err != nil {
		return plan, err
	}
	var read coordinator.PlanStore
	if l.store != nil {
		read = l.store
	}
	return l.planner().Plan(life, read)
}

// findPlanned finds the run that is planned, and how its listing begins. It may not be opened yet.
func (l *leader) findPlanned(ctx context.Context) error {
	all, err := l.store.ListRuns(ctx)
	if err != nil {
		return err
	}
	if run, err := l.runs.find(ctx, harvest.Inputs{Corpus: l.runs.shown(l.set.Corpus)}); err == nil {
		l.run = run
		l.runs.readAs(run)
	} else {
		l.run.Corpus, l.run.Base = l.set.Corpus, runs.Base(all, l.set.Corpus, l.set.Kinds().SameListing)
	}
	return l.corpus.findSeeds(ctx)
}

func (l *leader) planner() coordinator.Planner {
	set := l.set
	p := coordinator.Planner{
		Run: l.run, Host: l.source.Host(), Shards: l.runs.start("").CutInto(), PerRequest: set.Kind().PerRequest(set.UpstreamSettings()), Budget: set.Rate.PerSecond, BudgetGiven: set.Given("rate"),
		Chains: len(l.seeds), Entries: l.planned,
		Profile: set.Profile, Workers: set.Workers, Concurrency: set.Concurrency,
		Advise: func(items int64) (all []string) {
			for _, kind := range set.Kinds() {
				if kind.Advise != nil {
					all = append(all, kind.Advise(set.UpstreamSettings(), l.source.Host(), items)...)
				}
			}
			return all
		},
	}
	if l.isChained(l.run.Corpus) {
		p.SameListing = func(corpus string) bool { return set.Kinds().SameListing(corpus, l.run.Corpus) }
	}
	return p
}

// planned opens the corpus that a plan counts: nil where it is not enumerated yet.
func (l *leader) planned(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if _, ok := l.source.(*listing.Pass); !ok {
		return l.source.Entries(), nil
	}
	if l.store == nil || l.run.Name == "" || l.listsPages() {
		return nil, nil
	}
	if done, err := l.corpus.listed(ctx); err != nil || !done {
		return nil, err
	}
	if err := l.corpus.reopen(ctx); err != nil {
		return nil, err
	}
	return l.source.Entries(), nil
}
