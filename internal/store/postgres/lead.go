package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// leadership is the advisory lock "shoal lead RUN" of one connection, whose application_name names
// its owner. A killed leader's lock is free when the server notices that it has gone, at once on
// the same machine.
type leadership struct {
	p          *Store
	run, owner string
	conn       *session
}

func leadLock(run string) string { return "shoal lead " + run }

// Lead implements [store.Leaders].
func (p *Store) Lead(ctx context.Context, run, owner string, waiting func(sentence string)) (store.Leadership, error) {
	l := &leadership{p: p, run: run, owner: owner}
	l.conn = newSession(nil, l.dial)
	err := leasing.Lead(ctx, run, waiting, func() (leads bool, who string, err error) {
		err = l.Keep(ctx)
		var led *ledBy
		if errors.As(err, &led) {
			return false, led.who, nil
		}
		return err == nil, "", err
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// ledBy is the error of a process that does not lead.
type ledBy struct{ run, who string }

func (l *ledBy) Error() string { return fmt.Sprintf("run %s is led by %s", l.run, l.who) }

func (l *ledBy) Unwrap() error { return store.ErrHeld }

// dial connects and takes the lock.
func (l *leadership) dial(ctx context.Context) (*pgx.Conn, error) {
	conn, err := l.p.connect(ctx, "leads as "+l.owner)
	if err != nil {
		return nil, err
	}
	var ok bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", leadLock(l.run)).Scan(&ok); err == nil && !ok {
		err = &ledBy{l.run, l.leader(ctx, conn)}
		hangUp(conn)
		return nil, err
	} else if err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// leader names the holder of the lock.
func (l *leadership) leader(ctx context.Context, conn *pgx.Conn) string {
	who := "another coordinator"
	var name, since string
	err := conn.QueryRow(ctx, `SELECT application_name, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') FROM pg_stat_activity
		WHERE pid IN (`+fmt.Sprintf(lockHolders, "$1")+`) LIMIT 1`, leadLock(l.run)).Scan(&name, &since)
	if err != nil { // it has just gone
		return who
	}
	if _, owner, ok := strings.Cut(name, "leads as "); ok {
		who = owner
	}
	return who + " since " + since
}

// Keep implements [store.Leadership].
func (l *leadership) Keep(ctx context.Context) error {
	err := l.conn.do(ctx, takeLimit, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	})
	var led *ledBy
	if errors.As(err, &led) {
		return led
	}
	return classify("lead run "+l.run, err)
}

// Close implements [store.Leadership].
func (l *leadership) Close() { l.conn.close() }
