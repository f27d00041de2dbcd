package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

const (
	// landLimit is how many ttls one attempt to land may take on the client's side: more than a
	// server needs that is frozen for a while, less than a person's patience with a dead one.
	landLimit = 10
	// minLimit is the shortest limit of one attempt to renew, for leases of a very short ttl.
	minLimit = time.Second
)

// shardLease is a lease in PostgreSQL: one connection renews, another lands, so that a long COPY
// does not starve renewal.
type shardLease struct {
	*leasing.State
	p       *Store
	renewer *session
	lander  *session
}

func (p *Store) startLease(own leasing.Ownership, ttl time.Duration, conn *pgx.Conn, gen string) *shardLease {
	l := &shardLease{State: leasing.NewState(own, ttl, gen), p: p}
	l.renewer = newSession(conn, l.dialRenewer)
	l.lander = newSession(nil, l.dialLander)
	l.KeepAlive(func(ctx context.Context) (gen string, err error) {
		err = l.renewer.do(ctx, max(ttl/3, minLimit), func(ctx context.Context, conn *pgx.Conn) error {
			if err := l.Check(); err != nil {
				return err
			}
			gen, err = l.renew(ctx, conn)
			return err
		})
		return gen, err
	})
	return l
}

// Land implements [store.Lander].
func (l *shardLease) Land(ctx context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	if err := l.Check(); err != nil {
		return counts, wrapOwn(l.Own, "land on", err)
	}
	err = l.lander.do(ctx, max(landLimit*l.TTL, takeLimit), func(ctx context.Context, conn *pgx.Conn) error {
		counts, err = l.p.land(ctx, conn, l.Own, l.TTL, pages)
		return err
	})
	return counts, l.Seen(err)
}

// renew lengthens the lease under the same token, however long ago it lapsed. It sets expires_at
// rather than moving it later, which corrects the row after a step of the server's clock.
func (l *shardLease) renew(ctx context.Context, conn *pgx.Conn) (gen string, err error) {
	tag, err := conn.Exec(ctx, `UPDATE shoal.shards SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + $5::interval
		WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4`, l.Own.Args(l.TTL)...)
	if err != nil {
		return "", err
	}
	if tag.RowsAffected() == 0 {
		return "", store.ErrFenced
	}
	return l.p.fingerprint(ctx, conn, l.Own.Run)
}

// dialRenewer makes a lost lease connection again. The lock comes before the renewal: the other way
// round a look between the two would find a renewed lease without a holder.
func (l *shardLease) dialRenewer(ctx context.Context) (*pgx.Conn, error) {
	return l.dial(ctx, leaseLock, l.renew)
}

// dialLander makes the landing connection. Once the lock is held a taker can find and end this
// backend, and only then is the token checked: an owner overtaken before that sees it here, and the
// taker ends one overtaken after it.
func (l *shardLease) dialLander(ctx context.Context) (*pgx.Conn, error) {
	return l.dial(ctx, landLock, l.confirm)
}

func (l *shardLease) dial(ctx context.Context, kind lockKind, then func(context.Context, *pgx.Conn) (string, error)) (*pgx.Conn, error) {
	conn, err := l.p.leaseConn(ctx, kind, l.Own, l.TTL)
	if err != nil {
		return nil, err
	}
	gen, err := l.enter(ctx, conn, kind, then)
	if err != nil {
		hangUp(conn)
		return nil, wrapOwn(l.Own, "get back the "+string(kind)+" lock of", err)
	}
	l.SetFingerprint(gen)
	return conn, nil
}

// enter gets the lock of our own token, which only a lost connection of ours can hold.
func (l *shardLease) enter(ctx context.Context, conn *pgx.Conn, kind lockKind, then func(context.Context, *pgx.Conn) (string, error)) (string, error) {
	for {
		ok, err := tryLock(ctx, conn, kind, l.Own)
		if err != nil {
			return "", err
		}
		if ok {
			return then(ctx, conn)
		}
		if err := endHolders(ctx, conn, kind, l.Own); err != nil {
			return "", err
		}
		if err := leasing.Pause(ctx, l.TTL/60); err != nil {
			return "", err
		}
	}
}

// confirm fails with ErrFenced unless the token is still ours.
func (l *shardLease) confirm(ctx context.Context, conn *pgx.Conn) (gen string, err error) {
	var ours bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM shoal.shards WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4)`,
		l.Own.Args()...).Scan(&ours)
	if err != nil {
		return "", err
	}
	if !ours {
		return "", store.ErrFenced
	}
	return l.p.fingerprint(ctx, conn, l.Own.Run)
}

// Complete implements [store.Lander].
func (l *shardLease) Complete(ctx context.Context, rejected int64) (finished bool, err error) {
	err = l.giveBack(ctx, "close", func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			finished, err = l.drain(ctx, tx, rejected)
			return err
		})
	})
	if err != nil {
		return false, err
	}
	l.hangUp()
	return finished, nil
}

// giveBack writes that the lease is over and, if that worked, ends it before it is renewed again.
func (l *shardLease) giveBack(ctx context.Context, what string, write func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := l.Check(); err != nil {
		return wrapOwn(l.Own, what, err)
	}
	err := l.renewer.do(ctx, takeLimit, func(ctx context.Context, conn *pgx.Conn) error {
		if err := write(ctx, conn); err != nil {
			return wrapOwn(l.Own, what, err)
		}
		l.Finish(leasing.ErrReleased)
		return nil
	})
	return l.Seen(err)
}

func (l *shardLease) drain(ctx context.Context, tx pgx.Tx, rejected int64) (finished bool, err error) {
	// They go one after the other, else the last two to drain would each miss the other and neither
	// would finish the run.
	if err := lockRun(ctx, tx, l.Own.Run); err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `UPDATE shoal.shards SET drained_at = clock_timestamp(), rejected = $5, expires_at = NULL
		WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4`, l.Own.Args(rejected)...)
	if err != nil {
		return false, err
	}
	if tag.RowsAffected() == 0 {
		return false, store.ErrFenced
	}
	if err := l.endSuspects(ctx, tx); err != nil {
		return false, err
	}
	// A run whose number of shards was fixed when it was opened is led by a coordinator, which
	// finishes it after it has verified it.
	tag, err = tx.Exec(ctx, `UPDATE shoal.runs SET finished_at = coalesce(finished_at, clock_timestamp())
		WHERE run = $1 AND coalesce(shards, 0) = 0
		AND $2::int = (SELECT count(*) FROM shoal.shards s WHERE s.run = $1 AND s.of = $2::int AND s.drained_at IS NOT NULL)`,
		l.Own.Run, l.Own.Shard.Of)
	return tag.RowsAffected() > 0, err
}

// Release implements [store.Lander].
func (l *shardLease) Release(ctx context.Context) error {
	defer l.hangUp()
	// The landing connection goes first: a landing that is still under way would renew what we
	// release.
	l.lander.close()
	err := l.giveBack(ctx, "release", func(ctx context.Context, conn *pgx.Conn) error {
		if err := l.giveBackSuspects(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `UPDATE shoal.shards SET expires_at = NULL
			WHERE run = $1 AND shard = $2 AND of = $3 AND token = $4`, l.Own.Args()...)
		return err
	})
	if errors.Is(err, store.ErrFenced) || errors.Is(err, leasing.ErrReleased) {
		return nil
	}
	return err
}

// hangUp ends the lease and gives its connections, and with them its locks, back.
func (l *shardLease) hangUp() {
	l.Stop()
	l.lander.close()
	l.renewer.close()
}
