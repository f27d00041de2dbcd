package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// shardLease is a lease of a store on one machine. The locked file keeps others out: the system
// frees it at the moment when the process dies, and a frozen process keeps it. The row shows people
// which process is at work, and its token fences as it does in PostgreSQL.
type shardLease struct {
	*leasing.State
	s    *Store
	file *shardFile
	turn sync.Mutex // nothing renews what is being given back
	once sync.Once  // of unlock
}

func (s *Store) startLease(own leasing.Ownership, ttl time.Duration, file *shardFile, gen string) *shardLease {
	l := &shardLease{State: leasing.NewState(own, ttl, gen), s: s, file: file}
	l.KeepAlive(l.renew)
	return l
}

// renew keeps the row fresh for its readers; a process that does not renew still keeps its shard.
func (l *shardLease) renew(ctx context.Context) (gen string, err error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.Check(); err != nil {
		return "", err
	}
	now := time.Now()
	err = l.update(ctx, "renew", "UPDATE shards SET renewed_at = ?5, expires_at = ?6"+ownRow, stamp(now), stamp(now.Add(l.TTL)))
	if err != nil {
		return "", err
	}
	return l.s.Fingerprint(ctx, l.Own.Run)
}

// update changes the row only under our token.
func (l *shardLease) update(ctx context.Context, what, statement string, more ...any) error {
	return l.s.transact(ctx, l.Own.Name(what), func(tx *sql.Tx) error { return l.updateIn(ctx, tx, statement, more...) })
}

// ownRow ends a statement that updateIn runs.
const ownRow = ` WHERE run = ?1 AND shard = ?2 AND "of" = ?3 AND token = ?4`

func (l *shardLease) updateIn(ctx context.Context, tx *sql.Tx, statement string, more ...any) error {
	result, err := tx.ExecContext(ctx, statement, l.Own.Args(more...)...)
	if err != nil {
		return err
	}
	rows, err := result.RowsAffected()
	if err == nil && rows == 0 {
		return store.ErrFenced
	}
	return err
}

// Land implements [store.Lander].
func (l *shardLease) Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error) {
	if err := l.Check(); err != nil {
		return harvest.Counts{}, fmt.Errorf("%s: %w", l.Own.Name("land on"), err)
	}
	counts, err := l.s.land(ctx, l.Own, l.TTL, pages)
	return counts, l.Seen(err)
}

// Complete implements [store.Lander].
func (l *shardLease) Complete(ctx context.Context, rejected int64) (finished bool, err error) {
	err = l.giveBack("close", func() error {
		return l.s.transact(ctx, l.Own.Name("close"), func(tx *sql.Tx) error {
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
func (l *shardLease) giveBack(what string, write func() error) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := l.Check(); err != nil {
		return fmt.Errorf("%s: %w", l.Own.Name(what), err)
	}
	if err := write(); err != nil {
		return l.Seen(err)
	}
	l.Finish(leasing.ErrReleased)
	return nil
}

func (l *shardLease) drain(ctx context.Context, tx *sql.Tx, rejected int64) (finished bool, err error) {
	now := stamp(time.Now())
	if err := l.updateIn(ctx, tx, "UPDATE shards SET drained_at = ?5, rejected = ?6, expires_at = NULL"+ownRow, now, rejected); err != nil {
		return false, err
	}
	if l.Own.Suspects {
		if err := execAll(ctx, tx, dialect.DrainSuspects(), l.Own.Run, l.Own.Shard.Index, l.Own.Shard.Of); err != nil {
			return false, err
		}
	}
	result, err := tx.ExecContext(ctx, `UPDATE runs SET finished_at = coalesce(finished_at, ?3)
		WHERE run = ?1 AND coalesce(shards, 0) = 0
		AND ?2 = (SELECT count(*) FROM shards s WHERE s.run = ?1 AND s."of" = ?2 AND s.drained_at IS NOT NULL)`,
		l.Own.Run, l.Own.Shard.Of, now)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// Release implements [store.Lander].
func (l *shardLease) Release(ctx context.Context) error {
	defer l.unlock()
	err := l.giveBack("release", func() error {
		return l.s.transact(ctx, l.Own.Name("release"), func(tx *sql.Tx) error {
			if l.Own.Suspects {
				if err := execAll(ctx, tx, dialect.ReleaseSuspects(), l.Own.Args()...); err != nil {
					return err
				}
			}
			return l.updateIn(ctx, tx, "UPDATE shards SET expires_at = NULL"+ownRow)
		})
	})
	if errors.Is(err, store.ErrFenced) || errors.Is(err, leasing.ErrReleased) {
		return nil
	}
	return err
}

// unlock ends the lease and frees the file, once: afterwards it may be another's.
func (l *shardLease) unlock() {
	l.Stop()
	l.once.Do(l.file.unlock)
}
