package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

var (
	errAway = errors.New("the store is away")
	errHeld = errors.New("another leads")
	errOver = errors.New("over the limit")
)

// fleet is a run in memory. Each look at its shards takes the next of looks; the last one stays.
type fleet struct {
	mu       sync.Mutex
	run      harvest.Run
	looks    []func(f *fleet) error
	shards   []harvest.ShardState
	keys     []harvest.Key
	totals   harvest.Counts
	control  harvest.Control
	finishes bool
	reopened int
}

func (f *fleet) FindRun(context.Context, string) (harvest.Run, error) { return f.run, nil }
func (f *fleet) Totals(context.Context, string) (harvest.Counts, error) {
	return f.totals, nil
}

func (f *fleet) ListShards(context.Context, string) ([]harvest.ShardState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.looks) > 0 {
		look := f.looks[0]
		f.looks = f.looks[1:]
		if err := look(f); err != nil {
			return nil, err
		}
	}
	return f.shards, nil
}

func (f *fleet) ListWork(context.Context, string) ([]harvest.Work, error) { return nil, nil }
func (f *fleet) ListMinutes(context.Context, string, int64) ([]harvest.Minute, error) {
	return nil, nil
}
func (f *fleet) CorpusSize(context.Context, string) (int64, error)        { return 0, nil }
func (f *fleet) Control(context.Context, string) (harvest.Control, error) { return f.control, nil }

func (f *fleet) Keys(context.Context, string) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		for _, key := range f.keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}

func (f *fleet) FinishRun(context.Context, string) (bool, error) { return f.finishes, nil }

func (f *fleet) Reopen(context.Context, string) error {
	f.reopened++
	return nil
}

// items is a corpus.
type items []string

func (c items) Open(context.Context) (iter.Seq2[harvest.Entry, error], error) {
	return func(yield func(harvest.Entry, error) bool) {
		for i, name := range c {
			if !yield(harvest.Entry{Item: harvest.Item{Key: harvest.KeyOf(name), Line: int64(i + 1)}}, nil) {
				return
			}
		}
	}, nil
}

func (c items) digest() (d harvest.Digest) {
	for _, name := range c {
		d.Add(harvest.KeyOf(name))
	}
	return d
}

func (c items) keys() (all []harvest.Key) {
	for _, name := range c {
		all = append(all, harvest.KeyOf(name))
	}
	return all
}

// lead is a leadership that is lost at the calls that it names.
type lead struct{ lost func() bool }

func (l lead) Keep(context.Context) error {
	if l.lost() {
		return errHeld
	}
	return nil
}

func (lead) Close() {}

func drained() []harvest.ShardState {
	return []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Drained: time.Unix(1, 0)}}
}

// newLeader leads the run of a fleet; its sentences are added to lines.
func newLeader(f *fleet, corpus items, lines *[]string) *Leader {
	return &Leader{
		Run: f.run, Store: f, Corpus: corpus, Began: time.Now(),
		Lead:   func(context.Context) (Leadership, error) { return lead{func() bool { return false }}, nil },
		Lost:   func(err error) bool { return errors.Is(err, errHeld) },
		Filled: func(context.Context) error { return nil },
		Grow: func(_ context.Context, _ harvest.Run, digest harvest.Digest, _ string) error {
			f.run.CorpusItems, f.run.CorpusSum = digest.Count, digest.Sum()
			f.keys = corpus.keys()
			return nil
		},
		Judge:    func(harvest.Counts, int64) error { return nil },
		Draining: func() bool { return false },
		Again: func(_ context.Context, do func() error) error {
			for {
				if err := do(); !errors.Is(err, errAway) {
					return err
				}
				time.Sleep(time.Second)
			}
		},
		Say: func(sentence string) { *lines = append(*lines, sentence) },
	}
}

// filler fails as its test sets. It fills in its turn.
type filler struct{ prepare, fill error }

func (f filler) Prepare(context.Context) error { return f.prepare }

func (f filler) Fill(ctx context.Context, turn func(context.Context) error) error {
	return errors.Join(turn(ctx), f.fill)
}

