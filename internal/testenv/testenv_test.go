package testenv_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shoal/internal/testenv"
)

func TestRedisLosesAllWhenKilledAndComesBackOnItsPort(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	c := s.Client(t)
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("Ping() after Kill = nil, want an error")
	}
	s.Start()
	if n, err := c.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("DBSize() after a restart = %d, %v, want 0, nil", n, err)
	}
}

func TestRedisKeepsItsKeysWithAnAppendOnlyFile(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	c := s.Client(t)
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Start()
	if got, err := c.Get(t.Context(), "k").Result(); got != "v" {
		t.Errorf("Get(k) after a restart = %q, %v, want v", got, err)
	}
}

func TestRedisAnswersNothingWhileFrozen(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var timeout net.Error
	if err := s.Client(t).Ping(ctx).Err(); !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &timeout) && timeout.Timeout()) {
		t.Errorf("Ping() while frozen = %v, want a timeout", err)
	}
	s.Thaw()
	if err := s.Client(t).Ping(t.Context()).Err(); err != nil {
		t.Errorf("Ping() after Thaw = %v, want nil", err)
	}
}

func TestPostgresGivesEachTestADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := connect(t, testenv.Postgres(t).URL), connect(t, testenv.Postgres(t).URL)
	if _, err := a.Exec(t.Context(), "CREATE TABLE seen (n int)"); err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := b.QueryRow(t.Context(), "SELECT to_regclass('seen') IS NOT NULL").Scan(&there); err != nil || there {
		t.Errorf("the table of one test is there in another = %v, %v, want false, nil", there, err)
	}
}

func TestOwnPostgresKeepsWhatWasCommittedWhenKilled(t *testing.T) {
	t.Parallel()
	s := testenv.OwnPostgres(t, "max_connections=17")
	if _, err := connect(t, s.URL).Exec(t.Context(), "CREATE TABLE seen AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if _, err := pgx.Connect(t.Context(), s.URL); err == nil {
		t.Error("Connect() after Kill = nil, want an error")
	}
	s.Start()
	s.Stop()
	s.Start()
	var n int
	var most string
	err := connect(t, s.URL).QueryRow(t.Context(), "SELECT n, current_setting('max_connections') FROM seen").Scan(&n, &most)
	if err != nil || n != 42 || most != "17" {
		t.Errorf("after two restarts n, max_connections = %d, %s, %v, want 42, 17, nil", n, most, err)
	}
}

func TestOwnPostgresAnswersNothingWhileFrozen(t *testing.T) {
	t.Parallel()
	s := testenv.OwnPostgres(t)
	conn := connect(t, s.URL)
	s.Freeze()
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT 1")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("Exec() while frozen = %v, want no answer", err)
	case <-time.After(200 * time.Millisecond):
	}
	s.Thaw()
	if err := <-answered; err != nil {
		t.Errorf("Exec() after Thaw = %v, want nil", err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
