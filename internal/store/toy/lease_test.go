package toy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/simple"
)

func (p *process) ListShards(_ context.Context, name string) ([]harvest.ShardState, error) {
	return ask(p, name, (*run).states)
}
func (p *process) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	return p.polled().Claim(ctx, c)
}
func (p *process) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	return p.polled().ClaimAny(ctx, c, p.ListShards)
}
func (p *process) polled() leasing.Polled {
	const poll = 10 * time.Millisecond
	return leasing.Polled{TTL: p.ttl, Every: poll, EveryAny: poll, Take: p.take}
}

// take makes the shard ours unless the process of an owner is in the way.
func (p *process) take(_ context.Context, c store.Claim, undrained bool) (taken *store.Lease, inWay []leasing.HeldLease, err error) {
	err = p.set(c.Run, func(r *run) {
		for at, row := range r.shards {
			alive := row.Held && r.owners[at] == row.Token
			if alive && (at == c.Shard || at.Of != c.Shard.Of) {
				inWay = append(inWay, leasing.HeldLease{Holder: leasing.Holder{Run: c.Run, Shard: at, Owner: row.Owner, Since: time.UnixMicro(row.Token)}})
			}
		}
		if row := r.shards[c.Shard]; len(inWay) > 0 || undrained && row != nil && !row.Drained.IsZero() {
			return
		}
		row, suspicious := r.shards.Take(c, r.suspects, time.Now())
		r.owners[c.Shard] = row.Token
		own := leasing.Ownership{Run: c.Run, Shard: c.Shard, Token: row.Token, Suspects: suspicious}
		l := &lease{leasing.NewState(own, c.TTL, r.fingerprint()), p}
		l.KeepAlive(l.renew)
		if taken = (&store.Lease{Token: own.Token, Lander: l, Keeper: l.State}); suspicious {
			taken.Suspects = simple.Flight{Under: l.flight}
		}
	})
	return taken, inWay, err
}

// lease is the lease of a process.
type lease struct {
	*leasing.State
	p *process
}

// under calls do while the shard has our token.
func (l *lease) under(do func(r *run, row *simple.Shard)) error {
	_, err := change(l.p, l.Own.Run, func(r *run) (any, error) {
		row, err := r.shards.Under(l.Own.Shard, l.Own.Token)
		if err = cmp.Or(l.Check(), err); err == nil {
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
	err = l.under(func(r *run, row *simple.Shard) {
		row.Renew(time.Now(), l.TTL)
		gen = r.fingerprint()
	})
	return gen, err
}

func (l *lease) Land(_ context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	err = l.under(func(r *run, row *simple.Shard) {
		counts = r.land(row, pages)
		if end := time.Now().Add(l.TTL); end.After(row.Expires) {
			row.Expires = end
		}
	})
	return counts, err
}

func (l *lease) Complete(_ context.Context, rejected int64) (finished bool, err error) {
	err = l.under(func(r *run, row *simple.Shard) {
		r.suspects.Drain(row.Shard)
		if done := r.shards.Drain(row, rejected, time.Now()); done && r.Shards == 0 {
			finished = r.finish()
		}
		l.Finish(leasing.ErrReleased)
	})
	if err == nil {
		l.Stop()
	}
	return finished, err
}

func (l *lease) Release(context.Context) error {
	_ = l.under(func(r *run, row *simple.Shard) { // another owner's shard is not ours to give back
		r.suspects.Release(l.Own.Token)
		row.Held = false
		l.Finish(leasing.ErrReleased)
	})
	l.Stop()
	return nil
}

// flight calls do with what may be suspected.
func (l *lease) flight(_ context.Context, do func(all simple.Suspects, row *simple.Shard)) error {
	return l.under(func(r *run, row *simple.Shard) { do(r.suspects, row) })
}

// leader is who leads a run.
type leader struct {
	p          *process
	run, owner string
}

func (p *process) Lead(ctx context.Context, name, owner string, waiting func(sentence string)) (store.Leadership, error) {
	l := &leader{p, name, owner}
	return l, leasing.Lead(ctx, name, waiting, func() (leads bool, who string, err error) {
		err = p.set(name, func(r *run) {
			r.leader = cmp.Or(r.leader, l)
			leads, who = r.leader == l, r.leader.owner
		})
		return leads, who, err
	})
}

func (l *leader) Keep(context.Context) error {
	_, err := look(l.p, l.run, func(r *run) (any, error) {
		if r.leader != l {
			return nil, store.ErrHeld
		}
		return nil, nil
	})
	return err
}

func (l *leader) Close() {
	_ = l.p.set(l.run, func(r *run) { // a run that is gone has no leader
		if r.leader == l {
			r.leader = nil
		}
	})
}
