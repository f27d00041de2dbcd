package coordinator

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// past is a store with some runs.
type past struct {
	fleet

	runs   []harvest.Run
	chains map[string]int64
}

func (p *past) ListRuns(context.Context) ([]harvest.Run, error) { return p.runs, nil }
func (p *past) Walked(_ context.Context, run string) (harvest.Walked, error) {
	return harvest.Walked{Longest: p.chains[run]}, nil
}

// TestPlan states what a plan takes from the store and from the corpus, and what it warns of.
func TestPlan(t *testing.T) {
	t.Parallel()
	corpus := items{"a", "b", "c"}
	host := harvest.Inputs{Host: "h"}
	of := func(c items) func(context.Context) (iter.Seq2[harvest.Entry, error], error) {
		return func(ctx context.Context) (iter.Seq2[harvest.Entry, error], error) { return c.Open(ctx) }
	}
	unknown := func(context.Context) (iter.Seq2[harvest.Entry, error], error) { return nil, nil }
	for _, test := range []struct {
		name    string
		planner Planner
		store   *past
		check   func(p Plan) bool
		warning string
	}{
		{name: "before there is a store", planner: Planner{Entries: of(corpus)}, check: func(p Plan) bool {
			return p.Run == "(not opened)" && p.Items == 3 && p.Requests == 3 && p.Seconds == 1 && p.Shards == 64 && len(p.Warnings) == 0
		}},
		{name: "a corpus that is not enumerated", planner: Planner{Entries: unknown}, check: func(p Plan) bool { return p.Items == 0 && p.Requests == 0 }},
		{name: "what has ended is not asked for again", planner: Planner{Run: harvest.Run{Name: "r", Shards: 8, Rate: "2/s"}, Entries: of(corpus)},
			store: &past{fleet: fleet{keys: corpus.keys()[:2]}}, check: func(p Plan) bool {
				return p.Run == "r" && p.Done == 2 && p.Requests == 1 && p.Shards == 8 && p.Budget == 2
			}},
		{name: "an operator's rate counts", planner: Planner{Run: harvest.Run{Name: "r", Rate: "2/s"}, Entries: of(corpus)},
			store: &past{fleet: fleet{control: harvest.Control{Rate: "7/s"}}}, check: func(p Plan) bool { return p.Budget == 7 }},
		{name: "the rate that is given counts more", planner: Planner{Run: harvest.Run{Name: "r", Rate: "2/s"}, BudgetGiven: true, Entries: of(corpus)},
			store: &past{}, check: func(p Plan) bool { return p.Budget == 50 }},
		{name: "the size of an item is that of a run of the host", planner: Planner{Entries: of(corpus)},
			store: &past{fleet: fleet{totals: harvest.Counts{Landed: 10, Bytes: 1000}}, runs: []harvest.Run{{Name: "x", Inputs: harvest.Inputs{Host: "other"}}, {Name: "q3", Inputs: host}}},
			check: func(p Plan) bool { return p.BytesPerItem == 100 && p.Like == "q3" && p.StoreBytes == 3*(100+storeRow) }},
		{name: "the longest chain is that of the same listing", planner: Planner{Entries: unknown, Chains: 4, SameListing: func(c string) bool { return c == "list:l" }},
			store: &past{runs: []harvest.Run{{Name: "x"}, {Name: "q3", Inputs: harvest.Inputs{Corpus: "list:l"}}}, chains: map[string]int64{"x": 9, "q3": 5}},
			check: func(p Plan) bool { return p.Chains == 4 && p.LongestChain == 5 }},
		{name: "what a kind of upstream advises", planner: Planner{Entries: of(corpus), Advise: func(n int64) []string { return []string{fmt.Sprintf("%d pages", n)} }}, warning: "3 pages"},
		{name: "shards too small for their packs", planner: Planner{Entries: of(corpus), PerRequest: 50}, warning: "fewer shards need fewer requests (--shards 1)"},
		{name: "a profile that admits one worker", planner: Planner{Entries: of(corpus), Profile: "w", Workers: 1, Concurrency: 3},
			warning: "profile w lets 1 worker send at a time, with 3 requests in flight"},
	} {
		p := test.planner
		p.Host, p.Shards, p.Budget, p.PerRequest = "h", 64, 50, max(1, p.PerRequest)
		var store PlanStore
		if test.store != nil {
			store = test.store
		}
		plan, err := p.Plan(t.Context(), store)
		if err != nil || test.check != nil && !test.check(plan) {
			t.Errorf("%s: Plan() = %+v, %v", test.name, plan, err)
		}
		if all := strings.Join(plan.Warnings, "\n"); !strings.Contains(all, test.warning) {
			t.Errorf("%s: Plan() warns %q, want %q", test.name, all, test.warning)
		}
	}
}
