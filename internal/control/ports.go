package control

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Store keeps the orders of operators.
type Store interface {
	// Control returns the orders about a run and about the host of its upstream. After an error the
	// last orders hold.
	Control(ctx context.Context, run string) (harvest.Control, error)
}

// RateSetter is the pace of the whole fleet. All workers set the same, so a call that is repeated
// or late changes nothing; one that fails is made again with the next look at the store.
type RateSetter interface {
	// SetRate sets the budget of a host in requests per second.
	SetRate(ctx context.Context, host string, rate float64, by string) error
	// Hold prevents all workers from sending to a host for this long; 0 ends that.
	Hold(ctx context.Context, host string, length time.Duration) error
}

// Pacer is the pace of this process, which trusts the store more than Redis.
type Pacer interface {
	// Confirm takes the store's answer. It cannot fail.
	Confirm(order Order)
}

// Order is what the store has about the pace of a host.
type Order = harvest.PaceOrder

// Retry repeats do while temporary accepts its error and patience lasts. what names the thing that
// is waited for.
type Retry func(ctx context.Context, what string, temporary func(error) bool, do func() error) error
