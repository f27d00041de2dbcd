package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"

	"shoal/internal/harvest"
)

// PlanStore is what a plan reads of the store. Its errors end the plan.
type PlanStore interface {
	Fleet
	// ListRuns returns all runs, newest first.
	ListRuns(ctx context.Context) ([]harvest.Run, error)
	// Keys yields the keys of all items of the run that have ended.
	Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error]
	// Walked returns how far all chains of the run have been walked.
	Walked(ctx context.Context, run string) (harvest.Walked, error)
}

// Planner computes what a run would cost. It reads the corpus and the store, and sends no request
// to the upstream.
type Planner struct {
	Run         harvest.Run // the run that is meant; without a name it is not opened yet
	Host        string
	Shards      int
	PerRequest  int
	Budget      float64 // requests/s
	BudgetGiven bool    // by the operator: what the store has does not count
	Chains      int     // of a listing
	store       PlanStore
	Corpus      Corpus
	Tabled      bool // the corpus is the run's table: how many items it has shows when it is full
	Steps       bool // the items are steps of a listing: how many there are shows when it is walked
	// SameListing reports whether two corpora are one listing whose steps follow one another, and
	// so of one corpus whether it is such a listing; nil: there is none.
	SameListing func(a, b string) bool
	// Advise returns what the kinds of upstream would have done better for so many items; nil where
	// there is none.
	Advise func(items int64) []string

	Profile     string // its name
	Workers     int    // that it lets send at once; 0: any number
	Concurrency int    // requests in flight
}

// Plan reads what there is and adds it up. store may be nil where there is none yet.
func (p Planner) Plan(ctx context.Context, store PlanStore) (plan Plan, err error) {
	p.store = store
	plan = Plan{Run: "(not opened)", Host: p.Host, Shards: p.Shards, PerRequest: p.PerRequest, Budget: p.Budget, Warnings: []string{}}
	if p.Run.Name != "" {
		plan.Run = p.Run.Name
		if p.Run.Shards > 0 {
			plan.Shards = p.Run.Shards
		}
	}
	if store != nil {
		if err := p.fromStore(ctx, &plan); err != nil {
			return plan, err
		}
	}
	if err := p.countCorpus(ctx, &plan); err != nil {
		return plan, err
	}
	plan.Reckon()
	plan.Warnings = append(plan.Warnings, p.warnings(plan)...)
	return plan, nil
}

// fromStore takes what the run, and others of its host, have shown.
func (p Planner) fromStore(ctx context.Context, plan *Plan) error {
	if p.Run.Name != "" && !p.BudgetGiven {
		control, err := p.store.Control(ctx, p.Run.Name)
		if err != nil {
			return err
		}
		plan.Budget = BudgetOf(p.Run, control)
	}
	all, err := p.store.ListRuns(ctx)
	if err != nil {
		return err
	}
	if err := p.chains(ctx, plan, all); err != nil {
		return err
	}
	for _, run := range all {
		if run.Host != plan.Host {
			continue
		}
		totals, err := p.store.Totals(ctx, run.Name)
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

// chains adds how long the longest chain of a listing takes: its steps follow one another, so
// neither a larger budget nor more workers shorten it, more seeds do.
func (p Planner) chains(ctx context.Context, plan *Plan, all []harvest.Run) error {
	if p.SameListing == nil || !p.SameListing(p.Run.Corpus, p.Run.Corpus) {
		return nil
	}
	plan.Chains = p.Chains
	for _, run := range all {
		walked, err := p.store.Walked(ctx, run.Name)
		if err != nil {
			return err
		}
		if walked.Longest == 0 || !p.SameListing(run.Corpus, p.Run.Corpus) {
			continue
		}
		report, err := CompileReport(ctx, p.store, run.Name)
		if err != nil {
			return err
		}
		plan.LongestChain = walked.Longest
		if report.Requests > 0 {
			each := max(1/plan.Budget, report.Stages[harvest.StageFetch]/float64(report.Requests))
			plan.ChainSeconds = math.Ceil(each * float64(walked.Longest))
		}
		return nil
	}
	return nil
}

// entries opens the corpus; it returns nil where its items are not known yet. A plan lists nothing.
func (p Planner) entries(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) {
	if p.Tabled && (p.Steps || p.store == nil || p.Run.Name == "") {
		return nil, nil
	}
	entries, err := p.Corpus.Open(ctx)
	if p.Tabled && errors.Is(err, harvest.ErrIncomplete) {
		return nil, nil
	}
	return entries, err
}

// countCorpus counts the items, and those of them that have ended.
func (p Planner) countCorpus(ctx context.Context, plan *Plan) error {
	entries, err := p.entries(ctx)
	if err != nil || entries == nil {
		return err
	}
	keys := iter.Seq2[harvest.Key, error](func(func(harvest.Key, error) bool) {})
	if p.store != nil && p.Run.Name != "" {
		keys = p.store.Keys(ctx, p.Run.Name)
	}
	proof, err := Prove(ctx, os.TempDir(), entries, keys, 0)
	if err != nil {
		return fmt.Errorf("count the corpus: %w", err)
	}
	plan.Items, plan.Rejected, plan.Done = proof.Distinct, proof.Rejected, proof.Distinct-proof.Missing
	return nil
}

const (
	handOver     = 0.1 // seconds that a worker sends nothing between two shards, measured with PostgreSQL on one machine
	patientShard = 5   // seconds that a shard should last, so that this does not matter
)

// warnings are what would be done better otherwise.
func (p Planner) warnings(plan Plan) (all []string) {
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if p.Advise != nil {
		all = p.Advise(plan.Items)
	}
	if perShard := plan.Items / int64(max(1, plan.Shards)); plan.PerRequest > 1 && plan.Items > 0 && perShard < int64(10*plan.PerRequest) {
		warn("%d shards of %d items each: the last request of a shard is not full; fewer shards need fewer requests (--shards %d)",
			plan.Shards, perShard, max(1, plan.Items/int64(20*plan.PerRequest)))
	} else if fewer := max(2, int64(plan.Seconds/patientShard)); plan.Seconds > 0 && int64(plan.Shards) > fewer && float64(plan.Shards)*handOver > plan.Seconds/10 {
		warn("%d shards for %d items: to take the next shard costs a worker about %g s, %.0f s in all for one worker; fewer shards are quicker (--shards %d)",
			plan.Shards, plan.Items, handOver, math.Ceil(float64(plan.Shards)*handOver), fewer)
	}
	if p.Workers > 0 {
		warn("profile %s lets %d worker send at a time, with %d requests in flight: more workers stand by", p.Profile, p.Workers, p.Concurrency)
	}
	return all
}
