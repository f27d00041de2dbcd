package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store/internal/leasing"
)

// session is one connection outside of the pool that is made again if it was lost. It serves one
// caller at a time.
type session struct {
	turn chan struct{} // holds one value while no caller is served
	conn *pgx.Conn     // nil when there is none
	dial func(ctx context.Context) (*pgx.Conn, error)
}

func newSession(conn *pgx.Conn, dial func(ctx context.Context) (*pgx.Conn, error)) *session {
	s := &session{turn: make(chan struct{}, 1), conn: conn, dial: dial}
	s.turn <- struct{}{}
	return s
}

// do calls f with the connection, which it makes first if there is none. All of it takes at most
// limit, not counting the wait for other callers: the end of limit closes the connection.
func (s *session) do(ctx context.Context, limit time.Duration, f func(ctx context.Context, conn *pgx.Conn) error) error {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if s.conn != nil && s.conn.IsClosed() {
		s.conn = nil
	}
	if s.conn == nil {
		conn, err := s.dial(ctx)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	err := f(ctx, s.conn)
	// A transaction that f could not end would continue with the next caller.
	if !s.conn.IsClosed() && s.conn.PgConn().TxStatus() != 'I' {
		hangUp(s.conn)
	}
	return err
}

// close waits for the caller that is being served, then closes the connection for good.
func (s *session) close() {
	<-s.turn
	if s.conn != nil {
		hangUp(s.conn)
	}
	s.conn, s.dial = nil, func(context.Context) (*pgx.Conn, error) { return nil, leasing.ErrReleased }
	s.turn <- struct{}{}
}

// hangUp closes a connection without waiting long for a server that may be gone; the server frees
// its locks as soon as it notices.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the connection is not used any more, however it ends
}