// TestLeaderDecides checks what a leader does with each end of a run.
func TestLeaderDecides(t *testing.T) {
	t.Parallel()
	corpus := items{"a", "b", "c"}
	for _, test := range []struct {
		name     string
		fleet    *fleet
		change   func(l *Leader)
		err      error
		says     string // a part of the sentence, or of the error
		reopened int
		finished bool
	}{
		{name: "each item has ended", fleet: &fleet{keys: corpus.keys(), finishes: true}, finished: true, says: "are drained: comparing"},
		{name: "an item is missing", fleet: &fleet{keys: corpus.keys()[:2], finishes: true}, err: harvest.ErrIncomplete, says: "its shards are open again", reopened: 1},
		{name: "a step of a listing is missing", fleet: &fleet{keys: corpus.keys()[:2], finishes: true}, change: func(l *Leader) { l.Steps = true },
			err: harvest.ErrIncomplete, says: "1 of 3 items of its corpus have not ended, such as line 3"},
		{name: "an item is not in the corpus", fleet: &fleet{keys: append(corpus.keys(), harvest.KeyOf("d")), finishes: true}, err: harvest.ErrIncomplete, says: "not in its corpus"},
		{name: "the corpus has grown", fleet: &fleet{keys: corpus.keys()[:2], finishes: true,
			run: harvest.Run{CorpusItems: 2, CorpusSum: sumOf(corpus[:2])}}, finished: true},
		{name: "the corpus is another one", fleet: &fleet{keys: corpus.keys()[:2], finishes: true,
			run: harvest.Run{CorpusItems: 2, CorpusSum: sumOf(corpus[1:])}}, err: harvest.ErrIncomplete, reopened: 1},
		{name: "a shard is opened again meanwhile", fleet: &fleet{keys: corpus.keys()}, err: harvest.ErrIncomplete, says: "start the same command again"},
		{name: "more losses than allowed", fleet: &fleet{keys: corpus.keys(), finishes: true}, change: func(l *Leader) {
			l.Judge = func(harvest.Counts, int64) error { return errOver }
		}, err: errOver, finished: true},
		{name: "the store is away for a while", fleet: &fleet{keys: corpus.keys(), finishes: true, looks: []func(f *fleet) error{
			func(*fleet) error { return errAway }, func(*fleet) error { return errAway },
		}}, finished: true},
		{name: "no worker is there yet", fleet: &fleet{keys: corpus.keys(), finishes: true, looks: []func(f *fleet) error{
			func(f *fleet) error { f.shards = nil; return nil }, func(f *fleet) error { f.shards = drained(); return nil },
		}}, finished: true, says: "no worker is on run r: start worker --run r --shard auto"},
		{name: "what comes first fails", fleet: &fleet{}, change: func(l *Leader) {
			l.Filler = filler{prepare: errOver}
		}, err: errOver},
		{name: "no process fills the table", fleet: &fleet{}, change: func(l *Leader) {
			l.Filled = func(context.Context) error { return errOver }
		}, err: errOver},
		{name: "its own table is filled", fleet: &fleet{keys: corpus.keys(), finishes: true}, change: func(l *Leader) {
			l.Filler, l.Filled = filler{}, func(context.Context) error { return errOver }
		}, finished: true},
		{name: "the enumeration fails", fleet: &fleet{looks: []func(f *fleet) error{func(f *fleet) error { f.shards = nil; return nil }}}, change: func(l *Leader) {
			l.Filler = filler{fill: errOver}
		}, err: errOver, says: "enumerate the corpus of run r"},
		{name: "the store is away when it asks for the lead", fleet: &fleet{keys: corpus.keys(), finishes: true}, change: func(l *Leader) {
			calls, lead := 0, l.Lead
			l.Lead = func(ctx context.Context) (Leadership, error) {
				if calls++; calls == 1 {
					return nil, errAway
				}
				return lead(ctx)
			}
		}, finished: true},
		{name: "the lead is lost and comes again", fleet: &fleet{keys: corpus.keys(), finishes: true}, change: func(l *Leader) {
			calls := 0
			l.Lead = func(context.Context) (Leadership, error) {
				return lead{func() bool { calls++; return calls == 1 }}, nil
			}
		}, finished: true, says: "the connection that led run r was lost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var said []string
				test.fleet.run.Name, test.fleet.shards = "r", drained()
				l := newLeader(test.fleet, corpus, &said)
				if test.change != nil {
					test.change(l)
				}
				led, err := l.Finish(t.Context())
				if !errors.Is(err, test.err) {
					t.Fatalf("Finish() = %v, want %v", err, test.err)
				}
				if all := strings.Join(append(said, fmt.Sprint(err)), "\n"); !strings.Contains(all, test.says) {
					t.Errorf("Finish() said %q, want %q in it", all, test.says)
				}
				if test.fleet.reopened != test.reopened {
					t.Errorf("Finish() opened the run again %d times, want %d", test.fleet.reopened, test.reopened)
				}
				if finished := led.Report.Run != ""; finished != test.finished {
					t.Errorf("Finish() has a report: %v, want %v", finished, test.finished)
				}
			})
		})
	}
}

