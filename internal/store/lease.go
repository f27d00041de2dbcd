package store

import (
	"context"
	"errors"
	"time"

	"shoal/internal/harvest"
)

// ErrHeld is wrapped by Claim where somebody else works on the shard and Claim.NoWait is set. The
// text says who, and since when.
var ErrHeld = errors.New("somebody else works on this shard")

// Claim says which shard is wanted, for whom, and what to do while somebody else has it.
type Claim struct {
	Run   string
	Shard harvest.Shard
	Owner string // who asks, in words that lead a person to the process: host and pid
	// NoWait makes Claim fail with ErrHeld where the owner is alive. It still takes the two looks,
	// ttl/2 apart, that tell a dead owner from a living one.
	NoWait bool
	TTL    time.Duration // as Options.LeaseTTL, the same for all who may want the shard; 0 means that one
	// Waiting is called, if set, when Claim begins to wait and whenever it waits for somebody else
	// than before, with a sentence that names the owner.
	Waiting func(sentence string)
}

// Lease is the right of one process to land pages of one shard. It is kept alive in the background
// until Release or Drained. Failing to renew is not losing it: only another owner's take is.
type Lease interface {
	// Token is the fencing number. It grows with every take of the shard.
	Token() int64
	// Land commits a batch, or nothing of it: one attempt, on a connection of its own that is made
	// again when it was lost. ErrUnavailable and ErrStoreFull: repeat the same batch later.
	// ErrFenced: somebody else has the shard, nothing of this lease is committed any more.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Lost is closed when somebody else has taken the shard.
	Lost() <-chan struct{}
	// Fingerprint is the generation of the ledger's keys (GEN) as last read from the store.
	Fingerprint() string
	// Drained records that every item of the shard has ended, and how many corpus lines were no
	// items, and gives the shard back. finished says that the run's other shards were drained too.
	// After ErrUnavailable the lease still stands: repeat the call.
	Drained(ctx context.Context, rejected int64) (finished bool, err error)
	// Release gives the shard back: it is free at once. The lease is over even where the store could
	// not be told, and the shard then free a little later. A second call does nothing.
	Release(ctx context.Context) error
	// Suspects are the items that may have made owners of the shard crash; nil while none is suspected.
	Suspects() Suspects
	// Trouble says for people since when and why renewing fails; empty when all is well.
	Trouble() string
}
