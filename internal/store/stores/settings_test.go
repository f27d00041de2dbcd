package stores_test

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

// An error that only another --store or a change at the server fixes is distinguished from what
// goes away by itself, and in words.
func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t).URL
	foreign := testenv.Postgres(t).URL
	execPostgres(t, foreign, "CREATE SCHEMA shoal", "CREATE TABLE shoal.schema_version (something text)")
	address, database, _ := strings.Cut(strings.TrimPrefix(url, "postgres://shoal@"), "/")
	database, _, _ = strings.Cut(database, "?")
	for name, c := range map[string]struct{ url, want string }{
		"no scheme":            {"postgres", "starts with neither"},
		"another scheme":       {"mysql://h/db", "starts with neither"},
		"unparsable":           {"postgres://u:s3cr3t%zz@127.0.0.1/db", "does not have the form"},
		"bad sslmode":          {"postgres://u:s3cr3t@127.0.0.1/db?sslmode=verify", "verify-full"},
		"no such authority":    {"postgres://u:s3cr3t@127.0.0.1/db?sslmode=verify-full&sslrootcert=/no/such.pem", "sslrootcert"},
		"a server without TLS": {"postgres://shoal:s3cr3t@" + address + "/" + database + "?sslmode=require", "no TLS"},
		"no such role":         {"postgres://nobody:s3cr3t@" + address + "/" + database, "check user and password"},
		"no such database":     {"postgres://shoal:s3cr3t@" + address + "/nowhere", "no such database"},
		"foreign tables":       {foreign, "give a database of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stores.Open(t.Context(), c.url, store.Options{})
			if !errors.Is(err, store.ErrSettings) || errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Open(%s) = %v, want ErrSettings with …%s…", name, err, c.want)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("Open(%s) shows the password: %v", name, err)
			}
		})
	}
}