// TestLeaderIsStopped checks that a leader ends with the reason for which it was stopped, wherever
// it is.
func TestLeaderIsStopped(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, change := range map[string]func(l *Leader){
		"while another leads":         func(l *Leader) { l.Lead = func(ctx context.Context) (Leadership, error) { return nil, waits(ctx) } },
		"before it looks at the run":  func(l *Leader) { l.Filled = waits },
		"while workers are at work":   func(l *Leader) { l.Store.(*fleet).shards = nil },
		"while it waits for its turn": func(l *Leader) { l.Store.(*fleet).shards, l.Filler = nil, filler{} },
	} {
		synctest.Test(t, func(t *testing.T) {
			var said []string
			f := &fleet{run: harvest.Run{Name: "r"}, shards: drained(), finishes: true}
			l := newLeader(f, items{"a"}, &said)
			change(l)
			ctx, end := context.WithTimeoutCause(t.Context(), time.Minute, errOver)
			defer end()
			if _, err := l.Finish(ctx); !errors.Is(err, errOver) {
				t.Errorf("%s: Finish() = %v, want %v", name, err, errOver)
			}
		})
	}
}

// TestLeaderVerifies checks that a run is compared without being led or ended.
func TestLeaderVerifies(t *testing.T) {
	t.Parallel()
	corpus := items{"a", "b", "c"}
	for ended, want := range map[int]error{3: nil, 2: harvest.ErrIncomplete} {
		var said []string
		f := &fleet{run: harvest.Run{Name: "r"}, keys: corpus.keys()[:ended], totals: harvest.Counts{Landed: int64(ended)}}
		led, err := newLeader(f, corpus, &said).Verify(t.Context())
		if !errors.Is(err, want) || led.Totals.Landed != int64(ended) || led.Proof.Missing != int64(3-ended) || f.reopened > 0 {
			t.Errorf("Verify() with %d of 3 items = %+v, %v, want %v", ended, led, err, want)
		}
	}
}

func sumOf(c items) string {
	d := c.digest()
	return d.Sum()
}

// TestLeaderTakesTurns checks that a corpus is listed only while this process leads the run and no
// operator drains it.
func TestLeaderTakesTurns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		leading, draining bool
		want              bool
	}{
		{"it leads", true, false, true}, {"it does not lead", false, false, false}, {"the run is drained", true, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &Leader{Draining: func() bool { return test.draining }}
			l.leading.Store(test.leading)
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errOver)
			defer cancel()
			if err := l.turn(ctx); (err == nil) != test.want || err != nil && !errors.Is(err, errOver) {
				t.Errorf("%s: turn() = %v, want a turn: %v", test.name, err, test.want)
			}
		})
	}
}

// TestWatchCountsFromTheFirstLook checks what a leader shows: only what ended since it looks is its
// own progress.
func TestWatchCountsFromTheFirstLook(t *testing.T) {
	t.Parallel()
	var said []string
	w := watch{run: "r", began: time.Unix(5, 0), say: func(s string) { said = append(said, s) }}
	if p := w.progress(); p.Run != "r" || !p.Fleet || !p.Started.Equal(time.Unix(5, 0)) {
		t.Errorf("progress() before a look = %+v", p)
	}
	run := harvest.Run{Name: "r", CorpusItems: 100, Rate: "50/s"}
	w.take(RunStatus{Run: run, Totals: harvest.Counts{Landed: 10}, At: time.Now()})
	w.take(RunStatus{Run: run, Totals: harvest.Counts{Landed: 25, Dead: 1}, At: time.Now()})
	if p := w.progress(); p.Already != 10 || p.Counts.Landed != 15 || p.Counts.Dead != 1 || p.Total != 100 || p.Budget != 50 {
		t.Errorf("progress() = %+v, want 10 items of before and 16 of now", p)
	}
	if len(said) != 1 {
		t.Errorf("take() said %q, want once that no worker is there", said)
	}
	w.setAway(true)
	if p := w.progress(); p.Limit != harvest.LimitStore {
		t.Errorf("progress() while the store is away has limit %q", p.Limit)
	}
}

