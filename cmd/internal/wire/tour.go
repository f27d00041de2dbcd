package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// tour adds up the shards that one process works on, one after the other.
type tour struct {
	mu      sync.Mutex
	past    harvest.Progress // the shards that are behind
	shards  int
	present func() harvest.Progress
}

// next begins a shard.
func (t *tour) next(present func() harvest.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present != nil {
		t.past = plus(t.past, t.present())
		t.shards++
	}
	t.present = present
}

// progress is that of all shards so far.
func (t *tour) progress() harvest.Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.present == nil {
		return harvest.Progress{Now: time.Now()}
	}
	p := plus(t.past, t.present())
	p.Shards = t.shards + 1
	return p
}

// limit is what is left of --limit.
func (t *tour) limit(all int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if all == 0 {
		return 0
	}
	ended := t.past.Counts.Items()
	if t.present != nil {
		ended += t.present().Counts.Items()
	}
	return max(1, all-int(ended))
}

// plus is now, with the items of both; requests are added up by the process' tally.
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

// drainAll drains the shard, or with --shard auto one free shard after the other until none is left.
func (h *Harvester) drainAll(ctx context.Context) (Outcome, error) {
	h.startReports(ctx)
	if h.Watch != nil {
		h.Watch(h.progress)
	}
	for {
		out, err := h.drain(ctx)
		if why := onceMore(err); why != "" && h.set.Corpus != "-" {
			h.Say(why + ": the shard is gone through once more")
			h.verify = errors.Is(err, worker.ErrDoubt)
			if err := h.interruptible(ctx, h.openNextCorpus, h.build); err != nil {
				return out, err
			}
			continue
		}
		if err != nil || !out.Drained || !h.set.AutoShard {
			return out, err
		}
		if h.set.Limit > 0 && h.tour.progress().Counts.Items() >= int64(h.set.Limit) {
			return Outcome{}, nil
		}
		if err := h.lease.Release(ctx); err != nil {
			h.Log.Warn("giving a drained shard back", "error", err)
		}
		h.verify = false
		err = h.interruptible(ctx, h.claim, h.openNextCorpus, h.build)
		if errors.Is(err, store.ErrNoShardLeft) {
			return out, nil
		}
		if err != nil {
			return Outcome{}, err
		}
	}
}

// onceMore says why a pass is to be repeated; empty when it is not.
func onceMore(err error) string {
	switch {
	case errors.Is(err, worker.ErrAnother):
		return "the store was restored, failed over or its ledger rebuilt"
	case errors.Is(err, worker.ErrDoubt):
		return "Redis knows more items than the store has counted (or the corpus holds some twice), so the store is asked for each"
	}
	return ""
}

// progress is that of this process, with the requests that list its corpus.
func (h *Harvester) progress() harvest.Progress {
	p, sum := h.tour.progress(), h.tally.Sum()
	p.Rate, p.Part = h.tally.Rate(time.Now()), h.shardText()
	p.Records = sum.Records
	p.Requests, p.Wire, p.Malformed, p.Retries, p.Pauses = sum.Requests, sum.Wire, sum.Malformed, 0, 0
	for _, n := range sum.Retries {
		p.Retries += n
	}
	for _, s := range sum.Pauses {
		p.Pauses += s.Times
	}
	return p
}

// openNextCorpus begins another pass for the next shard. The run may know more about its corpus by now.
func (h *Harvester) openNextCorpus(ctx context.Context) error {
	if err := h.closeCorpus(); err != nil {
		h.Log.Warn("closing the corpus", "error", err)
	}
	err := h.patiently(ctx, "the store", unavailable, func() error {
		run, err := h.truth.FindRun(ctx, h.run.Name)
		if err == nil {
			h.refresh(run)
		}
		return err
	})
	if err != nil {
		return err
	}
	return h.openCorpus(ctx)
}

// refresh takes in what a run gains while it lasts. The rest of it stays as it is: others read it at the same time.
func (h *Harvester) refresh(run harvest.Run) {
	h.run.CorpusItems, h.run.CorpusSum, h.run.FinishedAt = run.CorpusItems, run.CorpusSum, run.FinishedAt
}

// report says in the store what this process has done so far.
func (h *Harvester) report(ctx context.Context, limit time.Duration, ended bool) {
	work := harvest.Work{Run: h.run.Name, Worker: fmt.Sprintf("%s@%d", owner(), h.began.UnixMicro()), Started: h.began, Ended: ended}
	p := h.tour.progress()
	if p.Shard.Of > 0 && !ended {
		work.Shard = p.Shard.String()
	}
	work.Stats, work.Minutes = h.tally.Take(p)
	work.Stats.Auto = h.set.AutoShard
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := h.truth.SaveWork(ctx, work); err != nil {
		h.Log.Debug("the store was not told what this worker does", "error", err)
		return
	}
	h.tally.Saved(work.Minutes, time.Now())
}

// startReports reports every few seconds, and once more at the end.
func (h *Harvester) startReports(ctx context.Context) {
	life, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(harvest.ReportEvery)
		defer tick.Stop()
		for {
			select {
			case <-life.Done():
				return
			case <-tick.C:
				h.report(life, harvest.ReportEvery, false)
			}
		}
	}()
	h.onClose(func() error {
		end()
		<-done
		h.report(context.WithoutCancel(ctx), lastWord/2, true)
		return nil
	})
}
