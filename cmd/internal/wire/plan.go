package wire

import (
	"context"
	"errors"
	"iter"
	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/runs"
	"shoal/internal/store"
)

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
	if _, ok := l.source.(*enumerated); !ok {
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
