package postgres

import (
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// parseSafely parses a URL. If it has no sslmode and names another machine, it is verify-full: the
// driver's own default, prefer, sends password and data in the clear to a server that claims not to
// support TLS.
func parseSafely(text string) (config *pgxpool.Config, chosen bool, err error) {
	config, err = pgxpool.ParseConfig(text)
	if err != nil || saysSSLMode(text) || !leavesMachine(config.ConnConfig) {
		return config, false, err
	}
	address, fragment, _ := strings.Cut(text, "#")
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	config, err = pgxpool.ParseConfig(address + separator + "sslmode=verify-full" + fragment)
	return config, true, err
}

func saysSSLMode(text string) bool {
	u, err := url.Parse(text)
	return os.Getenv("PGSSLMODE") != "" || err != nil || u.Query().Has("sslmode") || u.Query().Has("service") || os.Getenv("PGSERVICE") != ""
}

// leavesMachine reports whether one of the configured hosts is another machine.
func leavesMachine(config *pgx.ConnConfig) bool {
	return !isHere(config.Host) || slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return !isHere(f.Host) })
}

func isHere(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// acceptsAnyCertificate reports whether a connection to another machine is encrypted and yet open
// to a man in the middle: sslmode require, and prefer and allow if the server supports TLS.
func acceptsAnyCertificate(config *pgx.ConnConfig) bool {
	weak := func(host string, t *pgconn.FallbackConfig) bool {
		return !isHere(host) && t.TLSConfig != nil && t.TLSConfig.InsecureSkipVerify && t.TLSConfig.VerifyPeerCertificate == nil
	}
	return weak(config.Host, &pgconn.FallbackConfig{TLSConfig: config.TLSConfig}) ||
		slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return weak(f.Host, f) })
}
