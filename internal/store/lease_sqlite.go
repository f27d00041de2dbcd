package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// filePoll is how often a claim looks again at a locked file: nobody can wake it.
const filePoll = 100 * time.Millisecond

// sqliteLease is a lease of a store on one machine. The locked file is what keeps others out: the
// system frees it at the moment when the process dies, and one that is only frozen keeps it. The row
// tells people who is at work, and its token fences as it does in PostgreSQL.
type sqliteLease struct {
	*leaseState
	s    *SQLite
	file *shardFile
	turn sync.Mutex // nothing renews what is being given back
	once sync.Once  // of unlock
}

// Claim implements Store.
func (s *SQLite) Claim(ctx context.Context, c Claim) (Lease, error) {
	c = c.orTTL(s.ttl)
	w := waiting{Claim: c}
	for {
		t := sqliteTake{s: s, Claim: c, own: ownership{run: c.Run, shard: c.Shard}}
		lease, err := t.take(ctx)
		if lease != nil || err != nil {
			return lease, err
		}
		if err := w.report([]heldLease{{holder: t.inWay}}); err != nil {
			return nil, c.wrap(err)
		}
		if err := pause(ctx, filePoll); err != nil {
			return nil, c.wrap(err)
		}
	}
}

// sqliteTake is one attempt to take a shard.
type sqliteTake struct {
	Claim
	s     *SQLite
	own   ownership
	file  *shardFile
	inWay holder
	any   bool // whichever shard is free and not drained
}

