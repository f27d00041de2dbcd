package store

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Leases assign the shards of a run, each to one worker at a time.
type Leases interface {
	// Claim takes a shard of an opened run. It waits as long as another worker holds the shard or,
	// under another N, holds a shard of the run; if Claim.NoWait is set it fails with [ErrHeld].
	// [ErrUnavailable] may come in the middle of a wait too: call again. The lease outlives ctx.
	Claim(ctx context.Context, c Claim) (*Lease, error)
	// ClaimAny takes any of the Claim.Shard.Of shards that is free and not drained, and returns
	// which; it ignores Claim.Shard.Index. While all remaining shards are held it waits for one,
	// and with Claim.NoWait fails with [ErrHeld]. It fails with [ErrNoShardLeft] if none remains.
	// Otherwise it is like Claim.
	ClaimAny(ctx context.Context, c Claim) (*Lease, harvest.Shard, error)
}

// Take takes the shard that c names or, with free, any free one of c.Shard.Of; it returns which.
func Take(ctx context.Context, from Leases, c Claim, free bool) (*Lease, harvest.Shard, error) {
	if free {
		return from.ClaimAny(ctx, c)
	}
	lease, err := from.Claim(ctx, c)
	return lease, c.Shard, err
}

// Claim names the shard, its future owner, and what to do while another worker has it.
type Claim struct {
	Run   string
	Shard harvest.Shard
	Owner string // the claimer, in words that lead a person to the process: host and pid
	// NoWait makes Claim fail with [ErrHeld] if the owner is alive. It still takes the two looks,
	// ttl/2 apart, that distinguish a dead owner from a living one.
	NoWait bool
	TTL    time.Duration // as Options.LeaseTTL, the same for all claimers of the shard; 0 means that one
	// Waiting is called, if set, when Claim begins to wait and whenever it waits for another owner
	// than before, with a sentence that names the owner.
	Waiting func(sentence string)
	// Next is set by a worker that comes from another shard: hardly with others at once.
	Next bool
}

// Lease is the right of one process to land pages of one shard. It is kept alive in the background
// until Release or Complete. A failed renewal does not lose it: only another owner's take does.
type Lease struct {
	// Token is the fencing number. It grows with every take of the shard.
	Token int64
	Lander
	Keeper
	// Suspects are the items that may have made owners of the shard crash; nil while none is
	// suspected.
	Suspects Suspects
}

// Lander lands the pages of a shard, and ends its lease.
type Lander interface {
	// Land commits a batch, or nothing of it: one attempt, on a connection of its own that is made
	// again if it was lost. After [ErrUnavailable] and [ErrStoreFull] repeat the same batch later.
	// [ErrFenced] means that another worker has the shard, and nothing of this lease is committed
	// any more.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Complete records that every item of the shard has ended, and how many corpus lines were not
	// items, and gives the shard back. finished reports whether the run's other shards were drained
	// too. After [ErrUnavailable] the lease still exists: repeat the call.
	Complete(ctx context.Context, rejected int64) (finished bool, err error)
	// Release gives the shard back: it is free at once. The lease is over even if the store could
	// not be reached; the shard is then free a little later. A second call does nothing.
	Release(ctx context.Context) error
}

// Keeper keeps a lease alive.
type Keeper interface {
	// Lost is closed when another worker has taken the shard.
	Lost() <-chan struct{}
	// Fingerprint returns the generation of the ledger's keys (GEN) as last read from the store.
	Fingerprint() string
	// Trouble explains to people since when and why renewing fails; empty when all is well.
	Trouble() string
}

// Suspects remember which items, and which steps of listings, were in flight when an owner of the
// shard crashed. Those that note or calm work under the lease's token and fail with [ErrFenced]
// where another owner has the shard.
type Suspects interface {
	// Load returns, for each suspect that was noted under this shard or under another N, in how
	// many crashed leases it was in flight. Under another N it may be of another shard: the key of
	// a step does not tell of which its listing is.
	Load(ctx context.Context) (map[harvest.Key]int, error)
	// Note stores that the items are in flight from now on, until they land, are cleared or the
	// lease is given back.
	Note(ctx context.Context, keys []harvest.Key) error
	// Withdraw notes that the items are not in flight now, though they have not ended. What is
	// counted for them stays.
	Withdraw(ctx context.Context, keys []harvest.Key) error
	// Clear forgets the items and what is counted for them.
	Clear(ctx context.Context, keys []harvest.Key) error
	// Calm notes that the shard's owner has lived long enough: its next lease suspects nothing.
	Calm(ctx context.Context) error
}

// Leaders choose the one process that leads a run.
type Leaders interface {
	// Lead makes this process the one that leads the run. It waits while another does, and calls
	// waiting once for each other leader with a sentence that names it. [ErrUnavailable] may come
	// in the middle: call again.
	Lead(ctx context.Context, run, owner string, waiting func(sentence string)) (Leadership, error)
}

// Leadership is the right to lead a run. Two leaders for a moment do no harm: everything that a
// leader does is done once.
type Leadership interface {
	// Keep makes sure that we still lead, on a new connection if the old one was lost. [ErrHeld]
	// means that another process leads.
	Keep(ctx context.Context) error
	// Close gives the leadership back.
	Close()
}
