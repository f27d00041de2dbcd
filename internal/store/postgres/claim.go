package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// takeLimit bounds connecting for a take, and one look or one take, on the client's side.
const takeLimit = 10 * time.Second

// noticed is how long a server may need to notice that an owner was killed: for so long a claim
// that does not wait does not believe that the owner is alive.
const noticed = 100 * time.Millisecond

// Claim implements [store.Leases].
func (p *Store) Claim(ctx context.Context, c store.Claim) (*store.Lease, error) {
	c = leasing.WithTTL(c, p.ttl)
	t := &taker{p: p, Claiming: leasing.Claiming{Claim: c}, watch: leasing.Watch{Apart: c.TTL / 2}}
	lease, err := t.claim(ctx)
	if err != nil {
		return nil, wrapClaim(c, err)
	}
	return lease, nil
}

// taker is one Claim under way, on one connection.
type taker struct {
	leasing.Claiming
	p     *Store
	conn  *pgx.Conn
	watch leasing.Watch
	gen   string
	any   bool // whichever shard is free and not drained
}

func (t *taker) claim(ctx context.Context) (*store.Lease, error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	t.conn = conn
	lease, err := t.wait(ctx)
	if err != nil {
		hangUp(conn)
		return nil, err
	}
	return lease, nil
}

func (t *taker) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	return t.p.leaseConn(ctx, leaseLock, leasing.Ownership{Run: t.Run, Shard: t.Shard}, t.TTL)
}

// wait looks again and again until no owner is in the way.
func (t *taker) wait(ctx context.Context) (*store.Lease, error) {
	for looks := 1; ; looks++ {
		inWay, again, err := t.look(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case len(inWay) == 0:
			lease, err := t.take(ctx)
			if lease != nil || err != nil {
				return lease, err
			}
			again = time.Millisecond // another process came first, or holds a lock: look which
		case t.NoWait && looks == 1:
			again = noticed
		default:
			if err := t.Report(inWay); err != nil {
				return nil, err
			}
		}
		if poll := t.TTL / 6; again == 0 || again > poll {
			again = poll
		}
		if err := leasing.Pause(ctx, again); err != nil {
			return nil, err
		}
	}
}

// look is one look without a lock, so that waiting claims do not disturb others.
func (t *taker) look(ctx context.Context) (inWay []leasing.HeldLease, again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	asked := time.Now()
	found, err := look(ctx, t.conn, t.Run, t.Shard)
	if err != nil {
		return nil, 0, err
	}
	inWay, again = t.watch.Look(found, asked, time.Now())
	return inWay, again, nil
}

// take is the one transaction that makes the shard ours; both results are nil if another process
// came first.
func (t *taker) take(ctx context.Context) (*store.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, takeLimit)
	defer cancel()
	var own leasing.Ownership
	var old []leasing.Ownership
	err := pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) (err error) {
		own, old, err = t.takeIn(ctx, tx)
		return err
	})
	if errors.Is(err, errInWay) || codeOf(err) == codeLockTimeout {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// It is done once more, now that the old tokens are void: a ghost may have connected again
	// during the take.
	if err := endHolders(ctx, t.conn, landLock, old...); err != nil {
		return nil, err
	}
	return t.p.startLease(own, t.TTL, t.conn, t.gen).handle(), nil
}

// errInWay ends the transaction of a take that came too late.
var errInWay = errors.New("another process came first")

// takeIn makes the second look under lock and, if it still finds the shard free, writes the new
// token. It returns the new ownership and those that it ended.
func (t *taker) takeIn(ctx context.Context, tx pgx.Tx) (own leasing.Ownership, old []leasing.Ownership, err error) {
	// All takes of a run go one after the other, else two of different N would miss each other.
	if err := lockRun(ctx, tx, t.Run); err != nil {
		return own, nil, err
	}
	if t.gen, err = t.p.fingerprint(ctx, tx, t.Run); err != nil {
		return own, nil, err
	}
	if err := t.lockRows(ctx, tx); err != nil {
		return own, nil, err
	}
	// Statements see what was committed before they began, so this one comes after the locks.
	asked := time.Now()
	found, err := look(ctx, tx.Conn(), t.Run, t.Shard)
	if err != nil {
		return own, nil, err
	}
	seen := t.watch // a look at one shard leaves the sightings of others as they are
	if inWay, _ := seen.Look(found, asked, time.Now()); len(inWay) > 0 {
		return own, nil, errInWay
	}
	own = leasing.Ownership{Run: t.Run, Shard: t.Shard}
	last := own
	// The clock in the token keeps it growing over a restore from an older backup.
	var drained bool
	err = tx.QueryRow(ctx, `SELECT token, greatest(token + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), drained_at IS NOT NULL
		FROM shoal.shards WHERE run = $1 AND shard = $2 AND of = $3`, t.Run, t.Shard.Index, t.Shard.Of).Scan(&last.Token, &own.Token, &drained)
	switch {
	case err != nil:
		return own, nil, err
	case drained && t.any:
		return own, nil, errInWay
	}
	if own.Suspects, err = t.countCrash(ctx, tx); err != nil {
		return own, nil, err
	}
	old = append(old, last)
	for _, l := range found {
		if l.Shard != t.Shard {
			old = append(old, leasing.Ownership{Run: t.Run, Shard: l.Shard, Token: l.Token})
		}
	}
	// Before the commit too: if we die right after it, the next taker would not know the old
	// tokens.
	if err := endHolders(ctx, tx.Conn(), landLock, old...); err != nil {
		return own, nil, err
	}
	return own, old, t.write(ctx, tx, own, old[1:])
}

func (t *taker) lockRows(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO shoal.shards (run, shard, of) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		t.Run, t.Shard.Index, t.Shard.Of)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT FROM shoal.shards WHERE run = $1 AND (shard = $2 AND of = $3 OR of <> $3 AND expires_at IS NOT NULL)
		ORDER BY of, shard FOR UPDATE`, t.Run, t.Shard.Index, t.Shard.Of)
	return err
}

// write locks the new token before any other process can see it, so that no look finds it loose,
// and voids the dead leases of other Ns: an owner of one that only slept must not come back beside
// us.
func (t *taker) write(ctx context.Context, tx pgx.Tx, own leasing.Ownership, others []leasing.Ownership) error {
	if ok, err := tryLock(ctx, tx.Conn(), leaseLock, own); err != nil {
		return err
	} else if !ok {
		return errInWay
	}
	for _, o := range others {
		_, err := tx.Exec(ctx, `UPDATE shoal.shards SET token = token + 1, expires_at = NULL WHERE run = $1 AND shard = $2 AND of = $3`,
			o.Run, o.Shard.Index, o.Shard.Of)
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE shoal.shards SET token = $4, owner = $5, renewed_at = clock_timestamp(),
			expires_at = clock_timestamp() + $6::interval, drained_at = NULL
		WHERE run = $1 AND shard = $2 AND of = $3`, own.Run, own.Shard.Index, own.Shard.Of, own.Token, t.Owner, t.TTL)
	return err
}
