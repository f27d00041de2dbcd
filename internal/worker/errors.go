package worker

import (
	"errors"
	"fmt"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// How a worker may end other than complete or interrupted; each has an exit code of its own.
var (
	// ErrRefused is [exchange.ErrRefused]: the upstream refuses us, and a person is needed.
	ErrRefused = exchange.ErrRefused
	// ErrPatience is [exchange.ErrPatience]: a dependency, the upstream or a backoff outlasted
	// --patience.
	ErrPatience = exchange.ErrPatience
	// ErrIncomplete is [harvest.ErrIncomplete]: the corpus is damaged, or not every item handed out
	// was committed.
	ErrIncomplete = harvest.ErrIncomplete
	// ErrAnother is [harvest.ErrAnother]: the store may have lost rows that it held when the pass
	// began.
	ErrAnother = harvest.ErrAnother
	// ErrDoubt means that the ledger has more items that ended than the store has counted. A pass
	// with [Config].Verify settles it.
	ErrDoubt = fmt.Errorf("%w: Redis claims more ended items than the store has counted", ErrIncomplete)
	// ErrFenced is [harvest.ErrFenced]: another worker owns the shard.
	ErrFenced = harvest.ErrFenced
	// ErrStopped means that the first signal came; what was in flight has landed.
	ErrStopped = errors.New("stopped; start the same command again to continue")
)
