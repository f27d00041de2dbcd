package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
)

// startJitter spreads workers that are started together, so that they do not all ask for the first free shard at once.
const startJitter = 250 * time.Millisecond

// lookAllSQL reads all shards of a run: the leases that were not given back, whether they are loose, and what is drained.
// The locks are read once and not for each row: dozens who wait look again and again.
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

// field is all shards of a run at one look.
type field struct {
	held    []heldLease
	begun   []harvest.Shard // somebody landed items of it
	drained map[harvest.Shard]bool
}

// left are the shards of one N that are neither drained nor in the way, those that were begun first: where somebody
// died the run goes on before new ones are begun.
func (f *field) left(of int, inWay []heldLease) []harvest.Shard {
	taken := map[harvest.Shard]bool{}
	for _, l := range inWay {
		if l.shard.Of != of {
			return nil // a run is cut into one number of shards at a time
		}
		taken[l.shard] = true
	}
	var begun, fresh []harvest.Shard
	for i := range of {
		shard := harvest.Shard{Index: i, Of: of}
		switch {
		case taken[shard] || f.drained[shard]:
		case slices.Contains(f.begun, shard):
			begun = append(begun, shard)
		default:
			fresh = append(fresh, shard)
		}
	}
	for _, some := range [][]harvest.Shard{begun, fresh} {
		rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	}
	return append(begun, fresh...)
}

// done tells whether nothing is left, whatever N drained it.
func (f *field) done() bool {
	count := map[int]int{}
	for s := range f.drained {
		if count[s.Of]++; count[s.Of] == s.Of {
			return true
		}
	}
	return false
}

// standby says that all shards are in somebody's hands.
func standby(run string, of int, f *field, inWay []heldLease) string {
	if len(inWay) > 0 && inWay[0].shard.Of != of {
		return inWay[0].sentence(harvest.Shard{Of: of})
	}
	n := 0
	for s := range f.drained {
		if s.Of == of {
			n++
		}
	}
	return fmt.Sprintf("the shards of run %s are all in hand (%d of %d drained, %d at work): standing by for one that is given back", run, n, of, len(inWay))
}

// ClaimAny implements Store.
func (p *Postgres) ClaimAny(ctx context.Context, c Claim) (Lease, harvest.Shard, error) {
	c = c.orTTL(p.ttl)
	c.Shard.Index = 0
	if err := pause(ctx, rand.N(startJitter)); err != nil {
		return nil, c.Shard, err
	}
	t := &taker{p: p, waiting: waiting{Claim: c}, watch: watch{apart: c.TTL / 2}, any: true}
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, c.Shard, c.wrapAny(err)
	}
	t.conn = conn
	lease, err := t.waitAny(ctx)
	if err != nil {
		hangUp(conn)
		return nil, c.Shard, c.wrapAny(err)
	}
	return lease, t.Shard, nil
}

func (c Claim) wrapAny(err error) error {
	operation := "claim a shard of run " + c.Run
	if errors.Is(err, ErrHeld) || errors.Is(err, ErrDrained) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return classify(operation, err)
}

// waitAny looks again and again until a shard can be taken or none is left.
func (t *taker) waitAny(ctx context.Context) (Lease, error) {
	said := false
	for {
		asked := time.Now()
		f, err := t.lookAll(ctx)
		if err != nil {
			return nil, err
		}
		if f.done() {
			return nil, ErrDrained
		}
		inWay, again := t.watch.look(f.held, asked, time.Now())
		left := f.left(t.Shard.Of, inWay)
		for _, t.Shard = range left {
			lease, err := t.take(ctx)
			if lease != nil || err != nil {
				return lease, err
			}
		}
		switch {
		case len(left) > 0: // others were faster: look what is left
			again = time.Millisecond
		case t.NoWait:
			return nil, fmt.Errorf("%w: %s", ErrHeld, standby(t.Run, t.Shard.Of, f, inWay))
		case !said && t.Waiting != nil:
			said = true
			t.Waiting(standby(t.Run, t.Shard.Of, f, inWay))
		}
		if poll := t.TTL / 6; again == 0 || again > poll {
			again = poll - rand.N(poll/4) // so that those who wait do not look together
		}
		if err := pause(ctx, again); err != nil {
			return nil, err
		}
	}
}

func (t *taker) lookAll(ctx context.Context) (*field, error) {
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	rows, err := t.conn.Query(ctx, lookAllSQL, t.Run)
	if err != nil {
		return nil, err
	}
	f := &field{drained: map[harvest.Shard]bool{}}
	l := heldLease{holder: holder{run: t.Run}}
	var held, drained, begun bool
	_, err = pgx.ForEachRow(rows, []any{&l.shard.Index, &l.shard.Of, &l.token, &l.owner, &l.since, &l.renewed, &l.now, &held, &drained, &begun, &l.loose}, func() error {
		if held {
			f.held = append(f.held, l)
		}
		if drained {
			f.drained[l.shard] = true
		}
		if begun {
			f.begun = append(f.begun, l.shard)
		}
		return nil
	})
	return f, err
}

// anyPoll is how often those who wait for a shard of a SQLite store look again.
const anyPoll = time.Second

// ClaimAny implements Store.
func (s *SQLite) ClaimAny(ctx context.Context, c Claim) (Lease, harvest.Shard, error) {
	c = c.orTTL(s.ttl)
	of, said := c.Shard.Of, false
	for {
		shards, err := s.ListShards(ctx, c.Run)
		if err != nil {
			return nil, c.Shard, err
		}
		f := &field{drained: map[harvest.Shard]bool{}}
		for _, state := range shards {
			if !state.Drained.IsZero() {
				f.drained[state.Shard] = true
			}
			if state.Counts.Items() > 0 {
				f.begun = append(f.begun, state.Shard)
			}
		}
		if f.done() {
			return nil, c.Shard, c.wrapAny(ErrDrained)
		}
		var inWay []heldLease
		for _, c.Shard = range f.left(of, nil) {
			t := sqliteTake{s: s, Claim: c, own: ownership{run: c.Run, shard: c.Shard}, any: true}
			lease, err := t.take(ctx)
			if lease != nil || err != nil {
				return lease, c.Shard, err
			}
			inWay = append(inWay, heldLease{holder: t.inWay})
		}
		if sentence := standby(c.Run, of, f, inWay); c.NoWait {
			return nil, c.Shard, c.wrapAny(fmt.Errorf("%w: %s", ErrHeld, sentence))
		} else if !said && c.Waiting != nil {
			said = true
			c.Waiting(sentence)
		}
		if err := pause(ctx, anyPoll); err != nil {
			return nil, c.Shard, c.wrapAny(err)
		}
	}
}
