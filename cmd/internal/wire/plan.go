package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Plan says what a run would cost. It reads the corpus and the store, and asks the upstream nothing.
func Plan(ctx context.Context, env Env, set config.Worker) (plan coordinator.Plan, err error) {
	h := newLeader(env, set)
	h.looks = true
	life, end := h.untilStopped(ctx, 0)
	defer h.close()
	defer end()
	steps := []func(context.Context) error{h.adoptTemplate, h.openNamedCorpus, h.openRunsCorpus}
	switch err := h.interruptible(life, h.checkExpressions, h.openStore); {
	case errors.Is(err, store.ErrNoTables) && set.Corpus == "":
		return plan, config.Usagef("what shall be planned? Add --corpus FILE")
	case errors.Is(err, store.ErrNoTables):
		steps = steps[1:2]
	case err != nil:
		return plan, err
	}
	if err := h.interruptible(life, steps...); err != nil {
		return plan, err
	}
	plan = coordinator.Plan{Run: h.set.Run, Host: h.source.Host(), Shards: h.shards(), PerRequest: h.set.Kind().PerRequest(h.set.UpstreamSettings()), Budget: h.set.Rate.PerSecond, Warnings: []string{}}
	if err := h.planFromStore(life, &plan); err != nil {
		return plan, err
	}
	if err := h.planCorpus(life, &plan); err != nil {
		return plan, err
	}
	plan.Reckon()
	h.planWarnings(&plan)
	return plan, nil
}

// planFromStore takes what the run, and others of its host, say.
func (h *Harvester) planFromStore(ctx context.Context, plan *coordinator.Plan) error {
	if h.truth == nil {
		plan.Run = orText(plan.Run, "(not opened)")
		return nil
	}
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return err
	}
	if run, err := h.findRun(ctx, harvest.Inputs{Corpus: h.shownCorpus(h.set.Corpus)}); err == nil {
		h.run = run
		h.readAs(run)
		plan.Run = run.Name
		if run.Shards > 0 {
			plan.Shards = run.Shards
		}
		control, err := h.truth.Control(ctx, run.Name)
		if err != nil {
			return err
		}
		if !h.set.Given("rate") {
			plan.Budget = coordinator.BudgetOf(run, control)
		}
	}
	plan.Run = orText(plan.Run, "(not opened)")
	if err := h.planChains(ctx, plan, runs); err != nil {
		return err
	}
	for _, run := range runs {
		if run.Host != plan.Host {
			continue
		}
		totals, err := h.truth.Totals(ctx, run.Name)
		if err != nil {
			return err
		}
		if totals.Landed > 0 {
			plan.BytesPerItem, plan.Like = max(1, totals.Bytes/totals.Landed), run.Name
			return nil
		}
	}
	return nil
}

// planChains says how long the longest chain of a listing takes: its steps follow one another, so neither a larger budget
// nor more workers shorten it, more seeds do.
func (h *Harvester) planChains(ctx context.Context, plan *coordinator.Plan, runs []harvest.Run) error {
	if !h.isChained(orText(h.run.Corpus, h.set.Corpus)) {
		return nil
	}
	if h.run.Name == "" {
		h.run.Corpus = h.set.Corpus
		h.run.Base = baseOf(h.set.Kinds(), runs, harvest.Run{Inputs: harvest.Inputs{Corpus: h.set.Corpus}})
	}
	if err := h.findSeeds(ctx); err != nil {
		return err
	}
	plan.Chains = len(h.seeds)
	for _, run := range runs {
		steps, err := h.truth.LongestChain(ctx, run.Name)
		if err != nil {
			return err
		}
		if !h.set.Kinds().SameListing(run.Corpus, h.run.Corpus) || steps == 0 {
			continue
		}
		report, err := coordinator.CompileReport(ctx, h.truth, run.Name)
		if err != nil {
			return err
		}
		plan.LongestChain = steps
		if report.Requests > 0 {
			each := max(1/plan.Budget, report.Stages[harvest.StageFetch]/float64(report.Requests))
			plan.ChainSeconds = math.Ceil(each * float64(steps))
		}
		return nil
	}
	return nil
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// planCorpus counts the items, and those of them that have ended.
func (h *Harvester) planCorpus(ctx context.Context, plan *coordinator.Plan) error {
	if _, ok := h.source.(*enumerated); ok {
		if h.truth == nil || h.run.Name == "" {
			return nil
		}
		if err := h.findSeeds(ctx); err != nil || h.listsPages() {
			return err
		}
		done, err := h.listed(ctx)
		if err != nil || !done {
			return err
		}
		if err := h.reopen(ctx); err != nil {
			return err
		}
	}
	ended := func(func(harvest.Key, error) bool) {}
	keys := iter.Seq2[harvest.Key, error](ended)
	if h.run.Name != "" {
		keys = h.truth.Keys(ctx, h.run.Name)
	}
	proof, err := coordinator.Prove(ctx, os.TempDir(), h.source.Entries(), keys, 0)
	if err != nil {
		return fmt.Errorf("count the corpus: %w", err)
	}
	plan.Items, plan.Rejected, plan.Done = proof.Distinct, proof.Rejected, proof.Distinct-proof.Missing
	return nil
}

// planWarnings says what would be done better otherwise.
func (h *Harvester) planWarnings(plan *coordinator.Plan) {
	warn := func(format string, args ...any) { plan.Warnings = append(plan.Warnings, fmt.Sprintf(format, args...)) }
	for _, kind := range h.set.Kinds() {
		if kind.Advise != nil {
			plan.Warnings = append(plan.Warnings, kind.Advise(h.set.UpstreamSettings(), plan.Host, plan.Items)...)
		}
	}
	if perShard := plan.Items / int64(max(1, plan.Shards)); plan.PerRequest > 1 && plan.Items > 0 && perShard < int64(10*plan.PerRequest) {
		warn("%d shards of %d items each: the last request of a shard is not full; fewer shards need fewer requests (--shards %d)",
			plan.Shards, perShard, max(1, plan.Items/int64(20*plan.PerRequest)))
	}
	if h.set.Workers > 0 {
		warn("profile %s lets %d worker send at a time, with %d requests in flight: more workers stand by", h.set.Profile, h.set.Workers, h.set.Concurrency)
	}
}
