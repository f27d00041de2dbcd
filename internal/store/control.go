package store

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Controls are the orders of operators.
type Controls interface {
	// Control returns the orders about the run and its host, and the silence that the host's
	// upstream asked for. It fails with [ErrNoRun] without the run.
	Control(ctx context.Context, run string) (harvest.Control, error)
	// SetRate stores the rate of a host, as typed; by is the operator who set it.
	SetRate(ctx context.Context, host, rate, by string) error
	// Hold stores that no worker may send to a host for this long from now; 0 ends it,
	// [harvest.Forever] lasts until then.
	Hold(ctx context.Context, host string, length time.Duration, by string) error
	// RequestDrain stores that the run's workers are to stop; an empty by ends that. It fails with
	// [ErrNoRun] without the run.
	RequestDrain(ctx context.Context, run, by string) error
}

// Silences are what upstreams asked for.
type Silences interface {
	// Silence stores that the upstream of a host asked for silence for this long from now. It never
	// shortens one.
	Silence(ctx context.Context, host string, length time.Duration) error
	// Lift ends the upstream's silence; by is the operator who ordered it.
	Lift(ctx context.Context, host, by string) error
}

// Work is what the processes of a run did.
type Work interface {
	// SaveWork stores what a process did: Stats replace the earlier ones, Minutes those of the same
	// minute, Quiets those of the same kind that began at the same instant.
	SaveWork(ctx context.Context, w harvest.Work) error
	// ListWork returns what each process did, in order of their starts, without Minutes and Quiets.
	ListWork(ctx context.Context, run string) ([]harvest.Work, error)
	// ListMinutes adds up what all processes sent since a minute, counted from 1970, in order of
	// time.
	ListMinutes(ctx context.Context, run string, since int64) ([]harvest.Minute, error)
	// ListQuiets returns the latest quiets of all processes, up to limit, newest first.
	ListQuiets(ctx context.Context, run string, limit int) ([]harvest.Quiet, error)
}
