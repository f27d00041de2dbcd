package worker

import (
	"errors"
	"fmt"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// How a worker may end other than drained or interrupted; each is an exit code of its own.
var (
	// ErrRefused is exchange.ErrRefused: the upstream refuses us, and a person is needed.
	ErrRefused = exchange.ErrRefused
	// ErrPatience is exchange.ErrPatience: a dependency, the upstream or a backoff outlasted --patience.
	ErrPatience = exchange.ErrPatience
	// ErrIncomplete is [harvest.ErrIncomplete]: the corpus is damaged, or not every item handed out was committed.
	ErrIncomplete = harvest.ErrIncomplete
	// ErrAnother is [harvest.ErrAnother]: what the store held when the pass began may not be there any more.
	ErrAnother = harvest.ErrAnother
	// ErrDoubt says that the ledger has more items that ended than the store has counted. A pass with [Config].Verify settles it.
	ErrDoubt = fmt.Errorf("%w: Redis says of more items that they have ended than the store has counted", ErrIncomplete)
	// ErrFenced says that another worker owns the shard.
	ErrFenced = errors.New("another worker owns this shard now")
	// ErrStopped says that the first signal came; what was in flight has landed.
	ErrStopped = errors.New("stopped; start the same command again to continue")
)
