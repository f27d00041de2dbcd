package toy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// poll is how often those who wait look again.
const poll = 10 * time.Millisecond

// live reports whether the shard's lease has not run out.
func (s *shard) live() bool { return s.expires.After(time.Now()) }

// free gives the shard back.
func (s *shard) free() { s.expires, s.owner = time.Time{}, nil }

// states are the shards as others see them, in order.
func (r *run) states() (all []harvest.ShardState) {
	for at, row := range r.shards {
		s := row.ShardState
		s.Shard, s.Held, s.Lapsed = at, !row.expires.IsZero(), !row.expires.IsZero() && !row.live()
		if s.Held {
			s.Silent = time.Since(row.renewed)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b harvest.ShardState) int {
		return (a.Shard.Of-b.Shard.Of)*1_000_000 + a.Shard.Index - b.Shard.Index
	})
	return all
}

func (p *process) ListShards(_ context.Context, name string) (all []harvest.ShardState, err error) {
	p.peek(name, func(r *run) { all = r.states() })
	return all, nil
}

func (p *process) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	c = leasing.WithTTL(c, p.ttl)
	waiting := leasing.Claiming{Claim: c}
	for {
		lease, inWay, err := p.take(c, false)
		if err == nil && lease == nil {
			err = waiting.Report(inWay)
		}
		if err == nil && lease == nil {
			err = leasing.Pause(ctx, poll)
		}
		if lease != nil || err != nil {
			return lease, err
		}
	}
}

func (p *process) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	c = leasing.WithTTL(c, p.ttl)
	for of, said := c.Shard.Of, false; ; {
		field := p.field(c.Run)
		if field.Done() {
			return nil, c.Shard, store.ErrNoShardLeft
		}
		var inWay []leasing.HeldLease
		for _, c.Shard = range field.Left(of, nil) {
			lease, held, err := p.take(c, true)
			if lease != nil || err != nil {
				return lease, c.Shard, err
			}
			inWay = append(inWay, held...)
		}
		sentence := leasing.Standby(c.Run, of, field, inWay)
		if c.NoWait {
			return nil, c.Shard, fmt.Errorf("%w: %s", store.ErrHeld, sentence)
		}
		if !said && c.Waiting != nil {
			said = true
			c.Waiting(sentence)
		}
		if err := leasing.Pause(ctx, poll); err != nil {
			return nil, c.Shard, err
		}
	}
}

func (p *process) field(name string) *leasing.Field {
	f := &leasing.Field{Drained: map[harvest.Shard]bool{}}
	p.peek(name, func(r *run) {
		for at, row := range r.shards {
			if !row.Drained.IsZero() {
				f.Drained[at] = true
			}
			if row.Counts.Items() > 0 {
				f.Begun = append(f.Begun, at)
			}
		}
	})
	return f
}

// take makes the shard ours, or names the owner in the way. Both are nil if another worker has drained it.
func (p *process) take(c store.Claim, undrained bool) (taken *store.Lease, inWay []leasing.HeldLease, err error) {
	err = p.change(c.Run, func(r *run) error {
		for at, row := range r.shards {
			if row.owner != nil && (at == c.Shard || at.Of != c.Shard.Of) {
				holder := leasing.Holder{Run: c.Run, Shard: at, Owner: row.Owner, Since: time.UnixMicro(row.token), Now: time.Now()}
				inWay = append(inWay, leasing.HeldLease{Holder: holder})
			}
		}
		row := r.shards[c.Shard]
		if row == nil {
			row = &shard{}
		}
		if len(inWay) > 0 || undrained && !row.Drained.IsZero() {
			return nil
		}
		r.shards[c.Shard] = row
		suspects := r.countCrash(c.Shard)
		for at, other := range r.shards {
			if at.Of != c.Shard.Of && !other.expires.IsZero() {
				other.token++
				other.free()
			}
		}
		now := time.Now()
		row.token, row.Owner, row.Drained = max(row.token+1, now.UnixMicro()), c.Owner, time.Time{}
		row.renewed, row.expires = now, now.Add(c.TTL)
		own := leasing.Ownership{Run: c.Run, Shard: c.Shard, Token: row.token, Suspects: suspects}
		row.owner = &lease{State: leasing.NewState(own, c.TTL, r.fingerprint()), p: p}
		row.owner.KeepAlive(row.owner.renew)
		taken = &store.Lease{Token: own.Token, Lander: row.owner, Keeper: row.owner.State}
		if suspects {
			taken.Suspects = row.owner
		}
		return nil
	})
	return taken, inWay, err
}

