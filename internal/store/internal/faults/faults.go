package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// Known reports whether the error is classified already, or that the caller has left.
func Known(err error) bool {
	for _, known := range []error{
		context.Canceled, store.ErrUnavailable, store.ErrFenced, store.ErrNoRun, store.ErrBusy, store.ErrNoBodies, store.ErrSchema, store.ErrNoTables, store.ErrSettings, store.ErrUnsafe,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// Stepping names the operation in errors.
func Stepping(run, seed string, step int64) string {
	return fmt.Sprintf("take step %d of %s in run %s", step, seed, run)
}

// The errors of an extraction that another one, or a worker, got in the way of.
var (
	ErrNotBegun = fmt.Errorf("%w: this extraction was not begun, or was begun anew by another process: start it again", store.ErrBusy)
	ErrNotNext  = fmt.Errorf("%w: another extraction has come further, or was begun anew", store.ErrBusy)
	ErrGrown    = fmt.Errorf("%w: pages landed while records were extracted: start the extraction again", store.ErrBusy)
)

// Busy is the error of a call that excludes workers while one of them holds a shard.
func Busy(shards []harvest.ShardState) error {
	for _, s := range shards {
		if s.Held && !s.Lapsed {
			return fmt.Errorf("%w: %s holds shard %s: stop it, or wait until it is done", store.ErrBusy, cmp.Or(s.Owner, "a worker"), s.Shard)
		}
	}
	return nil
}

// HasBodies refuses a run that keeps nothing to extract from.
func HasBodies(run harvest.Run) error {
	if run.Body == "none" {
		return fmt.Errorf("%w: it was harvested with --body none", store.ErrNoBodies)
	}
	return nil
}

// ErrLed refuses to take a run away from its leader.
var ErrLed = fmt.Errorf("%w: a coordinator leads it: stop that first", store.ErrBusy)

// Landing names the operation in errors.
func Landing(own leasing.Ownership, pages int) string {
	return fmt.Sprintf("land %d pages of shard %s of run %s", pages, own.Shard, own.Run)
}

// OneRow makes ErrNoRun of an update that met no run.
func OneRow(rows int64, err error) error {
	if err == nil && rows == 0 {
		return store.ErrNoRun
	}
	return err
}
