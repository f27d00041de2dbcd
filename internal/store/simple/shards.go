package simple

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/tables"
)

// Shard is the row of a shard that a worker has held. Lapsed and Silent are set by [Shards.States].
type Shard struct {
	harvest.ShardState
	Token            int64
	Renewed, Expires time.Time
	Crashes          int
}

// renumber gives the shard a token that is larger than all before; the clock keeps it growing over
// the restore of a backup.
func (s *Shard) renumber(now time.Time) { s.Token = max(s.Token+1, now.UnixMicro()) }

// Void refuses the token of an owner that has not given the shard back, from now on.
func (s *Shard) Void(now time.Time) {
	if s.Held {
		s.renumber(now)
		s.Held = false
	}
}

// Renew lengthens the lease of the shard's owner.
func (s *Shard) Renew(now time.Time, ttl time.Duration) { s.Renewed, s.Expires = now, now.Add(ttl) }

// Shards are the shards of a run that workers have held.
type Shards map[harvest.Shard]*Shard

// States returns the shards as others see them, in order.
func (all Shards) States(now time.Time) []harvest.ShardState {
	rows := slices.SortedFunc(maps.Values(all), func(a, b *Shard) int {
		return cmp.Or(a.Shard.Of-b.Shard.Of, a.Shard.Index-b.Shard.Index)
	})
	states := make([]harvest.ShardState, len(rows))
	for i, row := range rows {
		if states[i] = row.ShardState; row.Held {
			states[i].Lapsed, states[i].Silent = row.Expires.Before(now), now.Sub(row.Renewed)
		}
	}
	return states
}

// Take gives the shard to a new owner: it counts the owners that crashed, while the rows still show
// which did not give a lease back, and voids leases of another N. suspicious reports whether the
// owner is to suspect its items. The caller has made sure that no other owner is in the way.
func (all Shards) Take(c store.Claim, suspects Suspects, now time.Time) (row *Shard, suspicious bool) {
	if row = all[c.Shard]; row == nil {
		row = &Shard{ShardState: harvest.ShardState{Shard: c.Shard}}
		all[c.Shard] = row
	}
	crashed := 0 // one crash, of however many leases
	for at, other := range all {
		if other.Held && (other == row || at.Of != c.Shard.Of) {
			crashed = 1
			suspects.Crash(at, other.Token)
		}
		if at.Of != c.Shard.Of {
			other.Void(now)
		}
	}
	row.Crashes += crashed
	row.renumber(now)
	row.Owner, row.Held, row.Drained = c.Owner, true, time.Time{}
	row.Renew(now, c.TTL)
	return row, row.Crashes > 0 || suspects.Concern(c.Shard)
}

// Under returns the shard while it has the token, else it fails with [store.ErrFenced].
func (all Shards) Under(at harvest.Shard, token int64) (*Shard, error) {
	if row := all[at]; row != nil && row.Token == token {
		return row, nil
	}
	return nil, store.ErrFenced
}

// Drain ends a lease of which every item has ended. done reports whether the shards of its N are
// drained by now.
func (all Shards) Drain(row *Shard, rejected int64, now time.Time) (done bool) {
	row.Drained, row.Counts.Rejected, row.Crashes, row.Held = now.UTC(), rejected, 0, false
	others := func(s harvest.ShardState) bool { return s.Shard.Of != row.Shard.Of }
	return harvest.Drained(slices.DeleteFunc(all.States(now), others))
}

// Exclude makes sure that no worker holds a shard, and voids the leases of those that were silent.
func (all Shards) Exclude(now time.Time) error {
	err := faults.Busy(all.States(now))
	for _, row := range all {
		if err == nil {
			row.Void(now)
		}
	}
	return err
}

// Reopen gives shards more to do; without any, all of them.
func (all Shards) Reopen(some ...harvest.Shard) {
	if len(some) == 0 {
		some = slices.Collect(maps.Keys(all))
	}
	for _, at := range some {
		all[at].Drained = time.Time{}
	}
}

// Count counts what has landed under a shard, in place of old outcomes that other shards may count.
func (all Shards) Count(at harvest.Shard, landed harvest.Counts, old tables.Replaced) {
	for shard, n := range old.Settle(at, all.States(time.Time{})) {
		all[shard].Counts = all[shard].Counts.Minus(*n)
	}
	all[at].Counts = all[at].Counts.Plus(landed)
}
