package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"shoal/cmd/internal/adapt"
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

// newLeader returns one whose life the first signal ends. end closes it.
func newLeader(ctx context.Context, env Env, set config.Worker, leads bool) (l *leader, life context.Context, end func()) {
	p := newProcess(env, set, leads)
	p.listsOnly = true
	life, cancel := worker.UntilStopped(ctx, p.Stop, 0)
	l = &leader{process: p, runs: finder{p}, corpus: corpora{p, finder{p}}, api: &api{process: p}}
	return l, life, func() {
		cancel()
		p.close()
	}
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
	l, life, end := newLeader(ctx, env, set, true)
	defer end()
	err = worker.Interruptible(life, l.Stop, l.api.check, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.runs.open, l.corpus.findSeeds)
	if err != nil {
		return Led{Run: l.run}, err
	}
	leading := l.leader()
	led.Led, err = leading.Finish(life)
	l.run = leading.Run
	if led.Report.Run != "" {
		led.Seen = l.ended(life, status.Seen{Refused: led.Report.Refused, Budget: led.Report.Budget, Lowered: led.Report.Lowered}, led.Totals)
	}
	led.Run = l.run
	return led, err
}

// leader leads the run that was opened.
func (l *leader) leader() *coordinator.Leader {
	c := &coordinator.Leader{
		Run: l.run, Store: l.store, Corpus: l, Filled: l.filled, Began: l.began, Steps: l.listsPages(),
		Again: l.again, Say: l.Say, Watch: l.Watch, Draining: l.orders.Draining,
		Lead: func(ctx context.Context) (coordinator.Leadership, error) {
			return l.store.Lead(ctx, l.run.Name, worker.Owner(), l.Say)
		},
		Lost: func(err error) bool { return errors.Is(err, store.ErrHeld) },
		Grow: func(ctx context.Context, run harvest.Run, digest harvest.Digest, prefix string) error {
			return runs.PassOf(digest, prefix, run.CorpusItems).Accept(ctx, l.store, l.run.Name, l.set.Shard.Of == 1, l.Say)
		},
		Judge: adapt.Allowed(l.set).Check,
	}
	if runs.FilledByLeader(l.set.Corpus, l.set.Kinds().IsListing(l.run.Corpus), l.listsPages()) {
		c.Filler = l
	}
	return c
}

// Open implements coordinator.Corpus: it opens the corpus of the run once more.
func (l *leader) Open(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if err := l.corpus.reopen(ctx); err != nil {
		return nil, err
	}
	return l.source.Entries(), nil
}

// filled comes where another process fills the corpus table. A corpus that is only read in the end
// is closed until then.
func (l *leader) filled(ctx context.Context) error {
	if err := l.corpus.close(); err != nil {
		return err
	}
	return l.again(ctx, func() error { return runs.Unfilled(ctx, l.store, l.run) })
}

// Prepare implements [coordinator.Filler].
func (l *leader) Prepare(ctx context.Context) error {
	if !l.set.Kinds().IsListing(l.run.Corpus) {
		return nil
	}
	l.startReports(ctx)
	return worker.Interruptible(ctx, l.Stop, l.takeOrders, l.api.connect)
}

// Fill implements [coordinator.Filler].
func (l *leader) Fill(ctx context.Context, turn func(context.Context) error) (err error) {
	table := l.corpus.table()
	if l.set.Kinds().IsListing(l.run.Corpus) {
		if table.Lister, err = l.api.lister(); err != nil {
			return err
		}
	}
	err = table.Enumerate(ctx, l.store, l.source.Entries, turn)
	if errors.Is(err, worker.ErrStopped) {
		l.Say("the same command continues from here")
	}
	return err
}

// Verify runs only the proof.
func Verify(ctx context.Context, env Env, set config.Worker) (Led, error) {
	l, life, end := newLeader(ctx, env, set, true)
	defer end()
	l.looks = true
	err := worker.Interruptible(life, l.Stop, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun)
	if err != nil {
		return Led{Run: l.run}, err
	}
	if l.run, err = l.runs.inStore().Find(life); err != nil {
		return Led{}, config.Usagef("verify which run? %v: give --run", err)
	}
	led := Led{Run: l.run}
	l.runs.readAs(l.run)
	if err := l.corpus.findSeeds(life); err != nil {
		return led, err
	}
	led.Led, err = l.leader().Verify(life)
	return led, err
}

