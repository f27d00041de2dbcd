package runs

import (
	"context"
	"errors"
	"testing"

	"shoal/internal/harvest"
)

// TestWaits states which process waits for another one to open the run.
func TestWaits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		start Start
		want  bool
	}{
		{Start{}, false},
		{Start{Shared: true}, true},
		{Start{AutoShard: true}, true},
		{Start{AutoShard: true, Shared: true}, true},
		{Start{Leads: true, Shared: true}, false},
		{Start{Leads: true, Shared: true, AutoShard: true}, false},
	} {
		if got := test.start.Waits(); got != test.want {
			t.Errorf("Waits() of %+v = %v, want %v", test.start, got, test.want)
		}
	}
}

// TestLate states who comes too late to a run: only a worker of any shard, to one that is finished.
func TestLate(t *testing.T) {
	t.Parallel()
	for _, auto := range []bool{false, true} {
		for _, finished := range []bool{false, true} {
			if got := (Start{AutoShard: auto}).Late(aRun("a", 1, finished)); got != (auto && finished) {
				t.Errorf("Late() with --shard auto %v of a finished run %v = %v", auto, finished, got)
			}
		}
	}
}

// TestReplaces states which corpus cannot be given to a run.
func TestReplaces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		given  string
		shards int
		want   bool
	}{
		{"", 4, false},
		{harvest.StoreCorpus, 4, false},
		{"ids.txt", 4, false},
		{"other.txt", 4, true},
		{"other.txt", 0, false}, // the pass over it compares
	} {
		run := aRun("a", 1, false)
		run.Shards = test.shards
		if got := Replaces(run, test.given); got != test.want {
			t.Errorf("Replaces(%d shards, %q) = %v, want %v", test.shards, test.given, got, test.want)
		}
	}
}

// endings is a store of how a run ended, of which one question may fail.
type endings struct{ totals, run error }

func (e endings) Totals(context.Context, string) (harvest.Counts, error) {
	return harvest.Counts{Landed: 8, Dead: 2}, e.totals
}

func (e endings) FindRun(context.Context, string) (harvest.Run, error) {
	return harvest.Run{CorpusItems: 10}, e.run
}

// atMost allows this many items.
type atMost int64

func (a atMost) Exceeded(n, _ int64) bool { return n > int64(a) }

func (a atMost) String() string { return "n" }

// TestJudge checks that losses are judged only by a store that answers.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dead  atMost
		store endings
		want  error
	}{
		{dead: 2},
		{dead: 1, want: ErrOverLimit},
		{dead: 1, store: endings{totals: errors.ErrUnsupported}, want: errors.ErrUnsupported},
		{dead: 1, store: endings{run: errors.ErrUnsupported}, want: errors.ErrUnsupported},
	} {
		allowed := Allowed{Dead: test.dead, Skipped: atMost(0), Rejected: atMost(0), Missing: atMost(0)}
		if err := allowed.Judge(t.Context(), test.store, "r"); !errors.Is(err, test.want) {
			t.Errorf("Judge() with at most %d dead, of %+v = %v, want %v", test.dead, test.store, err, test.want)
		}
	}
}
