package toy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/leasing"
)

// shard is the row of a shard that a worker has held.
type shard struct {
	harvest.ShardState
	token            int64
	renewed, expires time.Time
	crashes          int
	owner            *lease // nil where its process is gone
}

// suspect is an item that was in flight when an owner of its shard crashed, or is in flight now.
type suspect struct {
	shard   harvest.Shard
	token   int64 // of the owner that has it in flight; 0: none
	crashes int
}

func (s *shard) live() bool { return s.Held && s.expires.After(time.Now()) }
func (s *shard) free()      { s.Held, s.owner = false, nil }
func (s *shard) void() { // the owner's token is refused from now on
	if s.Held {
		s.token = max(s.token+1, time.Now().UnixMicro())
		s.free()
	}
}

// states are the shards as others see them, in order.
func (r *run) states() (all []harvest.ShardState) {
	for _, row := range r.shards {
		s := row.ShardState
		if s.Held {
			s.Lapsed, s.Silent = !row.live(), time.Since(row.renewed)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b harvest.ShardState) int { return cmp.Or(a.Shard.Of-b.Shard.Of, a.Shard.Index-b.Shard.Index) })
	return all
}

func (p *process) ListShards(_ context.Context, name string) ([]harvest.ShardState, error) {
	return ask(p, name, (*run).states)
}

// excludeWorkers makes sure that no worker holds a shard, and voids the leases of those that were
// silent.
func (r *run) excludeWorkers() error {
	if err := faults.Busy(r.states()); err != nil {
		return err
	}
	for _, row := range r.shards {
		row.void()
	}
	return nil
}

func (p *process) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	return p.polled().Claim(ctx, c)
}
func (p *process) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	return p.polled().ClaimAny(ctx, c, p.ListShards)
}
func (p *process) polled() leasing.Polled {
	return leasing.Polled{TTL: p.ttl, Every: poll, EveryAny: poll, Take: p.take}
}

// take makes the shard ours, or names the owner in the way. Both are nil if another worker has
// drained it.
func (p *process) take(_ context.Context, c store.Claim, undrained bool) (taken *store.Lease, inWay []leasing.HeldLease, err error) {
	err = p.set(c.Run, func(r *run) {
		row := r.shards[c.Shard]
		for at, other := range r.shards {
			if other.owner != nil && (other == row || at.Of != c.Shard.Of) {
				inWay = append(inWay, leasing.HeldLease{Holder: leasing.Holder{Run: c.Run, Shard: at, Owner: other.Owner, Since: time.UnixMicro(other.token)}})
			}
		}
		if len(inWay) > 0 || undrained && row != nil && !row.Drained.IsZero() {
			return
		}
		row = cmp.Or(row, &shard{ShardState: harvest.ShardState{Shard: c.Shard}})
		r.shards[c.Shard] = row
		now, suspects := time.Now(), r.countCrash(row)
		for at, other := range r.shards {
			if at.Of != c.Shard.Of {
				other.void()
			}
		}
		row.token, row.Owner, row.Held, row.Drained = max(row.token+1, now.UnixMicro()), c.Owner, true, time.Time{}
		row.renewed, row.expires = now, now.Add(c.TTL)
		gen, _ := r.fingerprint()
		own := leasing.Ownership{Run: c.Run, Shard: c.Shard, Token: row.token, Suspects: suspects}
		row.owner = &lease{State: leasing.NewState(own, c.TTL, gen), p: p}
		row.owner.KeepAlive(row.owner.renew)
		taken = &store.Lease{Token: own.Token, Lander: row.owner, Keeper: row.owner.State}
		if suspects {
			taken.Suspects = row.owner
		}
	})
	return taken, inWay, err
}

// countCrash counts the owners that crashed, while the rows still show who did not give a lease
// back. It reports whether the new owner is to suspect its items.
func (r *run) countCrash(own *shard) (left bool) {
	for at, row := range r.shards {
		if !row.Held || row != own && at.Of == own.Shard.Of {
			continue
		}
		own.crashes++
		for key, s := range r.suspects {
			if s.shard == at && s.token == row.token {
				r.suspects[key] = suspect{s.shard, 0, s.crashes + 1}
			}
		}
	}
	for _, s := range r.suspects {
		left = left || s.shard == own.Shard || s.shard.Of != own.Shard.Of
	}
	return left || own.crashes > 0
}