// take makes the shard ours in one writing transaction, so that the takes of several processes go one
// after the other. Both results are nil when somebody is in the way.
func (t *sqliteTake) take(ctx context.Context) (lease Lease, err error) {
	defer func() {
		if lease == nil && t.file != nil {
			t.file.unlock()
		}
	}()
	var gen string
	taken := false
	err = t.s.transact(ctx, t.own.name("claim"), func(tx *sql.Tx) error {
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
	return t.s.startLease(t.own, t.TTL, t.file, gen), nil
}

// drained tells whether somebody drained the shard since it was seen to be left.
func (t *sqliteTake) drained(ctx context.Context, tx *sql.Tx) (drained bool, err error) {
	if !t.any {
		return false, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM shards WHERE run = ? AND shard = ? AND "of" = ? AND drained_at IS NOT NULL)`,
		t.Run, t.Shard.Index, t.Shard.Of).Scan(&drained)
	return drained, err
}

// lock leaves file nil, and says who is in the way, where the shard or one of another N is at work.
func (t *sqliteTake) lock(ctx context.Context, tx *sql.Tx) error {
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

// find reads who holds the shard.
func (t *sqliteTake) find(ctx context.Context, tx *sql.Tx, shard harvest.Shard) error {
	var owner, renewed sql.NullString
	var token int64
	err := tx.QueryRowContext(ctx, `SELECT token, owner, renewed_at FROM shards WHERE run = ? AND shard = ? AND "of" = ?`,
		t.Run, shard.Index, shard.Of).Scan(&token, &owner, &renewed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // the holder may have died before it wrote its first row
		return err
	}
	t.inWay = holder{run: t.Run, shard: shard, owner: owner.String, since: time.UnixMicro(token), now: time.Now()}
	t.inWay.renewed, err = parseStamp(renewed)
	return err
}

func (t *sqliteTake) write(ctx context.Context, tx *sql.Tx) error {
	var err error
	if t.own.suspects, err = t.countCrash(ctx, tx); err != nil {
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
		t.Run, t.Shard.Index, t.Shard.Of, now.UnixMicro(), t.Owner, stamp(now), stamp(now.Add(t.TTL))).Scan(&t.own.token)
}

func (s *SQLite) startLease(own ownership, ttl time.Duration, file *shardFile, gen string) *sqliteLease {
	l := &sqliteLease{leaseState: newLeaseState(own, ttl, gen), s: s, file: file}
	l.keepAlive(l.renew)
	return l
}

// renew keeps the row fresh for those who read it; nobody takes the shard of a process that does not.
func (l *sqliteLease) renew(ctx context.Context) (gen string, err error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.check(); err != nil {
		return "", err
	}
	now := time.Now()
	err = l.update(ctx, "renew", "UPDATE shards SET renewed_at = ?5, expires_at = ?6"+ownRow, stamp(now), stamp(now.Add(l.ttl)))
	if err != nil {
		return "", err
	}
	return l.s.Fingerprint(ctx, l.own.run)
}

// update changes the row under our token alone.
func (l *sqliteLease) update(ctx context.Context, what, statement string, more ...any) error {
	return l.s.transact(ctx, l.own.name(what), func(tx *sql.Tx) error { return l.updateIn(ctx, tx, statement, more...) })
}

// ownRow ends a statement that updateIn runs.
const ownRow = ` WHERE run = ?1 AND shard = ?2 AND "of" = ?3 AND token = ?4`

func (l *sqliteLease) updateIn(ctx context.Context, tx *sql.Tx, statement string, more ...any) error {
	result, err := tx.ExecContext(ctx, statement, l.own.args(more...)...)
	if err != nil {
		return err
	}
	rows, err := result.RowsAffected()
	if err == nil && rows == 0 {
		return ErrFenced
	}
	return err
}

// Land implements Lease.
func (l *sqliteLease) Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
	if err := l.check(); err != nil {
		return harvest.Counts{}, l.own.wrap("land on", err)
	}
	counts, err := l.s.land(ctx, l.own, l.ttl, pages)
	return counts, l.seen(err)
}

// Drained implements Lease.
func (l *sqliteLease) Drained(ctx context.Context, rejected int64) (finished bool, err error) {
	err = l.giveBack("close", func() error {
		return l.s.transact(ctx, l.own.name("close"), func(tx *sql.Tx) error {
			finished, err = l.drain(ctx, tx, rejected)
			return err
		})
	})
	if err != nil {
		return false, err
	}
	l.unlock()
	return finished, nil
}

// giveBack writes that the lease is over and, if that worked, ends it.
func (l *sqliteLease) giveBack(what string, write func() error) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.check(); err != nil {
		return l.own.wrap(what, err)
	}
	if err := write(); err != nil {
		return l.seen(err)
	}
	l.finish(errReleased)
	return nil
}

func (l *sqliteLease) drain(ctx context.Context, tx *sql.Tx, rejected int64) (finished bool, err error) {
	now := stamp(time.Now())
	if err := l.updateIn(ctx, tx, "UPDATE shards SET drained_at = ?5, rejected = ?6, expires_at = NULL"+ownRow, now, rejected); err != nil {
		return false, err
	}
	if l.own.suspects {
		if err := execAll(ctx, tx, drainSuspects("", sqliteNumbered), l.own.run, l.own.shard.Index, l.own.shard.Of); err != nil {
			return false, err
		}
	}
	result, err := tx.ExecContext(ctx, `UPDATE runs SET finished_at = coalesce(finished_at, ?3)
		WHERE run = ?1 AND coalesce(shards, 0) = 0
		AND ?2 = (SELECT count(*) FROM shards s WHERE s.run = ?1 AND s."of" = ?2 AND s.drained_at IS NOT NULL)`,
		l.own.run, l.own.shard.Of, now)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// Release implements Lease.
func (l *sqliteLease) Release(ctx context.Context) error {
	defer l.unlock()
	err := l.giveBack("release", func() error {
		return l.s.transact(ctx, l.own.name("release"), func(tx *sql.Tx) error {
			if l.own.suspects {
				if err := execAll(ctx, tx, releaseSuspects("", sqliteNumbered), l.own.args()...); err != nil {
					return err
				}
			}
			return l.updateIn(ctx, tx, "UPDATE shards SET expires_at = NULL"+ownRow)
		})
	})
	if errors.Is(err, ErrFenced) || errors.Is(err, errReleased) {
		return nil
	}
	return err
}

// unlock ends the lease and frees the file, once: afterwards it may be another's.
func (l *sqliteLease) unlock() {
	l.stop()
	l.once.Do(l.file.unlock)
}
