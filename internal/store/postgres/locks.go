package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/harvest"
	"shoal/internal/store/internal/leasing"
)

// The advisory locks, as the texts that PostgreSQL hashes to their 64-bit keys:
//
//	shoal run RUN                   held in a transaction that takes or drains a shard of the run
//	shoal lease RUN I/N TOKEN       held by the lease connection of the token's owner while it lives
//	shoal land RUN I/N TOKEN        held by the landing connection of the token's owner
//
// A row has the last owner of a shard; the lease lock shows that the owner's process is alive. The
// server frees it when that process dies, which is why a killed worker's shard need not wait for
// the ttl.
type lockKind string

const (
	runLock   lockKind = "run"
	leaseLock lockKind = "lease"
	landLock  lockKind = "land"
)

func lockText(kind lockKind, o leasing.Ownership) string {
	return fmt.Sprintf("shoal %s %s %s %d", kind, o.Run, o.Shard, o.Token)
}

// lockHolders yields the backends of this database that hold the advisory lock whose text is %s.
const lockHolders = `SELECT l.pid FROM pg_locks l, hashtextextended(%s, 0) k
	WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND l.classid::bigint = (k >> 32) & 4294967295 AND l.objid::bigint = k & 4294967295`

// lookSQL reads the leases of a run that were not given back: that of the shard, and those of
// shards of another N. Only the server's clock decides what has lapsed.
var lookSQL = `SELECT s.shard, s.of, s.token, coalesce(s.owner, ''), to_timestamp(s.token / 1e6),
		coalesce(s.renewed_at, to_timestamp(0)), clock_timestamp(),
		s.expires_at < clock_timestamp()
		OR NOT EXISTS (` + fmt.Sprintf(lockHolders, `'shoal lease ' || s.run || ' ' || s.shard || '/' || s.of || ' ' || s.token`) + `)
	FROM shoal.shards s
	WHERE s.run = $1 AND s.expires_at IS NOT NULL AND (s.of <> $3 OR s.shard = $2)
	ORDER BY s.of, s.shard`

func look(ctx context.Context, conn *pgx.Conn, run string, shard harvest.Shard) ([]leasing.HeldLease, error) {
	rows, err := conn.Query(ctx, lookSQL, run, shard.Index, shard.Of)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (leasing.HeldLease, error) {
		l := leasing.HeldLease{Holder: leasing.Holder{Run: run}}
		err := row.Scan(&l.Shard.Index, &l.Shard.Of, &l.Token, &l.Owner, &l.Since, &l.Renewed, &l.Now, &l.Loose)
		return l, err
	})
}

// endHolders ends the backends, other than our own, that hold the lock of that kind. A ghost, whose
// client is frozen or cut off, may sit in an open transaction for ever and block every worker that
// lands the same keys. It does not end backends of another role.
func endHolders(ctx context.Context, conn *pgx.Conn, kind lockKind, owners ...leasing.Ownership) error {
	for _, o := range owners {
		_, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE usename = current_user AND pid <> pg_backend_pid() AND pid IN (`+fmt.Sprintf(lockHolders, "$1")+`)`, lockText(kind, o))
		if err != nil {
			return err
		}
	}
	return nil
}

// leaseConn makes a connection outside of the pool for one of the two lock kinds.
func (p *Store) leaseConn(ctx context.Context, kind lockKind, o leasing.Ownership, ttl time.Duration) (*pgx.Conn, error) {
	conn, err := p.connect(ctx, fmt.Sprintf("%s %s %s", kind, o.Run, o.Shard))
	if err != nil {
		return nil, err
	}
	// They are not among the start-up parameters, which a pooler may refuse. Keepalives are tighter
	// than those of the pool: the other end of a cut line should give way about as fast as a dead
	// process.
	_, err = conn.Exec(ctx, `SELECT set_config(name, value, false) FROM (VALUES
		('lock_timeout', '1s'),
		('idle_in_transaction_session_timeout', $1),
		('synchronous_commit', 'on'),
		('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3')
		) s (name, value)`, fmt.Sprintf("%dms", max(ttl.Milliseconds(), 1)))
	if err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// lockRun makes takes and drains of one run follow one another.
func lockRun(ctx context.Context, tx pgx.Tx, run string) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, fmt.Sprintf("shoal %s %s", runLock, run))
	return err
}

func tryLock(ctx context.Context, conn *pgx.Conn, kind lockKind, o leasing.Ownership) (ok bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, lockText(kind, o)).Scan(&ok)
	return ok, err
}

// codeLockTimeout is the SQLSTATE of a lock_timeout that has passed.
const codeLockTimeout = "55P03"
