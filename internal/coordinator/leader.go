package coordinator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// Leader watches over the workers of a run until its shards are drained, and proves by key that
// nothing is missing.
type Leader struct {
	Run    harvest.Run
	Store  Store
	Corpus Corpus
	// Lead returns when no other process leads the run. An error that Again repeats may go away by
	// itself; any other is final.
	Lead func(ctx context.Context) (Leadership, error)
	// Lost reports whether an error of [Leadership.Keep] means that this process does not lead any
	// more.
	Lost func(error) bool
	// Filler enumerates the corpus while the run is led; nil if another process does.
	Filler Filler
	// Filled is called once where there is no Filler, when this process leads for the first time.
	// It returns an error, which ends the run, if no process brings what the corpus table lacks.
	Filled func(ctx context.Context) error
	// Grow records that the corpus has more items than the run had, after those that it had; it
	// returns an error if it has not.
	Grow func(ctx context.Context, run harvest.Run, digest harvest.Digest, prefix string) error
	// Judge returns an error if the run lost more items than allowed.
	Judge func(totals harvest.Counts, items int64) error
	// Draining reports whether the workers of the run are ordered to do nothing.
	Draining func() bool
	// Watch is called once with a function that returns the progress of the run; nil if there is no
	// screen.
	Watch func(progress func() harvest.Progress)
	Again Again
	Say   func(sentence string)
	Began time.Time // when the process did
	Steps bool      // the items are steps of a listing, of which a missing one is walked again and not fetched

	watch   watch
	leading atomic.Bool
}

// Led is how a led run ended.
type Led struct {
	Totals harvest.Counts
	Proof  Proof
	Report Report // empty before the run is finished
}

// Progress returns the last progress of the run with what is known at its end.
func (led Led) Progress(last harvest.Progress) harvest.Progress {
	if led.Report.Run != "" {
		last.Run, last.Counts, last.Already, last.Total = led.Report.Run, led.Totals, 0, led.Totals.Items()
	}
	last.Fleet = true
	return last
}

// Finish leads the run to its end. If it loses the lead, it waits for it again. If ctx ends for a
// reason, the error is that one.
func (l *Leader) Finish(ctx context.Context) (led Led, err error) {
	l.watch = watch{run: l.Run.Name, began: l.Began, say: l.Say}
	led, err = l.finish(ctx)
	return led, causeOf(ctx, err)
}

// causeOf returns why ctx ended in place of an error that followed from it.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

func (l *Leader) finish(ctx context.Context) (led Led, err error) {
	leadership, err := l.lead(ctx)
	if err != nil {
		return led, err
	}
	defer func() { leadership.Close() }()
	var filling sync.WaitGroup
	defer filling.Wait() // after end: the Filler must have been asked to stop
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	if err := l.prepare(ctx); err != nil {
		return led, err
	}
	if l.Filler != nil {
		filling.Go(func() {
			if err := l.Filler.Fill(ctx, l.turn); err != nil && ctx.Err() == nil {
				end(fmt.Errorf("enumerate the corpus of run %s: %w", l.Run.Name, err))
			}
		})
	}
	if l.Watch != nil {
		l.Watch(l.watch.progress)
	}
	for {
		l.leading.Store(true)
		led, err = l.oversee(ctx, leadership)
		l.leading.Store(false)
		if err == nil || !l.Lost(err) {
			break
		}
		l.Say(fmt.Sprintf("the connection that led run %s was lost", l.Run.Name))
		leadership.Close()
		var regained Leadership
		if regained, err = l.lead(ctx); err != nil {
			break
		}
		leadership = regained
	}
	return led, causeOf(ctx, err)
}

// lead waits for the lead while the store is away.
func (l *Leader) lead(ctx context.Context) (leadership Leadership, err error) {
	err = l.Again(ctx, func() (err error) {
		leadership, err = l.Lead(ctx)
		return err
	})
	return leadership, err
}

// prepare makes sure that a process fills the corpus table: this one or another.
func (l *Leader) prepare(ctx context.Context) error {
	if l.Filler == nil {
		return l.Filled(ctx)
	}
	return l.Filler.Prepare(ctx)
}