// lease is the lease of a process.
type lease struct {
	*leasing.State
	p *process
}

// under calls do while the shard has our token.
func (l *lease) under(do func(r *run, row *shard)) error {
	_, err := change(l.p, l.Own.Run, func(r *run) (any, error) {
		row, err := r.shards[l.Own.Shard], l.Check()
		if err == nil && (row == nil || row.token != l.Own.Token) {
			err = store.ErrFenced
		}
		if err == nil {
			do(r, row)
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", l.Own.Name("work on"), l.Seen(err))
	}
	return nil
}

func (l *lease) renew(context.Context) (gen string, err error) {
	err = l.under(func(r *run, row *shard) {
		row.renewed, row.expires = time.Now(), time.Now().Add(l.TTL)
		gen, _ = r.fingerprint()
	})
	return gen, err
}

func (l *lease) Land(_ context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	err = l.under(func(r *run, row *shard) {
		counts = r.land(row, pages)
		if end := time.Now().Add(l.TTL); end.After(row.expires) {
			row.expires = end
		}
	})
	return counts, err
}

func (l *lease) Complete(_ context.Context, rejected int64) (finished bool, err error) {
	err = l.under(func(r *run, row *shard) {
		row.Drained, row.Counts.Rejected, row.crashes = time.Now().UTC(), rejected, 0
		maps.DeleteFunc(r.suspects, func(_ harvest.Key, s suspect) bool { return s.shard == row.Shard })
		row.free()
		l.Finish(leasing.ErrReleased)
		others := func(s harvest.ShardState) bool { return s.Shard.Of != row.Shard.Of }
		if r.Shards == 0 && harvest.Drained(slices.DeleteFunc(r.states(), others)) {
			finished, _ = r.finish(true)
		}
	})
	if err == nil {
		l.Stop()
	}
	return finished, err
}

func (l *lease) Release(context.Context) error {
	_ = l.under(func(r *run, row *shard) { // another owner's shard is not ours to give back
		r.withdraw(l.Own.Token, slices.Collect(maps.Keys(r.suspects)))
		row.free()
		l.Finish(leasing.ErrReleased)
	})
	l.Stop()
	return nil
}

// withdraw notes that the items are not in flight under a token any more.
func (r *run) withdraw(token int64, keys []harvest.Key) {
	for _, key := range keys {
		if s := r.suspects[key]; s.token == token && s.crashes == 0 {
			delete(r.suspects, key)
		} else if s.token == token {
			r.suspects[key] = suspect{s.shard, 0, s.crashes}
		}
	}
}

func (l *lease) Withdraw(_ context.Context, keys []harvest.Key) error {
	return l.under(func(r *run, _ *shard) { r.withdraw(l.Own.Token, keys) })
}
func (l *lease) Calm(context.Context) error {
	return l.under(func(_ *run, row *shard) { row.crashes = 0 })
}
func (l *lease) Clear(_ context.Context, keys []harvest.Key) error {
	known := func(key harvest.Key, _ suspect) bool { return slices.Contains(keys, key) }
	return l.under(func(r *run, _ *shard) { maps.DeleteFunc(r.suspects, known) })
}
func (l *lease) Note(_ context.Context, keys []harvest.Key) error {
	return l.under(func(r *run, row *shard) {
		for _, key := range keys {
			r.suspects[key] = suspect{row.Shard, row.token, r.suspects[key].crashes}
		}
	})
}
func (l *lease) Load(context.Context) (map[harvest.Key]int, error) {
	found := map[harvest.Key]int{}
	return found, l.under(func(r *run, row *shard) {
		for key, s := range r.suspects {
			if s.crashes > 0 && (s.shard == row.Shard || s.shard.Of != row.Shard.Of) {
				found[key] = s.crashes
			}
		}
	})
}