// TestProgressOfARun checks which of the facts about a run are shown.
func TestProgressOfARun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	busy := []harvest.Work{{Seen: now, Stats: harvest.Stats{Rate: 5, Limit: harvest.LimitBudget, Note: "n"}}}
	for _, test := range []struct {
		name        string
		status      RunStatus
		limit       harvest.Limit
		note        string
		total       int64
		guess, held bool
		idle        string
	}{
		{name: "no worker", limit: harvest.LimitCorpus, idle: "no worker is on run r: start worker --run r --shard auto, on as many machines as you like"},
		{name: "a worker at work", status: RunStatus{Work: busy, Shards: []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Held: true}}}, limit: harvest.LimitBudget, note: "n"},
		{name: "a lapsed lease is no worker", status: RunStatus{Shards: []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Held: true, Lapsed: true}}}, limit: harvest.LimitCorpus,
			idle: "no worker is on run r: start worker --run r --shard auto, on as many machines as you like"},
		{name: "a pause without an end", status: RunStatus{Control: harvest.Control{Hold: harvest.Forever, By: "ada"}, Shards: drained()}, limit: harvest.LimitHold, note: "paused by ada"},
		{name: "a pause for a while", status: RunStatus{Control: harvest.Control{Hold: time.Minute, By: "ada"}, Shards: drained()}, limit: harvest.LimitHold, held: true},
		{name: "a drain", status: RunStatus{Control: harvest.Control{DrainAt: now, DrainBy: "ada"}}, limit: harvest.LimitCorpus, note: "being drained by ada",
			idle: "no worker is on run r: ada drains it since 2026-11-01 00:00:00 UTC; coordinator resume --run r ends that"},
		{name: "a corpus table that fills", status: RunStatus{Rows: 7, Shards: []harvest.ShardState{{Shard: harvest.Shard{Of: 2}, Held: true}}}, limit: harvest.LimitCorpus, total: 7, guess: true},
		{name: "a corpus that was read", status: RunStatus{Rows: 7, Run: harvest.Run{CorpusItems: 9}, Shards: []harvest.ShardState{{Shard: harvest.Shard{Of: 2}, Held: true}}}, limit: harvest.LimitCorpus, total: 9},
		{name: "a drained run has what ended", status: RunStatus{Run: harvest.Run{CorpusItems: 9}, Totals: harvest.Counts{Landed: 8}, Shards: drained()}, limit: harvest.LimitCorpus, total: 8},
	} {
		test.status.Run.Name, test.status.At = "r", now
		p := test.status.Progress()
		if p.Limit != test.limit || p.Note != test.note || p.Total != test.total || p.Guess != test.guess || p.SilentUntil.IsZero() == test.held {
			t.Errorf("%s: Progress() = limit %q, note %q, total %d, guess %v, silent until %s", test.name, p.Limit, p.Note, p.Total, p.Guess, p.SilentUntil)
		}
		if got := test.status.Idle(); got != test.idle {
			t.Errorf("%s: Idle() = %q, want %q", test.name, got, test.idle)
		}
	}
	shards := []harvest.ShardState{{Shard: harvest.Shard{Index: 1, Of: 4}, Held: true}, {Shard: harvest.Shard{Of: 2}}}
	if of := (RunStatus{Shards: shards}).Of(); of != 4 {
		t.Errorf("Of() = %d, want that of the shard that is held", of)
	}
	if free := (RunStatus{Shards: shards}).Unowned(); !slices.Equal(free, []harvest.Shard{{Index: 0, Of: 4}, {Index: 2, Of: 4}, {Index: 3, Of: 4}}) {
		t.Errorf("Unowned() = %v", free)
	}
}
