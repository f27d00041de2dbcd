package postgres

import (
	"testing"
)

// Without sslmode another machine is reached by verified TLS; an explicit sslmode counts, and this
// machine needs none.
func TestSSLModeOfAnotherMachine(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	for _, row := range []struct {
		url              string
		chosen, verified bool
		warned           bool
	}{
		{"postgres://me:pw@db.example/shoal", true, true, false},
		{"postgres://me:pw@db.example/shoal?application_name=x", true, true, false},
		{"postgres://me:pw@127.0.0.1,db.example/shoal", true, true, false},
		{"postgres://me:pw@[2001:db8::1]:5432/shoal", true, true, false},
		{"postgres://me:pw@db.example/shoal?sslmode=require", false, false, true},
		{"postgres://me:pw@db.example/shoal?sslmode=prefer", false, false, true},
		{"postgres://me:pw@db.example/shoal?sslmode=disable", false, false, false},
		{"postgres://me:pw@db.example/shoal?sslmode=verify-full", false, true, false},
		{"postgres://me:pw@127.0.0.1/shoal", false, false, false},
		{"postgres://me:pw@localhost/shoal?sslmode=require", false, false, false},
		{"postgres:///shoal?host=/run/postgresql", false, false, false},
	} {
		config, chosen, err := parseSafely(row.url)
		if err != nil {
			t.Errorf("parseSafely(%s) = %v", row.url, err)
			continue
		}
		conn := config.ConnConfig
		verified := conn.TLSConfig != nil && !conn.TLSConfig.InsecureSkipVerify && len(conn.Fallbacks) == map[bool]int{true: 1}[row.url == "postgres://me:pw@127.0.0.1,db.example/shoal"]
		if chosen != row.chosen || verified != row.verified || acceptsAnyCertificate(conn) != row.warned {
			t.Errorf("parseSafely(%s): chosen %t, verified %t, warned %t; want %t, %t, %t", row.url, chosen, verified, acceptsAnyCertificate(conn), row.chosen, row.verified, row.warned)
		}
	}
}