// turns is how often [Leader.turn] looks.
const turns = 400 * time.Millisecond

// turn returns when this process leads the run and no operator drains it: only then it lists the
// corpus. If ctx ends before, it returns the cause.
func (l *Leader) turn(ctx context.Context) error {
	tick := time.NewTicker(turns)
	defer tick.Stop()
	for l.Draining() || !l.leading.Load() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// refresh updates what a run gains while it lasts.
func (l *Leader) refresh(run harvest.Run) {
	l.Run.CorpusItems, l.Run.CorpusSum, l.Run.FinishedAt = run.CorpusItems, run.CorpusSum, run.FinishedAt
}

// oversee waits until the run is drained, proves it complete and finishes it. If the corpus has
// grown since the run was drained, it waits for more.
func (l *Leader) oversee(ctx context.Context, leadership Leadership) (led Led, err error) {
	for more := true; more; {
		if err := l.untilDrained(ctx, leadership); err != nil {
			return led, err
		}
		l.Say(fmt.Sprintf("all shards of run %s are drained: comparing the keys of its corpus with those in the store", l.Run.Name))
		if led.Proof, err = l.Prove(ctx); err != nil {
			return led, err
		}
		if more, err = l.decide(ctx, led.Proof); err != nil {
			return led, err
		}
	}
	err = l.Again(ctx, func() error {
		finished, err := l.Store.FinishRun(ctx, l.Run.Name)
		if err == nil && !finished {
			err = fmt.Errorf("%w: a shard of run %s was opened again while the keys were compared; start the same command again", harvest.ErrIncomplete, l.Run.Name)
		}
		return err
	})
	if err != nil {
		return led, err
	}
	err = l.Again(ctx, func() error {
		if led.Totals, err = l.Store.Totals(ctx, l.Run.Name); err != nil {
			return err
		}
		led.Report, err = CompileReport(ctx, l.Store, l.Run.Name)
		return err
	})
	if err != nil {
		return led, err
	}
	return led, l.Judge(led.Totals, led.Proof.Distinct)
}

// decide acts on a proof: more is set if workers have more to fetch; it returns an error if the run
// is not complete.
func (l *Leader) decide(ctx context.Context, p Proof) (more bool, err error) {
	if p.Grown(l.Run) {
		err := l.Grow(ctx, l.Run, p.Digest, p.Prefix)
		return err == nil, err
	}
	err = p.Incomplete(l.Run.Name)
	if p.Missing > 0 && !l.Steps {
		if reopening := l.Again(ctx, func() error { return l.Store.Reopen(ctx, l.Run.Name) }); reopening != nil {
			return false, errors.Join(err, reopening)
		}
		err = fmt.Errorf("%w; its shards are open again: start workers, which fetch what is missing, and then this command", err)
	}
	return false, err
}

// Verify proves an opened run complete without leading it, or returns an error about what it lacks.
func (l *Leader) Verify(ctx context.Context) (led Led, err error) {
	if led.Proof, err = l.Prove(ctx); err != nil {
		return led, err
	}
	err = l.Again(ctx, func() (err error) {
		led.Totals, err = l.Store.Totals(ctx, l.Run.Name)
		return err
	})
	if err != nil {
		return led, err
	}
	return led, led.Proof.Incomplete(l.Run.Name)
}

// Prove compares the corpus, in a second pass, with the keys in the store. It only reads, so if the
// store becomes unreachable in the middle it begins again.
func (l *Leader) Prove(ctx context.Context) (p Proof, err error) {
	err = l.Again(ctx, func() error {
		run, err := l.Store.FindRun(ctx, l.Run.Name)
		if err != nil {
			return err
		}
		l.refresh(run)
		entries, err := l.Corpus.Open(ctx)
		if err != nil {
			return err
		}
		p, err = Prove(ctx, os.TempDir(), entries, l.Store.Keys(ctx, l.Run.Name), l.Run.CorpusItems)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("verify run %s: %w", l.Run.Name, err)
	}
	return p, nil
}
