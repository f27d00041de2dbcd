package worker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// shardsFake ends each pass as its test sets, and notes its calls.
type shardsFake struct {
	ends     []error // of the passes; errOpen: the limit ended it
	claims   []error
	fails    string // the step that fails
	finishes bool
	asked    []string
}

var (
	errOpen = errors.New("not complete")
	errNo   = errors.New("no")
)

func (s *shardsFake) note(step string) error {
	s.asked = append(s.asked, step)
	if step == s.fails {
		return errNo
	}
	return nil
}

func (s *shardsFake) Work(context.Context) (Result, error) {
	s.asked = append(s.asked, "work")
	err := s.ends[0]
	s.ends = s.ends[1:]
	if errors.Is(err, errOpen) {
		return Result{}, nil
	}
	return Result{Complete: err == nil}, err
}

func (s *shardsFake) Open(_ context.Context, verify bool) error {
	return s.note(map[bool]string{false: "open", true: "verify"}[verify])
}

func (s *shardsFake) Release(context.Context) error { return s.note("release") }

func (s *shardsFake) Claim(context.Context) error {
	s.asked = append(s.asked, "claim")
	err := s.claims[0]
	s.claims = s.claims[1:]
	return err
}

func (s *shardsFake) Accept(context.Context, Result) error { return s.note("accept") }

func (s *shardsFake) Complete(context.Context, Result) (bool, error) {
	return s.finishes, s.note("complete")
}

func (s *shardsFake) Judge(context.Context) error { return s.note("judge") }

// SaveWork implements [WorkStore].
func (s *shardsFake) SaveWork(context.Context, harvest.Work) error { return s.note("report") }

// drainFake drains these shards, of which the first has five new items.
func drainFake(t *testing.T, p Process, shards *shardsFake) (Ended, error) {
	t.Helper()
	p.Shards, p.Closer, p.Say, p.Log = shards, shards, func(string) {}, slog.New(slog.DiscardHandler)
	p.Progress, p.LastWord = &ProcessProgress{Counters: exchange.NewCounters()}, time.Minute
	p.Progress.Begin(harvest.Run{}, func() harvest.Progress { return harvest.Progress{Counts: harvest.Counts{Landed: 5}} })
	p.Reports = Reports{Store: shards, Progress: p.Progress, Log: p.Log}
	p.Again = func(_ context.Context, do func() error) error { return do() }
	return p.Drain(t.Context())
}

// TestProcessGoesFromShardToShard states what a process does after each end of a shard.
func TestProcessGoesFromShardToShard(t *testing.T) {
	t.Parallel()
	auto := Process{Auto: true}
	for _, test := range []struct {
		name    string
		process Process
		shards  shardsFake
		asked   string
		drained bool
		err     error
	}{
		{name: "one shard", shards: shardsFake{ends: []error{nil}}, asked: "work report accept complete judge", drained: true},
		{name: "a limit ends it", shards: shardsFake{ends: []error{errOpen}}, asked: "work"},
		{name: "an error ends it", shards: shardsFake{ends: []error{errNo}}, asked: "work", err: errNo},
		{name: "one shard after the other", process: auto, shards: shardsFake{ends: []error{nil, nil}, claims: []error{nil, ErrNoShardLeft}},
			asked: "work report accept complete release claim open work report accept complete release claim", drained: true},
		{name: "the next shard cannot be had", process: auto, shards: shardsFake{ends: []error{nil}, claims: []error{errNo}}, asked: "work report accept complete release claim", err: errNo},
		{name: "a shard that is not given back is free a little later", process: auto, shards: shardsFake{ends: []error{nil}, claims: []error{ErrNoShardLeft}, fails: "release"},
			asked: "work report accept complete release claim", drained: true},
		{name: "a limit is that of all shards", process: Process{Auto: true, Limit: 5}, shards: shardsFake{ends: []error{nil}}, asked: "work report accept complete"},
		{name: "a restored store is gone through again", shards: shardsFake{ends: []error{ErrAnother, nil}}, asked: "work open work report accept complete judge", drained: true},
		{name: "in doubt the store is asked", shards: shardsFake{ends: []error{ErrDoubt, nil}}, asked: "work verify work report accept complete judge", drained: true},
		{name: "another pass cannot be opened", shards: shardsFake{ends: []error{ErrDoubt}, fails: "verify"}, asked: "work verify", err: errNo},
		{name: "standard input is read once", process: Process{Once: true}, shards: shardsFake{ends: []error{ErrAnother}}, asked: "work", err: ErrAnother},
	} {
		ended, err := drainFake(t, test.process, &test.shards)
		if got := strings.Join(test.shards.asked, " "); got != test.asked || ended.Drained != test.drained || !errors.Is(err, test.err) {
			t.Errorf("%s: Drain() = %+v, %v after %q, want %v, %v after %q", test.name, ended, err, got, test.drained, test.err, test.asked)
		}
	}
}

