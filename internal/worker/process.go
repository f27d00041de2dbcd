package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// ErrNoShardLeft is [harvest.ErrNoShardLeft]: the run has no shard left for another worker.
var ErrNoShardLeft = harvest.ErrNoShardLeft

// Shards are the shards that one process works on, one after the other. At the beginning one is at
// hand, and open.
type Shards interface {
	// Work makes a pass over the shard at hand. Its result is complete if all items have ended; a
	// limit ends it earlier. ErrAnother and ErrDoubt ask for another pass.
	Work(ctx context.Context) (Result, error)
	// Open prepares a pass over the shard at hand. With verify the store is asked for each item
	// whether it has ended.
	Open(ctx context.Context, verify bool) error
	// Release gives the shard at hand back. After an error it is free a little later.
	Release(ctx context.Context) error
	// Claim takes a shard, for which it may wait. ErrNoShardLeft where there is none.
	Claim(ctx context.Context) error
}

// Closer closes the shard at hand, of which every item has ended. [Process.Again] repeats what the
// store does not take while it is away.
type Closer interface {
	// Accept compares the corpus of the pass with that of the run.
	Accept(ctx context.Context, pass Result) error
	// Complete records that the shard is drained, and reports whether the run is finished by that.
	Complete(ctx context.Context, pass Result) (finished bool, err error)
	// Judge returns an error where the run lost more than allowed.
	Judge(ctx context.Context) error
}

// Process works on the shards of one process.
type Process struct {
	Shards   Shards
	Closer   Closer
	Progress *ProcessProgress
	Reports  Reports // the last one comes before a shard is closed
	Again    func(ctx context.Context, do func() error) error
	Stop     <-chan struct{} // closed by a signal
	LastWord time.Duration   // how long closing a shard may take after the signal
	Auto     bool            // one free shard after the other, and not only that at hand; the leader of the run judges it
	Once     bool            // the corpus cannot be read a second time
	Steps    bool            // the items are steps of a listing: no corpus to compare
	Limit    int             // new items, after which it ends; 0: none
	Say      func(sentence string)
	Log      *slog.Logger
}

// Ended is how a process ended.
type Ended struct {
	Drained  bool // there was nothing more to do; an error is about what was lost on the way
	Finished bool // by the shard that was closed last, the run is finished too
}

// Drain drains the shard at hand, or one free shard after the other until none is left.
func (p Process) Drain(ctx context.Context) (Ended, error) {
	ended, err := p.drain(ctx)
	if !errors.Is(err, ErrStopped) && !errors.Is(err, context.Canceled) {
		p.Progress.Counters.EndedBy(err)
	}
	return ended, err
}

func (p Process) drain(ctx context.Context) (Ended, error) {
	for {
		pass, err := p.Shards.Work(ctx)
		if why := onceMore(err); why != "" && !p.Once {
			p.Say(why + ": the shard is gone through once more")
			if err := p.open(ctx, errors.Is(err, ErrDoubt)); err != nil {
				return Ended{}, err
			}
			continue
		}
		if err != nil || !pass.Complete {
			return Ended{}, err
		}
		ended, err := p.close(ctx, pass)
		if err != nil || !p.Auto {
			return ended, err
		}
		if p.Limit > 0 && p.Progress.Of().Counts.Items() >= int64(p.Limit) {
			return Ended{}, nil
		}
		if err := p.next(ctx); err != nil {
			if errors.Is(err, ErrNoShardLeft) {
				return ended, nil
			}
			return Ended{}, err
		}
	}
}

// open opens the shard at hand.
func (p Process) open(ctx context.Context, verify bool) error {
	return Interruptible(ctx, p.Stop, func(ctx context.Context) error { return p.Shards.Open(ctx, verify) })
}

// next gives the shard at hand back and opens another one.
func (p Process) next(ctx context.Context) error {
	if err := p.Shards.Release(ctx); err != nil {
		p.Log.Warn("giving a drained shard back", "error", err)
	}
	return Interruptible(ctx, p.Stop, p.Shards.Claim, func(ctx context.Context) error { return p.Shards.Open(ctx, false) })
}