// Enumerate opens the run and fills its corpus table to the end, without a shard.
func Enumerate(ctx context.Context, env Env, set config.Worker) error {
	l, life, end := newLeader(ctx, env, set, false)
	defer end()
	steps := []func(context.Context) error{l.api.checkExpressions, l.openStore, l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.runs.open, l.corpus.findSeeds, l.takeOrders, l.openAsker}
	if err := worker.Interruptible(life, l.Stop, steps...); err != nil {
		return err
	}
	if l.listsPages() {
		return config.Usagef("--corpus list: without --items has nothing to enumerate: its answers are the pages, which workers fetch")
	}
	out, err := l.ordered(Outcome{}, l.Fill(life, nil))
	if out.Ordered != "" {
		l.Say(fmt.Sprintf("stopped by order of %s; coordinator resume --run %s ends that", out.Ordered, l.run.Name))
	}
	return err
}

// openAsker prepares requests to the upstream for its listing. A file needs neither a credential
// nor Redis.
func (l *leader) openAsker(ctx context.Context) error {
	if !l.set.Kinds().IsListing(l.run.Corpus) {
		return nil
	}
	return l.api.connect(ctx)
}

// Plan computes what a run would cost. It reads the corpus and the store, and sends no request to
// the upstream.
func Plan(ctx context.Context, env Env, set config.Worker) (plan coordinator.Plan, err error) {
	l, life, end := newLeader(ctx, env, set, true)
	defer end()
	l.looks = true
	steps := []func(context.Context) error{l.runs.adoptTemplate, l.corpus.openNamed, l.corpus.openOfRun, l.findPlanned}
	switch err := worker.Interruptible(life, l.Stop, l.api.checkExpressions, l.openStore); {
	case errors.Is(err, store.ErrNoTables) && set.Corpus == "":
		return plan, config.Usagef("what shall be planned? Add --corpus FILE")
	case errors.Is(err, store.ErrNoTables):
		steps = steps[1:2]
	case err != nil:
		return plan, err
	}
	if err := worker.Interruptible(life, l.Stop, steps...); err != nil {
		return plan, err
	}
	var read coordinator.PlanStore
	if l.store != nil {
		read = l.store
	}
	return l.planner().Plan(life, read)
}

// findPlanned finds the run that is planned, and how its listing begins. It may not be opened yet.
func (l *leader) findPlanned(ctx context.Context) (err error) {
	if l.run, err = l.runs.inStore().Planned(ctx); err != nil {
		return err
	}
	if l.run.Name != "" {
		l.runs.readAs(l.run)
	}
	return l.corpus.findSeeds(ctx)
}

func (l *leader) planner() coordinator.Planner {
	set, host := l.set, l.source.Host()
	_, tabled := l.source.(*listing.Pass)
	return coordinator.Planner{
		Run: l.run, Host: host, Shards: l.runs.start().CutInto(), PerRequest: set.Kind().PerRequest(set.UpstreamSettings()), Budget: set.Rate.PerSecond, BudgetGiven: set.Given("rate"),
		Chains: len(l.seeds), SameListing: set.Kinds().SameListing, Corpus: planned{l}, Tabled: tabled, Steps: l.listsPages(),
		Profile: set.Profile, Workers: set.Workers, Concurrency: set.Concurrency,
		Advise: func(items int64) []string { return set.Kinds().Advise(set.UpstreamSettings(), host, items) },
	}
}

// planned is the corpus that a plan counts, which is open unless it is a table.
type planned struct{ *leader }

// Open implements [coordinator.Corpus].
func (p planned) Open(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if _, ok := p.source.(*listing.Pass); ok {
		return p.leader.Open(ctx)
	}
	return p.source.Entries(), nil
}
