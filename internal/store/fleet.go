package store

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Fleet is what those who look after runs ask of a store, besides what workers do.
type Fleet interface {
	// Control is what operators said about the run and its host. ErrNoRun without the run.
	Control(ctx context.Context, run string) (harvest.Control, error)
	// SetRate keeps the rate of a host, as typed, in the name of by.
	SetRate(ctx context.Context, host, rate, by string) error
	// Hold keeps that a host is to be left alone for so long from now; 0 ends it, harvest.Forever lasts until then.
	Hold(ctx context.Context, host string, length time.Duration, by string) error
	// Silence keeps that the upstream of a host asked for silence for so long from now. It never shortens one.
	Silence(ctx context.Context, host string, length time.Duration) error
	// Lift ends the upstream's silence, which by orders.
	Lift(ctx context.Context, host, by string) error
	// Drain keeps that the run's workers are to stop; an empty by ends that. ErrNoRun without the run.
	Drain(ctx context.Context, run, by string) error

	// ListShards returns the shards of the run that somebody has ever held, by N and index.
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
	// SaveWork keeps what a process did: Stats replace the earlier ones, Minutes those of the same minute.
	SaveWork(ctx context.Context, w harvest.Work) error
	// ListWork returns what each process did, the first to start first, without its Minutes.
	ListWork(ctx context.Context, run string) ([]harvest.Work, error)
	// ListMinutes adds up what all processes sent, in order of time.
	ListMinutes(ctx context.Context, run string) ([]harvest.Minute, error)

	// Lead makes this process the one that leads the run. It waits while another does; waiting is told whom for, once
	// for each. ErrUnavailable may come in the middle: call again.
	Lead(ctx context.Context, run, owner string, waiting func(sentence string)) (Leadership, error)
	// FinishRun notes that the run is finished if all shards of one N are drained, and says whether it is.
	FinishRun(ctx context.Context, run string) (finished bool, err error)
	// Reopen makes a drained run one at work again, of which every mirror of the keys is void: items that it lacks are
	// fetched. ErrNoRun without the run.
	Reopen(ctx context.Context, run string) error
	// PutBack has items for whose page wanted is true fetched again; a listing of which steps are among them is walked once
	// more. Their pages, records and counts stay until the new outcome lands, but do not count as known. It counts them by
	// outcome. The run is not finished any more, their shards not drained, and every mirror of the keys void. ErrBusy while
	// a worker holds a shard of the run.
	PutBack(ctx context.Context, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error)
	// Retried reports whether the item was put back and its new outcome has not landed yet.
	Retried(ctx context.Context, run string, key harvest.Key) (bool, error)
	// DropRun removes the run and all that belongs to it. ErrBusy while a worker holds a shard of the run, or somebody
	// leads it.
	DropRun(ctx context.Context, run string) error
}

// Leadership is the right to lead a run. Two leaders for a moment harm nothing: all that a leader does is done once.
type Leadership interface {
	// Keep makes sure that we still lead, on a new connection where the old one was lost. ErrHeld: another does.
	Keep(ctx context.Context) error
	// Close gives the leadership back.
	Close()
}
