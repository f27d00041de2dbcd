package runs

import (
	"context"
	"errors"
	"time"

	"shoal/internal/harvest"
)

// Store is what a [Finder] asks of a store of runs. An error that [Finder].Away accepts may go away
// by itself; any other is passed on.
type Store interface {
	Named
	Chains
	// OpenRun opens the run, or resumes the one of its name; opened reports whether it was opened.
	OpenRun(ctx context.Context, given harvest.Run) (run harvest.Run, opened bool, err error)
	// Totals adds up how the items of the run ended.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
}

// Retry repeats do while temporary accepts its error and patience lasts. what names the thing that
// is waited for.
type Retry func(ctx context.Context, what string, temporary func(error) bool, do func() error) error

// Finder finds, opens and resumes the run that a start means. It reads the clock anew for each
// look: a start may wait for days.
type Finder struct {
	Start Start
	Store Store // nil where there is none
	Retry Retry
	Away  func(error) bool // accepts the errors of an unreachable store
	Say   func(sentence string)
}

// Meant is the run that a start means, and what it takes from that run.
type Meant struct {
	Run    harvest.Run // as the store has it
	Late   bool        // nothing of it is left for the start
	Merged harvest.Run // that of the start, with what it takes
}

// Opened is the run that a start opened or resumed.
type Opened struct {
	Run    harvest.Run // as the store has it
	New    bool        // the start opened it
	Merged harvest.Run // that of the start, as the run is harvested
}

// start is the start at this moment.
func (f Finder) start() Start {
	f.Start.Now = time.Now()
	return f.Start
}

// again repeats do while the store is unreachable.
func (f Finder) again(ctx context.Context, do func() error) error {
	return f.Retry(ctx, "the store", f.Away, do)
}

// Find returns the run of the store that has the corpus of the start. [ErrNone] where it is still
// to be opened.
func (f Finder) Find(ctx context.Context) (harvest.Run, error) {
	start := f.start()
	return start.Lookup(ctx, f.Store, harvest.Inputs{Corpus: start.Stored().Corpus})
}

// Planned returns the run that a plan is about, as [Start.Planned] does.
func (f Finder) Planned(ctx context.Context) (harvest.Run, error) {
	return f.start().Planned(ctx, f.Store)
}

// Template returns the run of the start, with the template of the run that it resumes if it was
// given a corpus and no template.
func (f Finder) Template(ctx context.Context) (harvest.Run, error) {
	merged := f.Start.Merged
	if merged.Corpus == "" || merged.API != "" {
		return merged, nil
	}
	run, err := f.Find(ctx)
	if err == nil && Resumes(run, merged.Corpus, f.Start.Stored().Corpus) {
		merged = f.Start.Adopt(run)
	}
	if errors.Is(err, ErrNone) {
		err = nil
	}
	return merged, err
}

// Await returns the run of a start that names no corpus, or the run's own table. It waits until
// another process opens that run, where one may.
func (f Finder) Await(ctx context.Context) (Meant, error) {
	run, err := f.await(ctx)
	if err != nil {
		return Meant{}, err
	}
	if f.Start.Late(run) && f.Start.Contradicts(run) == nil { // else the opening of the run reports it
		return Meant{Run: run, Late: true, Merged: f.Start.Merged}, nil
	}
	given := f.Start.Merged.Corpus
	if Replaces(run, given) {
		return Meant{}, &harvest.Contradiction{Run: run.Name, Field: "--corpus", Stored: run.Corpus, Given: given}
	}
	var enumerated bool
	err = f.again(ctx, func() (err error) {
		enumerated, err = InTable(ctx, f.Store, run, f.Start.Kinds.IsListing(run.Corpus))
		return err
	})
	if err != nil {
		return Meant{}, err
	}
	corpus, err := f.Start.Corpus(run, given, enumerated)
	if err != nil {
		return Meant{}, err
	}
	return f.takes(run, corpus), nil
}

// takes is the run with all that the start takes from it.
func (f Finder) takes(run harvest.Run, corpus string) Meant {
	merged := f.Start.Adopt(run)
	merged.Name, merged.Corpus = run.Name, corpus
	return Meant{Run: run, Merged: merged}
}

// await returns the run, once it is there.
func (f Finder) await(ctx context.Context) (run harvest.Run, err error) {
	waits := f.Start.Waits()
	temporary := func(err error) bool { return f.Away(err) || waits && errors.Is(err, ErrNone) }
	err = f.Retry(ctx, "a run to be opened", temporary, func() (err error) {
		run, err = f.start().Lookup(ctx, f.Store, harvest.Inputs{})
		return err
	})
	if errors.Is(err, ErrNone) && !waits {
		err = harvest.Usagef("what shall be harvested? The store has no run to continue: add --corpus FILE")
	}
	return run, err
}

// OfTable returns the run whose corpus table the start reads: the one that a listing at this host
// fills or, with no host, the one of the store that the start means.
func (f Finder) OfTable(ctx context.Context, host string) (Meant, error) {
	merged := f.Start.Merged
	if host != "" {
		return Meant{Run: harvest.Run{Inputs: harvest.Inputs{Corpus: merged.Corpus, Host: host}}, Merged: merged}, nil
	}
	if f.Store == nil {
		return Meant{}, harvest.Usagef("--corpus store: is the corpus table of a run, and the store has none: open the run with another --corpus first")
	}
	run, err := f.Find(ctx)
	if err != nil {
		return Meant{}, harvest.Usagef("--corpus store: is the corpus table of a run: %v, with another --corpus than that", err)
	}
	return f.takes(run, merged.Corpus), nil
}

// Open opens or resumes the run of the start at this host, and introduces it.
func (f Finder) Open(ctx context.Context, host string) (o Opened, err error) {
	f.Start.Merged.Host = host
	err = f.again(ctx, func() error {
		all, err := f.Store.ListRuns(ctx)
		if err != nil {
			return err
		}
		run, err := f.start().Open(all)
		if err != nil {
			return err
		}
		o.Run, o.New, err = f.Store.OpenRun(ctx, run)
		return err
	})
	if err != nil {
		return o, err
	}
	if o.Merged = f.Start.Harvested(o.Run, o.New); f.Start.extractsOther(o.Run) {
		f.Say(extractStays(o.Run))
	}
	var totals harvest.Counts
	err = f.again(ctx, func() (err error) {
		totals, err = f.Store.Totals(ctx, o.Run.Name)
		return err
	})
	if err == nil {
		f.Say(Introduce(o.Run, o.New, o.Merged.Rate, totals, time.Now()))
	}
	return o, err
}

// Refresh takes from the store what the run has gained since it was opened.
func (f Finder) Refresh(ctx context.Context, run *harvest.Run) error {
	return f.again(ctx, func() error {
		now, err := f.Store.FindRun(ctx, run.Name)
		if err == nil {
			run.Refresh(now)
		}
		return err
	})
}

// Since returns the instant that {since} in the corpus of the run stands for, and shows it to the
// person who opened that run just now.
func (f Finder) Since(ctx context.Context, run harvest.Run, opened bool) (time.Time, error) {
	since, err := Since(run, f.Store != nil, time.Now(), func(name string) (before harvest.Run, err error) {
		err = f.again(ctx, func() (err error) {
			before, err = f.Store.FindRun(ctx, name)
			return err
		})
		return before, err
	})
	if err == nil && opened && run.Base != "" {
		f.Say(SinceIs(run, since))
	}
	return since, err
}
