package wire

import (
	"context"
	"fmt"
	"strings"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/worker"
)

// drain runs the worker and settles the shard. A signal that comes while it is
// settled leaves the store a last word.
func (h *Harvester) drain(ctx context.Context) (Outcome, error) {
	if h.listsPages() {
		return h.drainListing(ctx)
	}
	result, err := h.worker.Drain(ctx, h.Stop)
	out := Outcome{Run: h.run}
	if err != nil || !result.Complete {
		return out, err
	}
	ctx, end := h.untilStopped(ctx, lastWord)
	defer end()
	h.report(ctx, lastWord/2, false) // before the shard is closed: whoever finishes the run then adds everything up
	return out, h.settle(ctx, result, &out)
}

// untilStopped is a context that ends so long after the first signal.
func (h *Harvester) untilStopped(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-h.Stop:
			time.AfterFunc(after, func() { end(worker.ErrStopped) })
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// settle records that the shard is drained. The digest comes first: a corpus
// that is not the run's must not close it.
func (h *Harvester) settle(ctx context.Context, result worker.Result, out *Outcome) error {
	var totals harvest.Counts
	var run harvest.Run
	for _, step := range []func() error{
		func() error {
			if h.listsPages() { // as long as it is not walked to its end nobody knows what it holds
				return nil
			}
			return h.settleDigest(ctx, h.run.CorpusItems, result)
		},
		func() (err error) {
			out.Finished, err = h.lease.Complete(ctx, result.Rejected)
			return err
		},
		func() (err error) {
			totals, err = h.truth.Totals(ctx, h.run.Name)
			return err
		},
		func() (err error) {
			run, err = h.truth.FindRun(ctx, h.run.Name)
			return err
		},
	} {
		if err := h.patiently(ctx, "the store", unavailable, step); err != nil {
			return err
		}
	}
	out.Drained = true
	if h.set.AutoShard { // whoever leads the run judges all of it in the end
		return nil
	}
	return OverLimit(h.set, totals, run.CorpusItems)
}

// settleDigest accepts the corpus of the first pass, the same one again, and one
// that only grew at its end.
func (h *Harvester) settleDigest(ctx context.Context, before int64, result worker.Result) error {
	sum, count := result.Digest.Sum(), result.Digest.Count
	for {
		run, err := h.truth.FindRun(ctx, h.run.Name)
		if err != nil {
			return err
		}
		grew := count > run.CorpusItems && run.CorpusItems == before && result.Prefix == run.CorpusSum
		switch {
		case run.CorpusSum != "" && count == run.CorpusItems && sum == run.CorpusSum:
			return nil
		case run.CorpusSum != "" && !grew:
			return fmt.Errorf("%w: the corpus is not the one that run %s was opened with (%d items then, %d now, and not just more at its end); "+
				"what was fetched has landed; open a new run for it with --run NAME, or go back to the old corpus",
				worker.ErrIncomplete, run.Name, run.CorpusItems, count)
		}
		recorded, err := h.truth.RecordDigest(ctx, run.Name, run.CorpusSum, count, sum)
		if err != nil {
			return err
		}
		if recorded {
			h.sayGrowth(run, count)
			return nil
		}
		// Another shard was faster: judge by what it recorded.
	}
}

// grow records the corpus of a proof in the place of the run's.
func (h *Harvester) grow(ctx context.Context, run harvest.Run, digest harvest.Digest, prefix string) error {
	return h.settleDigest(ctx, run.CorpusItems, worker.Result{Digest: digest, Prefix: prefix})
}

func (h *Harvester) sayGrowth(run harvest.Run, count int64) {
	switch {
	case run.CorpusSum == "":
	case h.set.Shard.Of == 1:
		h.Say(fmt.Sprintf("the corpus grew from %d to %d items: recorded", run.CorpusItems, count))
	default:
		h.Say(fmt.Sprintf("the corpus grew from %d to %d items: recorded; start the other shards again, so that they see it too", run.CorpusItems, count))
	}
}

// OverLimit compares the losses of the whole run with what is allowed. While
// other shards are at work the corpus' own count says how many items there are.
func OverLimit(set config.Worker, totals harvest.Counts, items int64) error {
	all := max(items, totals.Items()) + totals.Rejected
	var over []string
	for _, c := range []struct {
		name  string
		n     int64
		allow config.Allowance
	}{
		{"dead", totals.Dead, set.MaxDead},
		{"skipped", totals.Skipped, set.MaxSkipped},
		{"rejected", totals.Rejected, set.MaxRejected},
		{"missing", totals.Missing, set.MaxMissing},
	} {
		if c.allow.Exceeded(c.n, all) {
			over = append(over, fmt.Sprintf("%d %s (--max-%s %s)", c.n, c.name, c.name, c.allow))
		}
	}
	if len(over) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOverLimit, strings.Join(over, ", "))
}
