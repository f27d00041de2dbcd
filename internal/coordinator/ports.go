package coordinator

import (
	"context"
	"iter"

	"shoal/internal/harvest"
)

// Runs is what the store has of a run. An error that [Again] repeats may go away by itself.
type Runs interface {
	// FindRun returns the run with this name.
	FindRun(ctx context.Context, name string) (harvest.Run, error)
	// Totals adds up how the items of the run ended.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
	// ListShards returns the shards of the run that a worker has ever held.
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
}

// Works is what the store has of the processes of a run. An error that [Again] repeats may go away
// by itself.
type Works interface {
	// ListWork returns what each process did, in order of their starts.
	ListWork(ctx context.Context, run string) ([]harvest.Work, error)
	// ListMinutes adds up what all processes sent since a minute, counted from 1970, in order of
	// time.
	ListMinutes(ctx context.Context, run string, since int64) ([]harvest.Minute, error)
	// CorpusSize returns how many rows the corpus table of the run has.
	CorpusSize(ctx context.Context, run string) (int64, error)
	// Control returns the orders about the run and its host.
	Control(ctx context.Context, run string) (harvest.Control, error)
}

// Fleet is a run and its processes, as the store knows them.
type Fleet interface {
	Runs
	Works
}

// Endings ends runs in the store. An error that [Again] repeats may go away by itself.
type Endings interface {
	// Keys yields the keys of all items of the run that have ended, in no order. It stops after the
	// first error.
	Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error]
	// FinishRun notes that the run is finished if all shards of one N are drained, and reports
	// whether it is.
	FinishRun(ctx context.Context, run string) (finished bool, err error)
	// Reopen puts a drained run to work again: workers fetch the items that it lacks.
	Reopen(ctx context.Context, run string) error
}

// Store is what a [Leader] needs of the store.
type Store interface {
	Fleet
	Endings
}

// Leadership is the right to lead a run. Two leaders for a moment do no harm: everything that a
// leader does is done once.
type Leadership interface {
	// Keep makes sure that this process still leads. An error that [Leader.Lost] accepts means that
	// it does not.
	Keep(ctx context.Context) error
	// Close gives the leadership back.
	Close()
}

// Corpus is the corpus of a run, which a proof reads in a pass of its own.
type Corpus interface {
	// Open begins a pass. An error that [Again] repeats may go away by itself;
	// [harvest.ErrIncomplete] means that not all of the corpus can be read yet. The pass may yield
	// an error as its last entry.
	Open(ctx context.Context) (iter.Seq2[harvest.Entry, error], error)
}

// Filler fills the corpus table of a run that this process leads. Its errors end the run.
type Filler interface {
	// Prepare is called once, when this process leads for the first time, before Fill.
	Prepare(ctx context.Context) error
	// Fill enumerates the corpus to its end. It calls turn before each step that asks the upstream:
	// turn returns when this process leads the run and no operator drains it, or ctx's cause.
	Fill(ctx context.Context, turn func(ctx context.Context) error) error
}

// Again repeats do while the store is unreachable and patience lasts.
type Again func(ctx context.Context, do func() error) error
