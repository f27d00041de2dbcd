package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// ErrNoShardLeft: the run has no shard left for another worker.
var ErrNoShardLeft = errors.New("no shard of the run is left")

// Shards are the shards that one process works on, one after the other.
type Shards interface {
	// Drain works on the shard at hand. complete reports whether all its items have ended and it is
	// closed; a limit ends it earlier. ErrAnother and ErrDoubt ask for another pass.
	Drain(ctx context.Context) (complete bool, err error)
	// Again prepares another pass over the shard at hand. With verify the store is asked for each
	// item whether it has ended.
	Again(ctx context.Context, verify bool) error
	// Next gives the shard back and takes another one. ErrNoShardLeft where there is none.
	Next(ctx context.Context) error
}

// Process works on the shards of one process.
type Process struct {
	Shards   Shards
	Progress *ProcessProgress
	Auto     bool // one free shard after the other, and not only that at hand
	Once     bool // the corpus cannot be read a second time
	Limit    int  // new items, after which it ends; 0: none
	Say      func(sentence string)
}

// Drain drains the shard at hand, or one free shard after the other until none is left. drained
// reports whether there was nothing more to do.
func (p Process) Drain(ctx context.Context) (drained bool, err error) {
	drained, err = p.drain(ctx)
	if !errors.Is(err, ErrStopped) && !errors.Is(err, context.Canceled) {
		p.Progress.Counters.EndedBy(err)
	}
	return drained, err
}

func (p Process) drain(ctx context.Context) (drained bool, err error) {
	for {
		complete, err := p.Shards.Drain(ctx)
		if why := onceMore(err); why != "" && !p.Once {
			p.Say(why + ": the shard is gone through once more")
			if err := p.Shards.Again(ctx, errors.Is(err, ErrDoubt)); err != nil {
				return false, err
			}
			continue
		}
		if err != nil || !complete || !p.Auto {
			return complete, err
		}
		if p.Limit > 0 && p.Progress.Of().Counts.Items() >= int64(p.Limit) {
			return false, nil
		}
		if err := p.Shards.Next(ctx); err != nil {
			if errors.Is(err, ErrNoShardLeft) {
				return true, nil
			}
			return false, err
		}
	}
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

// Closing closes a shard of which every item has ended.
type Closing struct {
	// Accept compares the corpus with that of the run; nil where there is nothing to compare.
	Accept func(ctx context.Context) error
	// Complete records that the shard is drained, and reports whether the run is finished by that.
	Complete func(ctx context.Context) (finished bool, err error)
	// Judge returns an error where the run lost more than allowed; nil where another process judges
	// it.
	Judge func(ctx context.Context) error
	// Again repeats what the store does not take while it is away.
	Again func(ctx context.Context, do func() error) error
}

// Close takes these steps. The corpus comes first: one that is not the run's must not close a
// shard.
func (c Closing) Close(ctx context.Context) (closed, finished bool, err error) {
	if c.Accept != nil {
		if err := c.Again(ctx, func() error { return c.Accept(ctx) }); err != nil {
			return false, false, err
		}
	}
	err = c.Again(ctx, func() (err error) {
		finished, err = c.Complete(ctx)
		return err
	})
	if err != nil {
		return false, finished, err
	}
	if c.Judge == nil {
		return true, finished, nil
	}
	return true, finished, c.Again(ctx, func() error { return c.Judge(ctx) })
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
