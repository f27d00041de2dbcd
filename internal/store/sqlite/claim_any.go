package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// wrapAny names a claim of whichever shard.
func wrapAny(c store.Claim, err error) error {
	operation := "claim a shard of run " + c.Run
	if errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrNoShardLeft) || isOurs(err) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return fmt.Errorf("%s: %w: %w", operation, store.ErrUnavailable, err)
}

// anyPoll is how often a waiting claim for any shard of a SQLite store looks again.
const anyPoll = time.Second

// ClaimAny implements [store.Leases].
func (s *Store) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	c = leasing.WithTTL(c, s.ttl)
	of, waiting := c.Shard.Of, leasing.Claiming{Claim: c}
	for {
		shards, err := s.ListShards(ctx, c.Run)
		if err != nil {
			return nil, c.Shard, err
		}
		f := leasing.FieldOf(shards)
		if f.Done() {
			return nil, c.Shard, wrapAny(c, store.ErrNoShardLeft)
		}
		var inWay []leasing.HeldLease
		for _, c.Shard = range f.Left(of, nil) {
			t := taker{s: s, Claim: c, own: leasing.Ownership{Run: c.Run, Shard: c.Shard}, any: true}
			lease, err := t.take(ctx)
			if lease != nil || err != nil {
				return lease, c.Shard, err
			}
			inWay = append(inWay, leasing.HeldLease{Holder: t.inWay})
		}
		if err := waiting.StandBy(of, f, inWay); err != nil {
			return nil, c.Shard, wrapAny(c, err)
		}
		if err := leasing.Pause(ctx, anyPoll); err != nil {
			return nil, c.Shard, wrapAny(c, err)
		}
	}
}
