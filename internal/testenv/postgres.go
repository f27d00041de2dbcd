package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a database for one test, and if it came from [OwnPostgres] the cluster around
// it too. Its methods belong to the goroutine of that test.
type PostgresServer struct {
	// URL is postgres://shoal@127.0.0.1:PORT/DATABASE with the rights of a superuser and no
	// password.
	URL string

	t testing.TB
	// own is nil if the cluster is shared.
	own *cluster
}

// shared starts the cluster that all tests of this process share, once. It is a process-wide value
// because no other place in the test binary outlives one test; its leash ends it with the process.
var shared = sync.OnceValues(func() (string, error) {
	if url := os.Getenv("SHOAL_TEST_PG_URL"); url != "" {
		return url, nil
	}
	url, _, err := Cluster()
	return url, err
})

// Cluster starts a cluster that several test processes may share: they find it by
// SHOAL_TEST_PG_URL. It returns the URL of a superuser, and a function that stops the cluster; the
// cluster ends with this process at the latest.
func Cluster() (url string, stop func(), err error) {
	c, err := newCluster("fsync=off", "full_page_writes=off")
	if err != nil {
		return "", nil, err
	}
	return c.url(), c.remove, nil
}

// Postgres makes an empty database for t and drops it when t ends. It lies in a cluster that other
// tests use at the same time: the one that SHOAL_TEST_PG_URL names, else one that is started once
// per test process. To kill or freeze a server use [OwnPostgres].
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	admin, err := shared()
	if err != nil {
		giveUp(t, err)
	}
	name := "t_" + strings.ToLower(rand.Text())[:16]
	if err := execute(admin, "CREATE DATABASE "+name); err != nil {
		giveUp(t, err)
	}
	t.Cleanup(func() {
		// FORCE, because a test about lost connections may leave some behind.
		if err := execute(admin, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	u, err := url.Parse(admin)
	if err != nil {
		giveUp(t, fmt.Errorf("read SHOAL_TEST_PG_URL: %w", err))
	}
	u.Path = "/" + name
	return &PostgresServer{URL: u.String(), t: t}
}

func execute(url, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the test cluster: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// OwnPostgres starts a cluster only for t and stops it when t ends. conf holds settings as
// "name=value"; they override ours: fsync=off (a killed process loses nothing by it, only a killed
// machine does) and max_connections=200.
func OwnPostgres(t testing.TB, conf ...string) *PostgresServer {
	t.Helper()
	c, err := newCluster(append([]string{"fsync=off"}, conf...)...)
	if err != nil {
		giveUp(t, err)
	}
	t.Cleanup(c.remove)
	return &PostgresServer{URL: c.url(), t: t, own: c}
}

func (s *PostgresServer) cluster() *cluster {
	s.t.Helper()
	if s.own == nil {
		s.t.Fatalf("testenv: this cluster is shared with other tests: take OwnPostgres to kill, stop or freeze one")
	}
	return s.own
}

// Kill ends the postmaster and all its backends with SIGKILL and returns when they are gone.
func (s *PostgresServer) Kill() { s.t.Helper(); s.cluster().proc.kill() }

// Stop ends the cluster as a fast shutdown does: open transactions are rolled back.
func (s *PostgresServer) Stop() { s.t.Helper(); s.cluster().stop() }

// Start starts a killed or stopped cluster again on its port, with its data.
func (s *PostgresServer) Start() {
	s.t.Helper()
	c := s.cluster()
	if c.proc.running() {
		s.t.Fatalf("testenv: start PostgreSQL on port %d: it runs", c.port)
	}
	if err := c.start(); err != nil {
		s.t.Fatalf("testenv: start PostgreSQL again: %v", err)
	}
}

// Freeze stops the postmaster and all its backends with SIGSTOP: connections stay open, but get no
// answer.
func (s *PostgresServer) Freeze() {
	s.t.Helper()
	if err := s.cluster().proc.freeze(); err != nil {
		s.t.Fatalf("testenv: freeze PostgreSQL: %v", err)
	}
}

// Thaw lets a frozen cluster continue.
func (s *PostgresServer) Thaw() { s.t.Helper(); s.cluster().proc.thaw() }
