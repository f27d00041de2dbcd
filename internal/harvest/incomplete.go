package harvest

import (
	"errors"
	"fmt"
)

// ErrIncomplete is matched where the corpus is damaged, cannot be read to its end, or has items
// that have not ended.
var ErrIncomplete = errors.New("incomplete")

// ErrAnother is the ErrIncomplete of a pass over a run whose store may not hold any more what it
// held when the pass began. Another pass finds what is missing.
var ErrAnother = fmt.Errorf("%w: the store was restored, failed over or its ledger rebuilt while this worker ran; start again, so that nothing is missed", ErrIncomplete)

// ErrRefused is matched where the upstream refuses us: a person is needed.
var ErrRefused = errors.New("the upstream refuses us")

// ErrNoShardLeft is matched where a run has no shard left for another worker.
var ErrNoShardLeft = errors.New("no shard of the run is left")

// ErrFenced is matched where another worker has taken over the shard.
var ErrFenced = errors.New("another worker owns this shard now")

// ErrTaken is matched where another process took a step of a listing before it was committed. The
// chain must be read again.
var ErrTaken = errors.New("another process walks this chain, its step is taken")

// ErrListing is wrapped by the errors of a seed that is not the first step of a listing.
var ErrListing = errors.New("is not a listing")
