package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// shardsFake ends each pass as its test sets, and notes its calls.
type shardsFake struct {
	ends  []error // of the passes; errOpen: the limit ended it
	next  []error
	asked []string
}

var errOpen = errors.New("not complete")

func (s *shardsFake) Drain(context.Context) (bool, error) {
	s.asked = append(s.asked, "drain")
	err := s.ends[0]
	s.ends = s.ends[1:]
	if errors.Is(err, errOpen) {
		return false, nil
	}
	return err == nil, err
}

func (s *shardsFake) Again(_ context.Context, verify bool) error {
	s.asked = append(s.asked, map[bool]string{false: "again", true: "verify"}[verify])
	return nil
}

func (s *shardsFake) Next(context.Context) error {
	s.asked = append(s.asked, "next")
	err := s.next[0]
	s.next = s.next[1:]
	return err
}

// TestProcessGoesFromShardToShard states what a process does after each end of a shard.
func TestProcessGoesFromShardToShard(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for _, test := range []struct {
		name    string
		process Process
		shards  shardsFake
		asked   string
		drained bool
		err     error
	}{
		{name: "one shard", shards: shardsFake{ends: []error{nil}}, asked: "drain", drained: true},
		{name: "a limit ends it", shards: shardsFake{ends: []error{errOpen}}, asked: "drain"},
		{name: "an error ends it", shards: shardsFake{ends: []error{errBroken}}, asked: "drain", err: errBroken},
		{name: "one shard after the other", process: Process{Auto: true}, shards: shardsFake{ends: []error{nil, nil}, next: []error{nil, ErrNoShardLeft}}, asked: "drain next drain next", drained: true},
		{name: "the next shard cannot be had", process: Process{Auto: true}, shards: shardsFake{ends: []error{nil}, next: []error{errBroken}}, asked: "drain next", err: errBroken},
		{name: "a limit is that of all shards", process: Process{Auto: true, Limit: 5}, shards: shardsFake{ends: []error{nil}}, asked: "drain"},
		{name: "a restored store is gone through again", shards: shardsFake{ends: []error{ErrAnother, nil}}, asked: "drain again drain", drained: true},
		{name: "in doubt the store is asked", shards: shardsFake{ends: []error{ErrDoubt, nil}}, asked: "drain verify drain", drained: true},
		{name: "standard input is read once", process: Process{Once: true}, shards: shardsFake{ends: []error{ErrAnother}}, asked: "drain", err: ErrAnother},
	} {
		p := test.process
		p.Shards, p.Say, p.Progress = &test.shards, func(string) {}, &ProcessProgress{}
		p.Progress.Begin(harvest.Run{}, func() harvest.Progress { return harvest.Progress{Counts: harvest.Counts{Landed: 5}} })
		drained, err := p.Drain(t.Context())
		if got := strings.Join(test.shards.asked, " "); got != test.asked || drained != test.drained || !errors.Is(err, test.err) {
			t.Errorf("%s: Drain() = %v, %v after %q, want %v, %v after %q", test.name, drained, err, got, test.drained, test.err, test.asked)
		}
	}
}

// TestClosing states in which order a shard is closed, and what keeps it open.
func TestClosing(t *testing.T) {
	t.Parallel()
	errNo := errors.New("no")
	for _, test := range []struct {
		name             string
		fails            string
		without          []string
		want             string
		closed, finished bool
	}{
		{name: "all in order", want: "accept complete judge", closed: true, finished: true},
		{name: "another corpus keeps it open", fails: "accept", want: "accept"},
		{name: "a lost lease keeps it open", fails: "complete", want: "accept complete"},
		{name: "too many losses are found when it is closed", fails: "judge", want: "accept complete judge", closed: true, finished: true},
		{name: "the leader judges", without: []string{"judge"}, want: "accept complete", closed: true, finished: true},
		{name: "a listing has nothing to compare", without: []string{"accept"}, want: "complete judge", closed: true, finished: true},
	} {
		var done []string
		step := func(name string) func(context.Context) error {
			if slices.Contains(test.without, name) {
				return nil
			}
			return func(context.Context) error {
				done = append(done, name)
				if name == test.fails {
					return errNo
				}
				return nil
			}
		}
		complete := step("complete")
		c := Closing{Accept: step("accept"), Judge: step("judge"), Again: func(_ context.Context, do func() error) error { return do() },
			Complete: func(ctx context.Context) (bool, error) { err := complete(ctx); return err == nil, err }}
		closed, finished, err := c.Close(t.Context())
		if got := strings.Join(done, " "); got != test.want || closed != test.closed || finished != test.finished || (err != nil) != (test.fails != "") {
			t.Errorf("%s: Close() = %v, %v, %v after %q, want %v, %v after %q", test.name, closed, finished, err, got, test.closed, test.finished, test.want)
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
