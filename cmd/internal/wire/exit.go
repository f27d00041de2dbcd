package wire

import (
	"context"
	"errors"

	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/listing"
	"shoal/internal/pace"
	"shoal/internal/runs"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// The exit codes, a contract with scripts and with Kubernetes.
const (
	ExitDrained    = 0  // drained, or the command did its work
	ExitUnexpected = 1  // an unforeseen error; a retry may help
	ExitUsage      = 2  // usage, configuration or an unsafe server setting
	ExitOverLimit  = 3  // drained with more dead, skipped, missing or rejected than allowed
	ExitRefused    = 4  // the upstream refuses us, a person is needed
	ExitPatience   = 5  // a dependency, the upstream or a backoff outlasted --patience
	ExitIncomplete = 6  // damaged corpus or failed completeness proof
	ExitFenced     = 13 // another worker owns the shard, or works on the run
	ExitSIGINT     = console.ExitSIGINT
	ExitSIGTERM    = console.ExitSIGTERM
)

// ExitCode is the one place that maps an error to an exit code. stopped is the code of the signal
// that came, if one did.
func ExitCode(err error, stopped int) int {
	var contradiction *harvest.Contradiction
	switch {
	case err == nil:
		return ExitDrained
	case stopped != 0 && (errors.Is(err, worker.ErrStopped) || errors.Is(err, context.Canceled)):
		return stopped
	case errors.Is(err, store.ErrFenced), errors.Is(err, worker.ErrFenced), errors.Is(err, store.ErrHeld), errors.Is(err, store.ErrBusy):
		return ExitFenced
	case errors.Is(err, config.ErrUsage), errors.As(err, &contradiction), errors.Is(err, store.ErrUnsafe), errors.Is(err, store.ErrSettings),
		errors.Is(err, listing.ErrEmpty), errors.Is(err, store.ErrSchema), errors.Is(err, store.ErrNoTables), errors.Is(err, store.ErrNoBodies),
		errors.Is(err, ledger.ErrUnsafe), errors.Is(err, pace.ErrUnsafeRedis), errors.Is(err, store.ErrNoRun):
		return ExitUsage
	case errors.Is(err, runs.ErrOverLimit):
		return ExitOverLimit
	case errors.Is(err, worker.ErrRefused), errors.Is(err, listing.ErrBroken):
		return ExitRefused
	case errors.Is(err, worker.ErrPatience), errors.Is(err, store.ErrUnavailable), errors.Is(err, corpus.ErrAway), errors.Is(err, listing.ErrStalled), errors.Is(err, ledger.ErrAway):
		return ExitPatience
	case errors.Is(err, worker.ErrIncomplete), errors.Is(err, corpus.ErrDamaged):
		return ExitIncomplete
	default:
		return ExitUnexpected
	}
}
