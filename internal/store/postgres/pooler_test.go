package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/testenv"
)

func TestTransactionPoolerIsRefused(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"last in first out", "round robin"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			url := startPooler(t, testenv.Postgres(t).URL, &pooler{shares: true, roundRobin: order == "round robin"})
			_, err := postgres.Open(t.Context(), url, store.Options{})
			if !errors.Is(err, store.ErrUnsafe) || errors.Is(err, store.ErrUnavailable) || !mentions(err, "pooler", "pool_mode = session") {
				t.Errorf("Open(through a transaction pooler) = %v, want ErrUnsafe that names pool_mode = session", err)
			}
		})
	}
}

func TestSessionPoolerIsLetThrough(t *testing.T) {
	t.Parallel()
	openRun(t, startPooler(t, testenv.Postgres(t).URL, &pooler{}))
}

// pooler is a small PgBouncer: it invents the pid that a client gets, and gives a client a server
// for one transaction (shares) or for its whole session.
type pooler struct {
	shares, roundRobin bool

	target string
	mu     sync.Mutex
	idle   []*pgconn.HijackedConn
}

// startPooler serves clients until the end of the test and returns the URL to reach the target
// through it. It begins with a few idle servers, as one that has been busy does.
func startPooler(t *testing.T, target string, p *pooler) string {
	t.Helper()
	p.target = target
	for range 3 {
		server, err := p.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.idle = append(p.idle, server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			clients.Go(func() {
				stop := context.AfterFunc(ctx, func() { _ = client.Close() })
				defer stop()
				defer client.Close()
				p.serve(ctx, client)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		clients.Wait()
		for _, server := range p.idle {
			_ = server.Conn.Close()
		}
	})
	at := strings.Index(target, "@")
	slash := strings.LastIndex(target, "/")
	return fmt.Sprintf("%s@%s%s?sslmode=disable", target[:at], listener.Addr(), target[slash:])
}

func (p *pooler) dial(ctx context.Context) (*pgconn.HijackedConn, error) {
	conn, err := pgconn.Connect(ctx, p.target)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

func (p *pooler) take(ctx context.Context) (*pgconn.HijackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return p.dial(ctx)
	}
	next := len(p.idle) - 1
	if p.roundRobin {
		next = 0
	}
	server := p.idle[next]
	p.idle = append(p.idle[:next:next], p.idle[next+1:]...)
	return server, nil
}

func (p *pooler) give(server *pgconn.HijackedConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, server)
}

// serve is one client's session.
func (p *pooler) serve(ctx context.Context, client net.Conn) {
	backend := pgproto3.NewBackend(client, client)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	for _, m := range []pgproto3.BackendMessage{
		&pgproto3.AuthenticationOk{}, &pgproto3.ParameterStatus{Name: "server_version", Value: "15.0"},
		&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"}, &pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"},
		&pgproto3.BackendKeyData{ProcessID: 4_000_000_000, SecretKey: []byte{1, 2, 3, 4}}, &pgproto3.ReadyForQuery{TxStatus: 'I'},
	} {
		backend.Send(m)
	}
	if backend.Flush() != nil {
		return
	}
	var server *pgconn.HijackedConn
	defer func() {
		if server != nil {
			_ = server.Conn.Close()
		}
	}()
	for {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		if server == nil {
			if server, err = p.take(ctx); err != nil {
				return
			}
		}
		idle, err := forward(backend, server, message)
		if err != nil {
			return
		}
		if idle && p.shares {
			p.give(server)
			server = nil
		}
	}
}

// forward passes a message on, and the answers back if the message asks for them; idle reports that
// the server is out of any transaction.
func forward(backend *pgproto3.Backend, server *pgconn.HijackedConn, message pgproto3.FrontendMessage) (idle bool, err error) {
	server.Frontend.Send(message)
	switch message.(type) {
	case *pgproto3.Query, *pgproto3.Sync:
	case *pgproto3.Terminate:
		return false, errors.New("the client leaves")
	default:
		return false, nil
	}
	if err := server.Frontend.Flush(); err != nil {
		return false, err
	}
	for {
		answer, err := server.Frontend.Receive()
		if err != nil {
			return false, err
		}
		backend.Send(answer)
		if ready, ok := answer.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus == 'I', backend.Flush()
		}
	}
}
