package leasing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Polled are the claims of a store that has no event to wake them: they try again and again.
type Polled struct {
	TTL             time.Duration // of a claim that has none of its own
	Every, EveryAny time.Duration // between two tries of Claim, and of ClaimAny
	// Take tries once to make the shard of the claim ours. Without a lease it names the owners in
	// the way; there are none if undrained is set and another worker has drained the shard. Its
	// errors are returned as they are.
	Take func(ctx context.Context, c store.Claim, undrained bool) (lease *store.Lease, inWay []HeldLease, err error)
}

// Claim is [store.Leases] Claim.
func (p Polled) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	c = WithTTL(c, p.TTL)
	waiting, operation := Claiming{Claim: c}, Ownership{Run: c.Run, Shard: c.Shard}.Name("claim")
	for {
		lease, inWay, err := p.Take(ctx, c, false)
		if lease != nil || err != nil {
			return lease, err
		}
		if err := waiting.Report(inWay); err != nil {
			return nil, unclaimed(operation, err)
		}
		if err := Pause(ctx, p.Every); err != nil {
			return nil, unclaimed(operation, err)
		}
	}
}

// ClaimAny is [store.Leases] ClaimAny, with the ListShards of the store.
func (p Polled) ClaimAny(ctx context.Context, c store.Claim, list func(ctx context.Context, run string) ([]harvest.ShardState, error)) (*store.Lease, harvest.Shard, error) {
	c = WithTTL(c, p.TTL)
	of, waiting, operation := c.Shard.Of, Claiming{Claim: c}, "claim a shard of run "+c.Run
	for {
		shards, err := list(ctx, c.Run)
		if err != nil {
			return nil, c.Shard, err
		}
		field := FieldOf(shards)
		if field.Done() {
			return nil, c.Shard, unclaimed(operation, store.ErrNoShardLeft)
		}
		var inWay []HeldLease
		for _, c.Shard = range field.Left(of, nil) {
			lease, held, err := p.Take(ctx, c, true)
			if lease != nil || err != nil {
				return lease, c.Shard, err
			}
			inWay = append(inWay, held...)
		}
		if err := waiting.StandBy(of, field, inWay); err != nil {
			return nil, c.Shard, unclaimed(operation, err)
		}
		if err := Pause(ctx, p.EveryAny); err != nil {
			return nil, c.Shard, unclaimed(operation, err)
		}
	}
}

// unclaimed names a claim that came to nothing. A caller whose patience ended may call again.
func unclaimed(operation string, err error) error {
	for _, final := range []error{store.ErrHeld, store.ErrNoShardLeft, context.Canceled} {
		if errors.Is(err, final) {
			return fmt.Errorf("%s: %w", operation, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", operation, store.ErrUnavailable, err)
}
