package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// filePoll and anyPoll are how often a claim looks again at a locked file, and at all of a run:
// there is no event to wake it.
const (
	filePoll = 100 * time.Millisecond
	anyPoll  = time.Second
)

// Claim implements [store.Leases].
func (s *Store) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	return s.polled().Claim(ctx, c)
}

// ClaimAny implements [store.Leases].
func (s *Store) ClaimAny(ctx context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	return s.polled().ClaimAny(ctx, c, s.ListShards)
}

func (s *Store) polled() leasing.Polled {
	return leasing.Polled{TTL: s.ttl, Every: filePoll, EveryAny: anyPoll,
		Take: func(ctx context.Context, c store.Claim, undrained bool) (lease *store.Lease, inWay []leasing.HeldLease, err error) {
			t := taker{s: s, Claim: c, own: leasing.Ownership{Run: c.Run, Shard: c.Shard}, any: undrained}
			if lease, err = t.take(ctx); t.inWay.Run != "" {
				inWay = []leasing.HeldLease{{Holder: t.inWay}}
			}
			return lease, inWay, err
		}}
}

// taker is one attempt to take a shard.
type taker struct {
	store.Claim
	s     *Store
	own   leasing.Ownership
	file  *shardFile
	inWay leasing.Holder
	any   bool // whichever shard is free and not drained
}

// take makes the shard ours in one writing transaction, so that the takes of several processes
// follow one another. Both results are nil if an owner is in the way.
func (t *taker) take(ctx context.Context) (lease *store.Lease, err error) {
	defer func() {
		if lease == nil && t.file != nil {
			t.file.unlock()
		}
	}()
	var gen string
	taken := false
	err = t.s.transact(ctx, t.own.Name("claim"), func(tx *sql.Tx) error {
		if gen, err = t.s.Fingerprint(ctx, t.Run); err != nil {
			return err
		}
		if err := t.lock(ctx, tx); err != nil || t.file == nil {
			return err
		}
		if drained, err := t.drained(ctx, tx); err != nil || drained {
			return err
		}
		taken = true
		return t.write(ctx, tx)
	})
	if err != nil || !taken {
		return nil, err
	}
	return t.s.startLease(t.own, t.TTL, t.file, gen).handle(), nil
}

// drained reports whether another worker drained the shard since it was seen to be left.
func (t *taker) drained(ctx context.Context, tx *sql.Tx) (drained bool, err error) {
	if !t.any {
		return false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM shards WHERE run = ? AND shard = ? AND "of" = ? AND drained_at IS NOT NULL)`,
		t.Run, t.Shard.Index, t.Shard.Of).Scan(&drained)
	return drained, err
}

// lock leaves file nil, and names the owner in the way, if the shard or one of another N is at
// work.
func (t *taker) lock(ctx context.Context, tx *sql.Tx) error {
	file, err := lockShardFile(shardPath(t.s.path, t.Run, t.Shard))
	if err != nil {
		return err
	}
	if file == nil {
		return t.find(ctx, tx, t.Shard)
	}
	t.file = file
	others, err := otherShards(t.s.path, t.Run, t.Shard.Of)
	if err != nil {
		return err
	}
	for _, other := range others {
		left, err := lockShardFile(shardPath(t.s.path, t.Run, other))
		if err != nil {
			return err
		}
		if left == nil {
			file.unlock()
			t.file = nil
			return t.find(ctx, tx, other)
		}
		left.unlock() // its process is dead
	}
	return nil
}

// find reads the holder of the shard.
func (t *taker) find(ctx context.Context, tx *sql.Tx, shard harvest.Shard) error {
	var owner, renewed sql.NullString
	var token int64
	err := tx.QueryRowContext(ctx, `SELECT token, owner, renewed_at FROM shards WHERE run = ? AND shard = ? AND "of" = ?`,
		t.Run, shard.Index, shard.Of).Scan(&token, &owner, &renewed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // the holder may have died before it wrote its first row
		return err
	}
	t.inWay = leasing.Holder{Run: t.Run, Shard: shard, Owner: owner.String, Since: time.UnixMicro(token), Now: time.Now()}
	t.inWay.Renewed, err = parseStamp(renewed)
	return err
}

func (t *taker) write(ctx context.Context, tx *sql.Tx) error {
	var err error
	if t.own.Suspects, err = t.countCrash(ctx, tx); err != nil {
		return err
	}
	now := time.Now()
	_, err = tx.ExecContext(ctx, `UPDATE shards SET token = token + 1, expires_at = NULL
		WHERE run = ? AND "of" <> ? AND expires_at IS NOT NULL`, t.Run, t.Shard.Of)
	if err != nil {
		return err
	}
	return tx.QueryRowContext(ctx, `INSERT INTO shards (run, shard, "of", token, owner, renewed_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET token = max(token + 1, excluded.token), owner = excluded.owner,
			renewed_at = excluded.renewed_at, expires_at = excluded.expires_at, drained_at = NULL
		RETURNING token`,
		t.Run, t.Shard.Index, t.Shard.Of, now.UnixMicro(), t.Owner, stamp(now), stamp(now.Add(t.TTL))).Scan(&t.own.Token)
}
