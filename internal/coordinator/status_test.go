package coordinator

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

func workAt(now time.Time, age time.Duration, rate float64, auto bool) harvest.Work {
	return harvest.Work{Seen: now.Add(-age), Stats: harvest.Stats{Rate: rate, Auto: auto}}
}

// TestRateOfARunKeepsItsPromise checks that the last report of a killed worker is not added to the
// share that the others took up.
func TestRateOfARunKeepsItsPromise(t *testing.T) {
	t.Parallel()
	now := time.Now()
	run := harvest.Run{Rate: "50/s"}
	for _, test := range []struct {
		name string
		work []harvest.Work
		want float64
	}{
		{"all at work", []harvest.Work{workAt(now, 0, 25, false), workAt(now, 3*time.Second, 24, false)}, 49},
		{"one not heard of for 7 s", []harvest.Work{workAt(now, 0, 40, false), workAt(now, 7*time.Second, 12, false)}, 40},
		{"one killed just now", []harvest.Work{workAt(now, 0, 42, false), workAt(now, 4*time.Second, 12, false)}, 50},
	} {
		if got := (RunStatus{Run: run, Work: test.work, At: now}).Progress().Rate; got != test.want {
			t.Errorf("Rate(%s) = %g, want %g", test.name, got, test.want)
		}
	}
}

// TestARunIsLoweredAsItsProcesses checks that the lowered rate of one process is the run's.
func TestARunIsLoweredAsItsProcesses(t *testing.T) {
	t.Parallel()
	state := RunStatus{Run: harvest.Run{Rate: "50/s"}, At: time.Now(), Work: []harvest.Work{{}, {Stats: harvest.Stats{Lowered: 48}}, {Stats: harvest.Stats{Lowered: 47}}, {}}}
	if got := state.Progress().Lowered; got != 47 {
		t.Errorf("Lowered = %v, want 47", got)
	}
}

// TestShardsWaitForTheirTurn checks that a shard has no owner only if no worker at work will take
// it.
func TestShardsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state := RunStatus{Run: harvest.Run{Shards: 64}, At: now, Shards: []harvest.ShardState{{Shard: harvest.Shard{Index: 0, Of: 64}, Held: true}}}
	for _, test := range []struct {
		name             string
		work             []harvest.Work
		waiting, unowned int
	}{
		{"a worker that takes any", []harvest.Work{workAt(now, 0, 50, true)}, 63, 0},
		{"a worker of one shard", []harvest.Work{workAt(now, 0, 50, false)}, 0, 63},
		{"a worker that has died", []harvest.Work{workAt(now, time.Minute, 50, true)}, 0, 63},
	} {
		state.Work = test.work
		if waiting, unowned := len(state.Waiting()), len(state.Unowned()); waiting != test.waiting || unowned != test.unowned {
			t.Errorf("%s: %d waiting, %d without an owner, want %d, %d", test.name, waiting, unowned, test.waiting, test.unowned)
		}
	}
}

// TestTheCorpusIsAsLargeAsWorkersReport checks that a run whose corpus was not read to its end has
// as many items as its workers know of.
func TestTheCorpusIsAsLargeAsWorkersReport(t *testing.T) {
	t.Parallel()
	now := time.Now()
	known := func(age time.Duration, items int64, guess bool) harvest.Work {
		return harvest.Work{Seen: now.Add(-age), Stats: harvest.Stats{Corpus: items, Guess: guess}}
	}
	for _, test := range []struct {
		name  string
		state RunStatus
		want  int64
		guess bool
	}{
		{"nothing is known", RunStatus{Work: []harvest.Work{{}}}, 0, false},
		{"the latest estimate", RunStatus{Work: []harvest.Work{known(time.Second, 190, true), known(2*time.Second, 300, true)}}, 190, true},
		{"one has read it", RunStatus{Work: []harvest.Work{known(time.Hour, 200, false), known(0, 190, true)}}, 200, false},
		{"the run knows", RunStatus{Run: harvest.Run{CorpusItems: 210}, Work: []harvest.Work{known(0, 200, false)}}, 210, false},
		{"the table knows", RunStatus{Rows: 7, Work: []harvest.Work{known(0, 200, true)}}, 7, true},
	} {
		if got, guess := test.state.CorpusItems(); got != test.want || guess != test.guess {
			t.Errorf("%s: CorpusItems() = %d, guess %v, want %d, %v", test.name, got, guess, test.want, test.guess)
		}
	}
}

// TestALedRunIsSilentAsItsWorkers checks that the leader knows how long a silence lasts, and who
// asked for it.
func TestALedRunIsSilentAsItsWorkers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name    string
		limit   harvest.Limit
		control harvest.Control
		want    harvest.Limit
		silent  time.Duration
	}{
		{"none", harvest.LimitBudget, harvest.Control{}, harvest.LimitBudget, 0},
		{"the upstream's", harvest.LimitBackoff, harvest.Control{Silence: time.Hour}, harvest.LimitBackoff, time.Hour},
		{"the upstream's, of which no worker knows any more", harvest.LimitBudget, harvest.Control{Silence: time.Hour}, harvest.LimitBudget, 0},
		{"an operator's", harvest.LimitBackoff, harvest.Control{Silence: time.Hour, Hold: time.Minute}, harvest.LimitHold, time.Minute},
		{"an operator's without end", harvest.LimitHold, harvest.Control{Hold: harvest.Forever}, harvest.LimitHold, 0},
	} {
		s := RunStatus{At: now, Control: test.control, Work: []harvest.Work{{Seen: now, Stats: harvest.Stats{Limit: test.limit}}}}
		p := s.Progress()
		silent := time.Duration(0)
		if !p.SilentUntil.IsZero() {
			silent = p.SilentUntil.Sub(now)
		}
		if p.Limit != test.want || silent != test.silent {
			t.Errorf("%s: Progress() = limit %s, silent for %s, want %s and %s", test.name, p.Limit, silent, test.want, test.silent)
		}
	}
}
