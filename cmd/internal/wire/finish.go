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

// drain runs the worker and settles the shard.
func (h *Harvester) drain(ctx context.Context) (Outcome, error) {
	if h.Watch != nil {
		h.Watch(h.worker.Progress)
	}
	result, err := h.worker.Drain(ctx, h.Stop)
	out := Outcome{Run: h.run}
	if err != nil || !result.Complete {
		return out, err
	}
	return out, h.settle(ctx, result, &out)
}

// settle records that the shard is drained. The digest comes first: a corpus
// that is not the run's must not close it.
func (h *Harvester) settle(ctx context.Context, result worker.Result, out *Outcome) error {
	var totals harvest.Counts
	for _, step := range []func() error{
		func() error { return h.settleDigest(ctx, result) },
		func() (err error) {
			out.Finished, err = h.lease.Drained(ctx, result.Rejected)
			return err
		},
		func() (err error) {
			totals, err = h.truth.Totals(ctx, h.run.Name)
			return err
		},
	} {
		if err := h.patiently(ctx, "the store", unavailable, step); err != nil {
			return err
		}
	}
	out.Drained = true
	return h.overLimit(totals)
}

// settleDigest accepts the corpus of the first pass, the same one again, and one
// that only grew at its end.
func (h *Harvester) settleDigest(ctx context.Context, result worker.Result) error {
	run, err := h.truth.FindRun(ctx, h.run.Name) // another shard may have recorded it meanwhile
	if err != nil {
		return err
	}
	sum, count := result.Digest.Sum(), result.Digest.Count
	switch {
	case run.CorpusSum == "", count == run.CorpusItems && sum == run.CorpusSum:
	case count > run.CorpusItems && run.CorpusItems == h.run.CorpusItems && result.Prefix == run.CorpusSum:
		h.Say(fmt.Sprintf("the corpus grew from %d to %d items: recorded", run.CorpusItems, count))
	default:
		return fmt.Errorf("%w: the corpus is not the one that run %s was opened with (%d items then, %d now, and not just more at its end); "+
			"what was fetched has landed; open a new run for it with --run NAME, or go back to the old corpus",
			worker.ErrIncomplete, run.Name, run.CorpusItems, count)
	}
	return h.truth.RecordDigest(ctx, run.Name, count, sum)
}

// overLimit compares the losses of the whole run with what is allowed.
func (h *Harvester) overLimit(totals harvest.Counts) error {
	var over []string
	for _, c := range []struct {
		name  string
		n     int64
		allow config.Allowance
	}{
		{"dead", totals.Dead, h.set.MaxDead},
		{"skipped", totals.Skipped, h.set.MaxSkipped},
		{"rejected", totals.Rejected, h.set.MaxRejected},
		{"missing", totals.Missing, h.set.MaxMissing},
	} {
		if c.allow.Exceeded(c.n, totals.Items()+totals.Rejected) {
			over = append(over, fmt.Sprintf("%d %s (--max-%s %s)", c.n, c.name, c.name, c.allow))
		}
	}
	if len(over) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOverLimit, strings.Join(over, ", "))
}

// Ago is a span as a person says it.
func Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