// TestProcessIsStopped checks that a signal ends the wait for another shard.
func TestProcessIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		shards := waitingShards{&shardsFake{ends: []error{nil}}}
		p := Process{Auto: true, Shards: shards, Closer: shards, Progress: &ProcessProgress{Counters: exchange.NewCounters()}, Stop: stop, LastWord: time.Second, Log: slog.New(slog.DiscardHandler)}
		p.Again = func(_ context.Context, do func() error) error { return do() }
		p.Reports = Reports{Store: shards, Progress: p.Progress, Log: p.Log}
		if _, err := p.Drain(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("Drain() = %v, want %v", err, ErrStopped)
		}
	})
}

// waitingShards never get another one.
type waitingShards struct{ *shardsFake }

func (waitingShards) Claim(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestClosing states in which order a shard is closed, and what keeps it open.
func TestClosing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name             string
		fails            string
		process          Process
		want             string
		closed, finished bool
	}{
		{name: "all in order", want: "report accept complete judge", closed: true, finished: true},
		{name: "a report that is not kept keeps nothing open", fails: "report", want: "report accept complete judge", closed: true, finished: true},
		{name: "another corpus keeps it open", fails: "accept", want: "report accept"},
		{name: "a lost lease keeps it open", fails: "complete", want: "report accept complete"},
		{name: "too many losses are found when it is closed", fails: "judge", want: "report accept complete judge", closed: true, finished: true},
		{name: "the leader judges", process: Process{Auto: true}, want: "report accept complete release claim", closed: true, finished: true},
		{name: "a listing has nothing to compare", process: Process{Steps: true}, want: "report complete judge", closed: true, finished: true},
	} {
		shards := &shardsFake{ends: []error{nil}, claims: []error{ErrNoShardLeft}, fails: test.fails, finishes: true}
		ended, err := drainFake(t, test.process, shards)
		fails := test.fails != "" && test.fails != "report"
		if got := strings.TrimPrefix(strings.Join(shards.asked, " "), "work "); got != test.want || ended.Drained != test.closed || ended.Finished != test.finished || (err != nil) != fails {
			t.Errorf("%s: Drain() = %+v, %v after %q, want closed %v, finished %v after %q", test.name, ended, err, got, test.closed, test.finished, test.want)
		}
	}
}

// TestProcessProgress states how the shards of a process add up.
func TestProcessProgress(t *testing.T) {
	t.Parallel()
	began := time.Unix(100, 0)
	shard := func(started time.Time, total, already, landed int64) func() harvest.Progress {
		return func() harvest.Progress {
			return harvest.Progress{Started: started, Total: total, Already: already, Seen: total, Counts: harvest.Counts{Landed: landed}}
		}
	}
	p := &ProcessProgress{Counters: exchange.NewCounters(), Part: "auto"}
	if got := p.Of(); got.Shards != 0 || got.Now.IsZero() {
		t.Errorf("Of() before a shard = %+v", got)
	}
	p.Begin(harvest.Run{Inputs: harvest.Inputs{Host: "api.example"}, Shards: 4}, shard(began, 10, 2, 8))
	p.Begin(harvest.Run{Inputs: harvest.Inputs{Host: "api.example"}, Shards: 4}, shard(began.Add(time.Minute), 20, 1, 4))
	got := p.Whole()
	if got.Shards != 2 || !got.Started.Equal(began) || got.Total != 30 || got.Already != 3 || got.Seen != 30 || got.Counts.Landed != 12 || got.Part != "auto" || got.Host != "api.example" || !got.Led {
		t.Errorf("Whole() of two shards = %+v", got)
	}
	for limit, want := range map[int]int{0: 0, 20: 8, 12: 1, 5: 1} {
		if got := p.Left(limit); got != want {
			t.Errorf("Left(%d) after 12 items = %d, want %d", limit, got, want)
		}
	}
}

// works keeps reports.
type works struct {
	saved []harvest.Work
	err   error
}

func (w *works) SaveWork(_ context.Context, work harvest.Work) error {
	if w.err == nil {
		w.saved = append(w.saved, work)
	}
	return w.err
}

// TestReports checks that a process reports every few seconds, and once more when it leaves.
func TestReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &works{}
		p := &ProcessProgress{Counters: exchange.NewCounters()}
		p.Begin(harvest.Run{}, func() harvest.Progress { return harvest.Progress{Shard: harvest.Shard{Index: 1, Of: 4}} })
		r := Reports{Store: store, Run: "r", Worker: "w", Began: time.Now(), Auto: true, Progress: p, Log: slog.New(slog.DiscardHandler)}
		stop := r.Start(t.Context(), time.Second)
		time.Sleep(2*harvest.ReportEvery + time.Second)
		synctest.Wait()
		stop()
		if len(store.saved) != 3 {
			t.Fatalf("%d reports in %s, want one every %s and a last one", len(store.saved), 2*harvest.ReportEvery, harvest.ReportEvery)
		}
		if w := store.saved[0]; w.Run != "r" || w.Worker != "w" || w.Shard != "1/4" || w.Ended || !w.Stats.Auto {
			t.Errorf("a report = %+v", w)
		}
		if w := store.saved[2]; w.Shard != "" || !w.Ended {
			t.Errorf("the last report = %+v, want one without a shard", w)
		}
		store.err = errors.New("away")
		r.Save(t.Context(), time.Second, false) // is followed by the next one
	})
}
