package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
)

// poolerRounds is how often refusePooler looks whether its session moved. A pooler that hands out
// its most recently used server moves it in the first round, one that goes round robin as soon as
// the round comes by.
const poolerRounds = 6

// refusePooler ends the start if a pooler shares sessions between clients (transaction or statement
// pooling): any client could then hold the locks and settings of a lease. A pooler that keeps a
// session for one client (session pooling) is accepted.
//
// A server sends each client the pid of its session at the start; behind a pooler that pid is
// invented by the pooler. Only then it is worth looking closer: does a session that sits idle
// between two statements keep its server while another client uses one?
func (p *Store) refusePooler(ctx context.Context) error {
	pooled, err := p.pool.Acquire(ctx)
	if err != nil {
		return classify("connect to the store", err)
	}
	defer pooled.Release()
	first := pooled.Conn()
	pid, err := backend(ctx, first)
	if err != nil || pid == first.PgConn().PID() {
		return err
	}
	for range poolerRounds {
		second, err := p.connect(ctx, "start")
		if err != nil {
			return err
		}
		defer second.Close(context.WithoutCancel(ctx))
		moved, err := sharesServer(ctx, first, second, pid)
		if err != nil {
			return err
		}
		if moved {
			return fmt.Errorf("%w: a pooler in transaction or statement mode stands before PostgreSQL: a lease needs a session of its own; "+
				"give the server's own address in --store, or set pool_mode = session in PgBouncer", store.ErrUnsafe)
		}
	}
	return nil
}

// sharesServer reports whether first loses its server, which had pid, while second keeps one busy.
// second's transaction stays open until its connection is closed, so that the next round finds that
// server taken.
func sharesServer(ctx context.Context, first, second *pgx.Conn, pid uint32) (bool, error) {
	if _, err := second.Exec(ctx, "BEGIN"); err != nil {
		return false, classify("look for a pooler", err)
	}
	other, err := backend(ctx, second)
	if err != nil || other == pid {
		return other == pid, err
	}
	again, err := backend(ctx, first)
	return again != pid, err
}

func backend(ctx context.Context, conn *pgx.Conn) (uint32, error) {
	var pid uint32
	// The simple protocol, because a pooler may lose prepared statements.
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, classify("look for a pooler", err)
}
