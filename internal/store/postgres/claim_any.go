package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// startJitter spreads workers that are started together, so that they do not all ask for the first
// free shard at once.
const startJitter = 250 * time.Millisecond

// lookAllSQL reads all shards of a run: the leases that were not given back, whether they are
// loose, and what is drained. It reads the locks once and not for each row, because dozens of
// waiting claims look again and again.
const lookAllSQL = `WITH held AS MATERIALIZED (
		SELECT (classid::bigint << 32) | objid::bigint AS lock FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
	SELECT s.shard, s.of, s.token, coalesce(s.owner, ''), to_timestamp(s.token / 1e6),
		coalesce(s.renewed_at, to_timestamp(0)), clock_timestamp(),
		s.expires_at IS NOT NULL, s.drained_at IS NOT NULL, s.landed + s.missing + s.skipped + s.dead > 0,
		coalesce(s.expires_at < clock_timestamp(), false)
		OR hashtextextended('shoal lease ' || s.run || ' ' || s.shard || '/' || s.of || ' ' || s.token, 0) NOT IN (SELECT lock FROM held)
	FROM shoal.shards s WHERE s.run = $1 ORDER BY s.of, s.shard`

// ClaimAny implements [store.Leases].
func (p *Store) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	c = leasing.WithTTL(c, p.ttl)
	c.Shard.Index = 0
	if !c.Next {
		if err := leasing.Pause(ctx, rand.N(startJitter)); err != nil {
			return nil, c.Shard, err
		}
	}
	t := &taker{p: p, Claiming: leasing.Claiming{Claim: c}, watch: leasing.Watch{Apart: c.TTL / 2}, any: true}
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, c.Shard, wrapAny(c, err)
	}
	t.conn = conn
	lease, err := t.waitAny(ctx)
	if err != nil {
		hangUp(conn)
		return nil, c.Shard, wrapAny(c, err)
	}
	return lease, t.Shard, nil
}

// wrapAny names a claim of whichever shard.
func wrapAny(c store.Claim, err error) error {
	operation := "claim a shard of run " + c.Run
	if errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrNoShardLeft) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return classify(operation, err)
}

// waitAny looks again and again until a shard can be taken or none is left.
func (t *taker) waitAny(ctx context.Context) (*store.Lease, error) {
	for looks := 1; ; looks++ {
		asked := time.Now()
		f, err := t.lookAll(ctx)
		if err != nil {
			return nil, err
		}
		if f.Done() {
			return nil, store.ErrNoShardLeft
		}
		inWay, again := t.watch.Look(f.Held, asked, time.Now())
		left := f.Left(t.Shard.Of, inWay)
		for _, t.Shard = range left {
			lease, err := t.take(ctx)
			if lease != nil || err != nil {
				return lease, err
			}
		}
		switch {
		case len(left) > 0: // others were faster: look what is left
			again = time.Millisecond
		case t.NoWait && looks == 1:
			again = noticed
		default:
			if err := t.StandBy(t.Shard.Of, f, inWay); err != nil {
				return nil, err
			}
		}
		if poll := t.TTL / 6; again == 0 || again > poll {
			again = poll - rand.N(poll/4) // so that waiting claims do not look together
		}
		if err := leasing.Pause(ctx, again); err != nil {
			return nil, err
		}
	}
}

func (t *taker) lookAll(ctx context.Context) (*leasing.Field, error) {
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	rows, err := t.conn.Query(ctx, lookAllSQL, t.Run)
	if err != nil {
		return nil, err
	}
	f := &leasing.Field{Drained: map[harvest.Shard]bool{}}
	l := leasing.HeldLease{Holder: leasing.Holder{Run: t.Run}}
	var held, drained, begun bool
	_, err = pgx.ForEachRow(rows, []any{&l.Shard.Index, &l.Shard.Of, &l.Token, &l.Owner, &l.Since, &l.Renewed, &l.Now, &held, &drained, &begun, &l.Loose}, func() error {
		if held {
			f.Held = append(f.Held, l)
		}
		if drained {
			f.Drained[l.Shard] = true
		}
		if begun {
			f.Begun = append(f.Begun, l.Shard)
		}
		return nil
	})
	return f, err
}
