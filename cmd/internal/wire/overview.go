package wire

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// fresh is how old what a process says of itself may be to count as of now.
const fresh = 4 * reportEvery

// overview is a run as whoever leads it sees it: the sum of what its workers say in the store.
type overview struct {
	h    *Harvester
	mu   sync.Mutex
	last harvest.Progress
	told string
	base *harvest.Counts // what had ended when we began to look
	away bool            // the store, when last asked
}

func (o *overview) progress() harvest.Progress {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.last
	if p.Started.IsZero() {
		p = harvest.Progress{Run: o.h.run.Name, Started: o.h.began, Shard: harvest.Shard{Of: 1}}
	}
	p.Now, p.Fleet = time.Now(), true
	if o.away {
		p.Limit = harvest.LimitStore
	}
	return p
}

func (o *overview) isAway(away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = away
}

// wait returns when the run is drained.
func (o *overview) wait(ctx context.Context, leadership store.Leadership) error {
	tick := time.NewTicker(leadPoll)
	defer tick.Stop()
	for {
		drained := false
		err := o.h.patiently(ctx, "the store", unavailable, func() (err error) {
			defer func() { o.isAway(unavailable(err)) }()
			if err := leadership.Keep(ctx); err != nil {
				return err
			}
			drained, err = o.look(ctx)
			return err
		})
		if err != nil || drained {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// look takes in the run as it stands.
func (o *overview) look(ctx context.Context) (drained bool, err error) {
	state, err := Look(ctx, o.h.truth, o.h.run.Name)
	if err != nil {
		return false, err
	}
	o.h.refresh(state.Run)
	p := state.Progress()
	p.Started = o.h.began
	if o.base == nil {
		o.base = &state.Totals
	}
	p.Already, p.Counts = o.base.Items(), minus(state.Totals, *o.base)
	o.mu.Lock()
	o.last = p
	o.mu.Unlock()
	if note := state.idle(); note != o.told {
		if o.told = note; note != "" {
			o.h.Say(note)
		}
	}
	return harvest.Drained(state.Shards), nil
}

func minus(a, b harvest.Counts) harvest.Counts {
	return harvest.Counts{
		Landed: a.Landed - b.Landed, Missing: a.Missing - b.Missing, Skipped: a.Skipped - b.Skipped, Dead: a.Dead - b.Dead,
		Rejected: a.Rejected - b.Rejected, Bytes: a.Bytes - b.Bytes,
	}
}

// State is all that the store says of a run at one moment.
type State struct {
	Run     harvest.Run
	Totals  harvest.Counts
	Shards  []harvest.ShardState
	Work    []harvest.Work
	Control harvest.Control
	Rows    int64 // of the corpus table
	At      time.Time
}

// Look reads it.
func Look(ctx context.Context, truth store.Store, name string) (s State, err error) {
	s.At = time.Now()
	if s.Run, err = truth.FindRun(ctx, name); err != nil {
		return s, err
	}
	if s.Totals, err = truth.Totals(ctx, name); err != nil {
		return s, err
	}
	if s.Shards, err = truth.ListShards(ctx, name); err != nil {
		return s, err
	}
	if s.Work, err = truth.ListWork(ctx, name); err != nil {
		return s, err
	}
	if s.Rows, err = truth.CorpusSize(ctx, name); err != nil {
		return s, err
	}
	s.Control, err = truth.Control(ctx, name)
	return s, err
}

// Fresh are the processes at work now.
func (s State) Fresh() (at []harvest.Work) {
	for _, w := range s.Work {
		if !w.Ended && s.At.Sub(w.Seen) < fresh {
			at = append(at, w)
		}
	}
	return at
}

// current is how old what a process says of itself may be for its rate to count: one report may be late.
const current = 2 * reportEvery

// rate is what all workers send in a second. Each reports the mean of its last seconds at an instant of its own. A killed
// worker's share stays in its last report while the others take it up, so the sum may not pass the budget: that would be
// the rate of no moment. What was really sent in the worst second is in the report.
func (s State) rate(budget float64) (sum float64) {
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

// Progress is the run's, as the progress of one worker that had it all.
func (s State) Progress() harvest.Progress {
	p := harvest.Progress{
		Run: s.Run.Name, Shard: harvest.Shard{Of: 1}, Now: s.At, Started: s.Run.OpenedAt, Counts: s.Totals,
		Budget: BudgetOf(s.Run, s.Control), Limit: harvest.LimitCorpus,
	}
	p.Total, p.Guess = s.CorpusItems()
	for _, w := range s.Work {
		p.Requests, p.Wire = p.Requests+w.Stats.Requests, p.Wire+w.Stats.Wire
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
	case !s.Control.DrainAt.IsZero():
		p.Note = "being drained by " + s.Control.DrainBy
	}
	return p
}

// CorpusItems is how many items the corpus has, 0 while unknown.
func (s State) CorpusItems() (items int64, guess bool) {
	switch { // lines of a corpus may be twice in it
	case harvest.Drained(s.Shards):
		return s.Totals.Items(), false
	case s.Run.CorpusItems == 0:
		return s.Rows, s.Rows > 0
	}
	return s.Run.CorpusItems, false
}

// Of is the number of shards that the run is cut into: by whoever opened it, else by the worker that came last.
func (s State) Of() int {
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

// Waiting are the shards that a worker at work takes when it has drained its own.
func (s State) Waiting() []harvest.Shard {
	if slices.ContainsFunc(s.Fresh(), func(w harvest.Work) bool { return w.Stats.Auto }) {
		return s.free()
	}
	return nil
}

// Unowned are the shards that are not drained and that no worker works on, now or when their turn comes.
func (s State) Unowned() []harvest.Shard {
	if len(s.Waiting()) > 0 {
		return nil
	}
	return s.free()
}

// free are the shards that are neither held nor drained.
func (s State) free() (free []harvest.Shard) {
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

// idle says that nobody works on the run, and what to start.
func (s State) idle() string {
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
