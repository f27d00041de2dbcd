package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/testenv"
)

// A database that cannot hold every text is refused at once, with the command that makes a proper
// one.
func TestEncodingOfTheDatabase(t *testing.T) {
	t.Parallel()
	server := testenv.Postgres(t)
	admin, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	base, name := server.URL[:strings.LastIndex(server.URL, "/")+1], server.URL[strings.LastIndex(server.URL, "/")+1:]
	do := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s = %v", sql, err)
		}
	}
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		other := name + "_" + strings.ToLower(encoding)
		do("CREATE DATABASE " + other + " ENCODING '" + encoding + "' LOCALE 'C' TEMPLATE template0")
		_, err := postgres.Open(t.Context(), base+other, store.Options{})
		if !errors.Is(err, store.ErrUnsafe) || errors.Is(err, store.ErrUnavailable) || !mentions(err, encoding, "createdb", "UTF8") {
			t.Errorf("Open(a database in %s) = %v, want ErrUnsafe with what to do", encoding, err)
		}
		do("DROP DATABASE " + other + " WITH (FORCE)")
	}
	for _, query := range []string{"?client_encoding=LATIN1", "?client_encoding=SQL_ASCII"} {
		if _, err := postgres.Open(t.Context(), server.URL+query, store.Options{}); !errors.Is(err, store.ErrSettings) || !mentions(err, "client_encoding") {
			t.Errorf("Open(%s) = %v, want ErrSettings that names client_encoding", query, err)
		}
	}
	do("ALTER DATABASE " + name + " SET client_encoding = 'LATIN1'")
	opened, err := postgres.Open(t.Context(), server.URL, store.Options{})
	if err != nil {
		t.Fatalf("Open(a database whose clients are LATIN1) = %v, want UTF8 asked for", err)
	}
	_ = opened.Close()
}
