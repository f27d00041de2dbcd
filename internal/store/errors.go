package store

import (
	"errors"
	"fmt"

	"shoal/internal/harvest"
)

// The errors of a store. Each is wrapped with what was tried and what helps.
var (
	// ErrUnavailable marks an error that may go away by itself: the store is unreachable, busy,
	// full or failing over. Keep the work and repeat the call; landing twice is landing once.
	ErrUnavailable = errors.New("the store is not available")
	// ErrStoreFull is an [ErrUnavailable] whose cause is a full disk.
	ErrStoreFull = fmt.Errorf("the store's disk is full, free some space: %w", ErrUnavailable)
	// ErrFenced means that another worker owns the shard now, as [harvest.ErrFenced] does. Nothing
	// was written, and nothing will be under this token.
	ErrFenced error = fenced{}
	// ErrHeld is wrapped by Claim if another worker holds the shard and Claim.NoWait is set. The
	// text names the worker, and since when.
	ErrHeld = errors.New("another worker holds this shard")
	// ErrNoShardLeft is returned by ClaimAny when the run has no shard left to drain.
	ErrNoShardLeft = harvest.ErrNoShardLeft
	// ErrNoRun means that the store holds no run of this name.
	ErrNoRun = errors.New("no such run: coordinator runs lists those that the store holds")
	// ErrBusy means that a process works on the run in a way that excludes the call.
	ErrBusy = errors.New("the run is in use")
	// ErrStep means that another process has taken this step of the chain. Read the chain again.
	ErrStep = fmt.Errorf("%w: %w", ErrBusy, harvest.ErrTaken)
	// ErrNoBodies means that the run keeps no bodies.
	ErrNoBodies = errors.New("there are no bodies to extract records from")
	// ErrSchema means that the store's tables are not those that this binary knows.
	ErrSchema = errors.New("the store's schema does not fit this binary")
	// ErrNoTables means that the store holds none of our tables, and should have been opened as it
	// is.
	ErrNoTables = errors.New("the store holds no Shoal tables yet: check --store, or start a worker or coordinator run, which make them")
	// ErrSettings means that the store's address, its name, the role or its permissions are wrong.
	// Repeating does not help; another --store or a change at the server does.
	ErrSettings = errors.New("the store cannot be used as --store names it")
	// ErrUnsafe means that a setting of the server would make leases or landings unsafe.
	ErrUnsafe = errors.New("unsafe store setting")
)

// fenced is [harvest.ErrFenced] in the words of a store.
type fenced struct{}

// Error implements error.
func (fenced) Error() string { return "fenced: another worker has taken this shard over" }

// Is implements [errors.Is].
func (fenced) Is(target error) bool { return target == harvest.ErrFenced }
