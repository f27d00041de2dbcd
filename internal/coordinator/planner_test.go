package coordinator

import (
	"context"
	"errors"
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

// unlisted is a corpus whose table is not full.
type unlisted struct{}

func (unlisted) Open(context.Context) (iter.Seq2[harvest.Entry, error], error) {
	return nil, fmt.Errorf("%w: it is not enumerated to its end", harvest.ErrIncomplete)
}

// sameListing knows the listings of list:.
func sameListing(a, b string) bool { return a == b && strings.HasPrefix(a, "list:") }

// nothing is a plan of a corpus that is not known yet.
func nothing(p Plan) bool { return p.Items == 0 && p.Requests == 0 }

// TestPlan states what a plan takes from the store and from the corpus, and what it warns of.
func TestPlan(t *testing.T) {
	t.Parallel()
	corpus := items{"a", "b", "c"}
	host := harvest.Inputs{Host: "h"}
	opened := harvest.Run{Name: "r", Rate: "2/s"}
	listed := harvest.Run{Inputs: harvest.Inputs{Corpus: "list:l"}}
	for _, test := range []struct {
		name    string
		planner Planner
		store   *past
		check   func(p Plan) bool
		warning string
	}{
		{name: "before there is a store", planner: Planner{Corpus: corpus}, check: func(p Plan) bool {
			return p.Run == "(not opened)" && p.Items == 3 && p.Requests == 3 && p.Seconds == 1 && p.Shards == 64
		}, warning: "64 shards for 3 items: to take the next shard costs a worker about 0.1 s, 7 s in all for one worker; fewer shards are quicker (--shards 2)"},
		{name: "few shards", planner: Planner{Run: harvest.Run{Name: "r", Shards: 2}, Corpus: corpus}, store: &past{}, check: func(p Plan) bool { return p.Shards == 2 && len(p.Warnings) == 0 }},
		{name: "a table before there is a store", planner: Planner{Corpus: corpus, Tabled: true, Run: opened}, check: nothing},
		{name: "the table of a run that is not opened", planner: Planner{Corpus: corpus, Tabled: true}, store: &past{}, check: nothing},
		{name: "a table that is not full", planner: Planner{Corpus: unlisted{}, Tabled: true, Run: opened}, store: &past{}, check: nothing},
		{name: "a full table", planner: Planner{Corpus: corpus, Tabled: true, Run: opened}, store: &past{}, check: func(p Plan) bool { return p.Items == 3 }},
		{name: "steps of a listing", planner: Planner{Corpus: corpus, Tabled: true, Steps: true, Run: opened}, store: &past{}, check: nothing},
		{name: "what has ended is not asked for again", planner: Planner{Run: harvest.Run{Name: "r", Shards: 8, Rate: "2/s"}, Corpus: corpus},
			store: &past{fleet: fleet{keys: corpus.keys()[:2]}}, check: func(p Plan) bool {
				return p.Run == "r" && p.Done == 2 && p.Requests == 1 && p.Shards == 8 && p.Budget == 2
			}},
		{name: "an operator's rate counts", planner: Planner{Run: harvest.Run{Name: "r", Rate: "2/s"}, Corpus: corpus},
			store: &past{fleet: fleet{control: harvest.Control{Rate: "7/s"}}}, check: func(p Plan) bool { return p.Budget == 7 }},
		{name: "the rate that is given counts more", planner: Planner{Run: harvest.Run{Name: "r", Rate: "2/s"}, BudgetGiven: true, Corpus: corpus},
			store: &past{}, check: func(p Plan) bool { return p.Budget == 50 }},
		{name: "the size of an item is that of a run of the host", planner: Planner{Corpus: corpus},
			store: &past{fleet: fleet{totals: harvest.Counts{Landed: 10, Bytes: 1000}}, runs: []harvest.Run{{Name: "x", Inputs: harvest.Inputs{Host: "other"}}, {Name: "q3", Inputs: host}}},
			check: func(p Plan) bool { return p.BytesPerItem == 100 && p.Like == "q3" && p.StoreBytes == 3*(100+storeRow) }},
		{name: "the longest chain is that of the same listing", planner: Planner{Corpus: corpus, Tabled: true, Run: listed, Chains: 4, SameListing: sameListing},
			store: &past{runs: []harvest.Run{{Name: "x"}, {Name: "q3", Inputs: harvest.Inputs{Corpus: "list:l"}}}, chains: map[string]int64{"x": 9, "q3": 5}},
			check: func(p Plan) bool { return p.Chains == 4 && p.LongestChain == 5 }},
		{name: "a corpus without chains has no longest one", planner: Planner{Corpus: corpus, Chains: 4, SameListing: sameListing},
			store: &past{runs: []harvest.Run{{Name: "q3", Inputs: harvest.Inputs{Corpus: "list:l"}}}, chains: map[string]int64{"q3": 5}},
			check: func(p Plan) bool { return p.Chains == 0 && p.LongestChain == 0 }},
		{name: "what a kind of upstream advises", planner: Planner{Corpus: corpus, Advise: func(n int64) []string { return []string{fmt.Sprintf("%d pages", n)} }}, warning: "3 pages"},
		{name: "shards too small for their packs", planner: Planner{Corpus: corpus, PerRequest: 50}, warning: "fewer shards need fewer requests (--shards 1)"},
		{name: "a profile that admits one worker", planner: Planner{Corpus: corpus, Profile: "w", Workers: 1, Concurrency: 3},
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

// TestPlanOfABrokenCorpus checks that a corpus that cannot be read is not one without items.
func TestPlanOfABrokenCorpus(t *testing.T) {
	t.Parallel()
	if _, err := (Planner{Corpus: unlisted{}}).Plan(t.Context(), nil); !errors.Is(err, harvest.ErrIncomplete) {
		t.Errorf("Plan() = %v, want %v", err, harvest.ErrIncomplete)
	}
}
