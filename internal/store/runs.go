package store

import (
	"context"

	"shoal/internal/harvest"
)

// Runs are the runs of the store.
type Runs interface {
	// FindRun returns the run with this name, or [ErrNoRun].
	FindRun(ctx context.Context, name string) (harvest.Run, error)
	// ListRuns returns all runs, newest first.
	ListRuns(ctx context.Context) ([]harvest.Run, error)
	// OpenRun creates the run, or resumes it if there is one of that name; opened reports whether
	// it was created. It is safe for concurrent callers.
	//
	// An empty input of the given run means "as stored", and so does an earlier extract of records
	// that were made again since. An input that differs is a [harvest.Contradiction], unless a
	// worker has begun the run and gone without landing anything: then the run is opened anew. The
	// returned run holds what is stored, with the given Rate if there is one.
	OpenRun(ctx context.Context, given harvest.Run) (run harvest.Run, opened bool, err error)
}

// Lifecycle ends runs and begins them again.
type Lifecycle interface {
	// FinishRun notes that the run is finished if all shards of one N are drained, and reports
	// whether it is.
	FinishRun(ctx context.Context, run string) (finished bool, err error)
	// Reopen puts a drained run to work again and voids every mirror of its keys, so that items
	// that it lacks are fetched. It fails with [ErrNoRun] without the run.
	Reopen(ctx context.Context, run string) error
	// DropRun removes the run and everything that belongs to it. It fails with [ErrBusy] while a
	// worker holds a shard of the run, or a coordinator leads it.
	DropRun(ctx context.Context, run string) error
}

// Mirrors decide which mirrors of a run's keys are still valid.
type Mirrors interface {
	// Fingerprint returns 8 hex digits that change when the store is restored, failed over or
	// dropped and made again, and with each NewGeneration: a mirror of the keys is marked with it.
	Fingerprint(ctx context.Context, run string) (string, error)
	// NewGeneration voids every mirror of the run's keys.
	NewGeneration(ctx context.Context, run string) error
}

// Retries fetch items again that have ended.
type Retries interface {
	// PutBack selects the items for whose page wanted returns true to be fetched again, and counts
	// them by outcome; a listing with steps among them is walked once more. Their pages, records
	// and counts stay until the new outcome lands, but do not count as known: a page that is there
	// and not known is one that was put back. The run is not finished any more, their shards are
	// not drained, and every mirror of the keys is void. It fails with [ErrBusy] while a worker
	// holds a shard of the run.
	PutBack(ctx context.Context, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error)
	// Forgive forgets what at least so many crashes of workers count for: it is asked for again. It
	// returns how many items and steps of listings that are. [ErrBusy] while a worker holds a shard
	// of the run.
	Forgive(ctx context.Context, run string, crashes int) (int64, error)
}
