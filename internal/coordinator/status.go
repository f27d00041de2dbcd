package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"shoal/internal/harvest"
)

// RunStatus is everything that the store has of a run at one moment.
type RunStatus struct {
	Run     harvest.Run
	Totals  harvest.Counts
	Shards  []harvest.ShardState
	Work    []harvest.Work
	Control harvest.Control
	Rows    int64 // of the corpus table
	At      time.Time
}

// Look reads the status of a run.
func Look(ctx context.Context, store Fleet, name string) (s RunStatus, err error) {
	s.At = time.Now()
	if s.Run, err = store.FindRun(ctx, name); err != nil {
		return s, err
	}
	if s.Totals, err = store.Totals(ctx, name); err != nil {
		return s, err
	}
	if s.Shards, err = store.ListShards(ctx, name); err != nil {
		return s, err
	}
	if s.Work, err = store.ListWork(ctx, name); err != nil {
		return s, err
	}
	if s.Rows, err = store.CorpusSize(ctx, name); err != nil {
		return s, err
	}
	s.Control, err = store.Control(ctx, name)
	return s, err
}

// fresh is the largest age of the last report of a process that counts as at work.
const fresh = 4 * harvest.ReportEvery

// Fresh returns the processes at work now.
func (s RunStatus) Fresh() (at []harvest.Work) {
	for _, w := range s.Work {
		if !w.Ended && s.At.Sub(w.Seen) < fresh {
			at = append(at, w)
		}
	}
	return at
}

// current is the largest age of the last report of a process whose rate counts: one report may be
// late.
const current = 2 * harvest.ReportEvery

// rate returns what all workers send in a second. Each reports the mean of its last seconds at an
// instant of its own. The share of a killed worker stays in its last report while the others take
// it up, so the sum is cut at the budget. The report has what was really sent in the worst second.
func (s RunStatus) rate(budget float64) (sum float64) {
	for _, w := range s.Fresh() {
		if s.At.Sub(w.Seen) < current {
			sum += w.Stats.Rate
		}
	}
	if budget > 0 {
		return min(sum, budget)
	}
	return sum
}

// Progress returns the progress of the run, as that of one worker that had all of it.
func (s RunStatus) Progress() harvest.Progress {
	p := harvest.Progress{
		Run: s.Run.Name, Shard: harvest.Shard{Of: 1}, Now: s.At, Started: s.Run.OpenedAt, Counts: s.Totals,
		Budget: BudgetOf(s.Run, s.Control), Limit: harvest.LimitCorpus, Host: s.Run.Host, Led: s.Run.Shards > 0, Idle: s.Idle(),
	}
	p.Total, p.Guess = s.CorpusItems()
	for _, w := range s.Work {
		p.Requests, p.Wire = p.Requests+w.Stats.Requests, p.Wire+w.Stats.Wire
		p.Lowered = harvest.Lower(p.Lowered, w.Stats.Lowered)
		for _, n := range w.Stats.Retries {
			p.Retries += n
		}
		for _, pause := range w.Stats.Pauses {
			p.Pauses += pause.Times
		}
	}
	p.Rate = s.rate(p.Budget)
	for _, w := range s.Fresh() {
		if p.Limit == harvest.LimitCorpus && w.Stats.Limit != "" {
			p.Limit = w.Stats.Limit
		}
		if w.Stats.Note != "" {
			p.Note = w.Stats.Note
		}
	}
	switch {
	case s.Control.Hold == harvest.Forever:
		p.Limit = harvest.LimitHold
		p.Note = "paused by " + s.Control.By
	case s.Control.Hold > 0:
		p.Limit, p.SilentUntil = harvest.LimitHold, s.At.Add(s.Control.Hold)
	case s.Control.Silence > 0 && p.Limit == harvest.LimitBackoff:
		p.SilentUntil = s.At.Add(s.Control.Silence)
	case !s.Control.DrainAt.IsZero():
		p.Note = "being drained by " + s.Control.DrainBy
	}
	return p
}