// close closes the shard at hand. A signal that comes meanwhile leaves the store a last word. The
// report comes first: the process that finishes the run then adds everything up. Then comes the
// corpus: one that is not the run's must not close a shard.
func (p Process) close(ctx context.Context, pass Result) (Ended, error) {
	ctx, end := UntilStopped(ctx, p.Stop, p.LastWord)
	defer end()
	p.Reports.Save(ctx, p.LastWord/2, false)
	if !p.Steps { // what a listing holds shows only when all of it is walked
		if err := p.Again(ctx, func() error { return p.Closer.Accept(ctx, pass) }); err != nil {
			return Ended{}, err
		}
	}
	finished := false
	err := p.Again(ctx, func() (err error) {
		finished, err = p.Closer.Complete(ctx, pass)
		return err
	})
	if err != nil {
		return Ended{}, err
	}
	ended := Ended{Drained: true, Finished: finished}
	if p.Auto {
		return ended, nil
	}
	return ended, p.Again(ctx, func() error { return p.Closer.Judge(ctx) })
}

// onceMore returns why a pass is to be repeated; empty if it is not.
func onceMore(err error) string {
	switch {
	case errors.Is(err, ErrAnother):
		return "the store was restored, failed over or its ledger rebuilt"
	case errors.Is(err, ErrDoubt):
		return "Redis knows more items than the store has counted (or the corpus holds some twice), so the store is asked for each"
	}
	return ""
}

// ProcessProgress adds up the shards that one process works on, one after the other.
type ProcessProgress struct {
	Counters *exchange.Counters
	Part     string // the shard that was asked for: i/N, or auto

	run     atomic.Pointer[harvest.Run]
	mu      sync.Mutex
	past    harvest.Progress // the shards that are behind
	shards  int
	present func() harvest.Progress
}

// Begin begins a shard of a run, whose progress is given by a function.
func (t *ProcessProgress) Begin(run harvest.Run, present func() harvest.Progress) {
	t.run.Store(&run)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present != nil {
		t.past = plus(t.past, t.present())
		t.shards++
	}
	t.present = present
}

// Of returns the progress of all shards so far.
func (t *ProcessProgress) Of() harvest.Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present == nil {
		return harvest.Progress{Now: time.Now()}
	}
	p := plus(t.past, t.present())
	p.Shards = t.shards + 1
	return p
}

// Whole returns the progress of the process: that of its shards, with all requests that it made,
// those that list its corpus too.
func (t *ProcessProgress) Whole() harvest.Progress {
	p, sum := t.Of(), t.Counters.Sum()
	p.Rate, p.Part = t.Counters.Rate(time.Now()), t.Part
	if run := t.run.Load(); run != nil {
		p.Host, p.Led = run.Host, run.Shards > 0
	}
	p.Records, p.Failures = sum.Records, t.Counters.Failures()
	p.Requests, p.Wire, p.Malformed, p.Retries, p.Pauses = sum.Requests, sum.Wire, sum.Malformed, 0, 0
	for _, n := range sum.Retries {
		p.Retries += n
	}
	for _, s := range sum.Pauses {
		p.Pauses += s.Times
	}
	return p
}

// Left returns what is left of a limit of new items, at least one; 0 where there is no limit.
func (t *ProcessProgress) Left(limit int) int {
	if limit == 0 {
		return 0
	}
	return max(1, limit-int(t.Of().Counts.Items()))
}

// plus is now, with the items of both; requests are added up by the process' counters.
func plus(past, now harvest.Progress) harvest.Progress {
	sum := now
	if !past.Started.IsZero() {
		sum.Started = past.Started
	}
	if now.Total > 0 {
		sum.Total += past.Already + past.Counts.Items()
	}
	sum.Already, sum.Seen, sum.Counts = past.Already+now.Already, past.Seen+now.Seen, past.Counts.Plus(now.Counts)
	return sum
}