// countCrash counts the owners that crashed, while the rows still show who did not give a lease back. It reports whether
// the new owner is to suspect its items.
func (r *run) countCrash(at harvest.Shard) bool {
	crashed := false
	for other, row := range r.shards {
		if row.expires.IsZero() || other != at && other.Of == at.Of {
			continue
		}
		crashed = true
		for key, s := range r.suspects {
			if s.shard == other && s.token == row.token {
				r.suspects[key] = suspect{shard: s.shard, crashes: s.crashes + 1}
			}
		}
	}
	if crashed {
		r.shards[at].crashes++
	}
	left := r.shards[at].crashes > 0
	for _, s := range r.suspects {
		left = left || s.shard == at || s.shard.Of != at.Of
	}
	return left
}

// lease is the lease of a process.
type lease struct {
	*leasing.State
	p *process
}

// under calls do while the shard has our token.
func (l *lease) under(do func(r *run, row *shard) error) error {
	err := l.Check()
	if err == nil {
		err = l.p.change(l.Own.Run, func(r *run) error {
			row := r.shards[l.Own.Shard]
			if row == nil || row.token != l.Own.Token {
				return store.ErrFenced
			}
			return do(r, row)
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.Own.Name("work on"), l.Seen(err))
	}
	return nil
}

func (l *lease) renew(context.Context) (gen string, err error) {
	err = l.under(func(r *run, row *shard) error {
		if err := l.Check(); err != nil {
			return err
		}
		row.renewed, row.expires, gen = time.Now(), time.Now().Add(l.TTL), r.fingerprint()
		return nil
	})
	return gen, err
}

func (l *lease) Land(_ context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	err = l.under(func(r *run, _ *shard) error {
		counts, err = r.land(l.Own.Shard, l.Own.Token, l.TTL, pages)
		return err
	})
	return counts, err
}

func (l *lease) Complete(_ context.Context, rejected int64) (finished bool, err error) {
	err = l.under(func(r *run, row *shard) error {
		row.Drained, row.Counts.Rejected, row.crashes = time.Now().UTC(), rejected, 0
		maps.DeleteFunc(r.suspects, func(_ harvest.Key, s suspect) bool { return s.shard == l.Own.Shard })
		row.free()
		l.Finish(leasing.ErrReleased)
		drained := 0
		for at, other := range r.shards {
			if at.Of == l.Own.Shard.Of && !other.Drained.IsZero() {
				drained++
			}
		}
		finished = r.Shards == 0 && drained == l.Own.Shard.Of
		if finished && r.FinishedAt.IsZero() {
			r.FinishedAt = time.Now().UTC()
		}
		return nil
	})
	if err == nil {
		l.Stop()
	}
	return finished, err
}

func (l *lease) Release(context.Context) error {
	_ = l.under(func(r *run, row *shard) error { // another owner's shard is not ours to give back
		r.withdraw(l.Own.Token, slices.Collect(maps.Keys(r.suspects)))
		row.free()
		l.Finish(leasing.ErrReleased)
		return nil
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
			r.suspects[key] = suspect{shard: s.shard, crashes: s.crashes}
		}
	}
}

func (l *lease) Withdraw(_ context.Context, keys []harvest.Key) error {
	return l.under(func(r *run, _ *shard) error { r.withdraw(l.Own.Token, keys); return nil })
}

func (l *lease) Load(context.Context) (map[harvest.Key]int, error) {
	found := map[harvest.Key]int{}
	err := l.under(func(r *run, _ *shard) error {
		for key, s := range r.suspects {
			if s.crashes > 0 && (s.shard.Index == l.Own.Shard.Index || s.shard.Of != l.Own.Shard.Of) {
				found[key] = s.crashes
			}
		}
		return nil
	})
	return found, err
}

func (l *lease) Note(_ context.Context, keys []harvest.Key) error {
	return l.under(func(r *run, _ *shard) error {
		for _, key := range keys {
			r.suspects[key] = suspect{shard: l.Own.Shard, token: l.Own.Token, crashes: r.suspects[key].crashes}
		}
		return nil
	})
}

func (l *lease) Clear(_ context.Context, keys []harvest.Key) error {
	return l.under(func(r *run, _ *shard) error {
		for _, key := range keys {
			delete(r.suspects, key)
		}
		return nil
	})
}

func (l *lease) Calm(context.Context) error {
	return l.under(func(_ *run, row *shard) error { row.crashes = 0; return nil })
}