// CorpusItems returns how many items the corpus has, 0 while unknown. guess is set if repeated
// lines may be among them, or if a worker estimated it.
func (s RunStatus) CorpusItems() (items int64, guess bool) {
	switch { // lines of a corpus may be twice in it
	case harvest.Drained(s.Shards):
		return s.Totals.Items(), false
	case s.Run.CorpusItems > 0:
		return s.Run.CorpusItems, false
	case s.Rows > 0:
		return s.Rows, true
	}
	return s.asReported()
}

// asReported returns what the processes know of the corpus: the number of one that has read it, or
// the latest estimate.
func (s RunStatus) asReported() (items int64, guess bool) {
	var last time.Time
	for _, w := range s.Work {
		switch {
		case w.Stats.Corpus == 0:
		case !w.Stats.Guess:
			return w.Stats.Corpus, false
		case w.Seen.After(last):
			items, guess, last = w.Stats.Corpus, true, w.Seen
		}
	}
	return items, guess
}

// Of returns the number of shards that the run is cut into: as it was opened, else as its latest
// worker cuts it.
func (s RunStatus) Of() int {
	if s.Run.Shards > 0 {
		return s.Run.Shards
	}
	of := 0
	for _, shard := range s.Shards {
		if shard.Held || of == 0 {
			of = shard.Shard.Of
		}
	}
	return of
}

// Waiting returns the shards that a worker at work takes when it has drained its own.
func (s RunStatus) Waiting() []harvest.Shard {
	if slices.ContainsFunc(s.Fresh(), func(w harvest.Work) bool { return w.Stats.Auto }) {
		return s.free()
	}
	return nil
}

// Unowned returns the shards that are not drained and that no worker works on, now or when their
// turn comes.
func (s RunStatus) Unowned() []harvest.Shard {
	if len(s.Waiting()) > 0 {
		return nil
	}
	return s.free()
}

// free returns the shards that are neither held nor drained.
func (s RunStatus) free() (free []harvest.Shard) {
	if harvest.Drained(s.Shards) {
		return nil
	}
	of := s.Of()
	settled := map[int]bool{}
	for _, shard := range s.Shards {
		if shard.Shard.Of == of && (shard.Held && !shard.Lapsed || !shard.Drained.IsZero()) {
			settled[shard.Shard.Index] = true
		}
	}
	for i := range of {
		if !settled[i] {
			free = append(free, harvest.Shard{Index: i, Of: of})
		}
	}
	return free
}

// Idle returns what to start if no worker is on the run; empty if one is, or none is needed.
func (s RunStatus) Idle() string {
	for _, shard := range s.Shards {
		if shard.Held && !shard.Lapsed {
			return ""
		}
	}
	if harvest.Drained(s.Shards) {
		return ""
	}
	if !s.Control.DrainAt.IsZero() {
		return fmt.Sprintf("no worker is on run %s: %s drains it since %s; coordinator resume --run %s ends that", s.Run.Name, s.Control.DrainBy, s.Control.DrainAt.Format(time.DateTime+" MST"), s.Run.Name)
	}
	return fmt.Sprintf("no worker is on run %s: start worker --run %s --shard auto, on as many machines as you like", s.Run.Name, s.Run.Name)
}

// State returns the state of the run in one word: open, at work, draining, drained or finished.
func (s RunStatus) State() string {
	switch {
	case !s.Run.FinishedAt.IsZero():
		return "finished"
	case !s.Control.DrainAt.IsZero():
		return "draining"
	case len(s.Fresh()) > 0:
		return "at work"
	case harvest.Drained(s.Shards):
		return "drained"
	}
	return "open"
}

// ItemRate estimates how many items end in a second from what processes report of themselves.
func ItemRate(work []harvest.Work) (rate float64) {
	for _, w := range work {
		if w.Stats.Requests > 0 {
			rate += w.Stats.Rate * float64(w.Stats.Items.Items()) / float64(w.Stats.Requests)
		}
	}
	return rate
}

// BudgetOf returns the rate in force in requests per second: an operator's, else the run's own; 0
// if neither is known.
func BudgetOf(run harvest.Run, control harvest.Control) float64 {
	for _, text := range []string{control.Rate, run.Rate} {
		if rate, err := harvest.ParseRate(text); err == nil {
			return rate.PerSecond
		}
	}
	return 0
}
