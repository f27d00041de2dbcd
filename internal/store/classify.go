package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"shoal/internal/harvest"
)

// SQLSTATEs that we act on.
const (
	codeUniqueViolation = "23505"
	codeCheckViolation  = "23514"
	codeDiskFull        = "53100"
	codePrivilege       = "42501"
)

// classify wraps an error of PostgreSQL once with the operation, and marks it by what may help: repeating
// (ErrUnavailable, ErrStoreFull) or a person. The caller's own end of patience is neither.
func classify(operation string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case isOurs(err):
		return fmt.Errorf("%s: %w", operation, err)
	case badCertificate(err):
		return fmt.Errorf("%s: %w: the server's certificate is not trusted: %s", operation, ErrUnsafe, harvest.ExplainTLS(err, "sslrootcert=FILE to the store URL, as --ca FILE is for the upstream"))
	case refusesTLS(err):
		return fmt.Errorf("%s: %w: the server speaks no TLS; switch it on there (sslmode is verify-full unless the URL says otherwise), or say sslmode=disable in the URL if the way to it is safe: %w",
			operation, ErrSettings, err)
	case !errors.As(err, &pg):
		// No answer of the server at all: connection refused, reset or closed, a limit of time.
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	case pg.Code == codeDiskFull:
		return fmt.Errorf("%s: %w: %w", operation, ErrStoreFull, err)
	case pg.Code == codePrivilege:
		return fmt.Errorf("%s: %w: the role may not do this, ask the owner of the database for the right: %w", operation, ErrSettings, err)
	case class(pg.Code) == "28":
		return fmt.Errorf("%s: %w: the server lets this role not in; check user and password in the URL, or PGPASSWORD, and pg_hba.conf: %w",
			operation, ErrSettings, err)
	case class(pg.Code) == "3D":
		return fmt.Errorf("%s: %w: there is no such database; create it with createdb, or check the name at the end of the URL: %w",
			operation, ErrSettings, err)
	case needsPerson(pg.Code):
		return fmt.Errorf("%s: %w", operation, err)
	default:
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	}
}

func badCertificate(err error) bool {
	_, bad := errors.AsType[*tls.CertificateVerificationError](err)
	return bad
}

// refusesTLS tells whether the one server that may be asked takes no TLS, where nothing but TLS will do. The driver's
// error is known by its text, which is all that it has.
func refusesTLS(err error) bool {
	connect, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok && len(connect.Config.Fallbacks) == 0 && strings.Contains(err.Error(), "server refused TLS connection")
}

// starting marks what the server refuses at the start because of what is there, or what may be done there.
func starting(err error) error {
	switch class(codeOf(err)) {
	case "0A", "22": // not in this server, or not in this encoding
		if !isOurs(err) {
			return fmt.Errorf("%w: the server refuses what Shoal needs; give PostgreSQL 14 or newer, with a database in UTF8: %w", ErrSettings, err)
		}
	case "3F", "42":
		if !isOurs(err) {
			return fmt.Errorf("%w: its tables are not those that Shoal makes, or belong to somebody else; give a database of its own, or repair the schema shoal: %w",
				ErrSettings, err)
		}
	}
	return err
}

// isOurs tells whether the error says already what it is, or is a defect that repeating does not mend.
func isOurs(err error) bool {
	for _, known := range []error{
		context.Canceled, ErrUnavailable, ErrFenced, ErrNoRun, ErrBusy, ErrNoBodies, ErrSchema, ErrNoTables, ErrSettings, ErrUnsafe,
		pgx.ErrNoRows, pgx.ErrTooManyRows, sql.ErrNoRows,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, scan := errors.AsType[pgx.ScanArgError](err)
	return scan
}

// needsPerson tells whether the error with this SQLSTATE stays until somebody changes data, rights or schema.
func needsPerson(code string) bool {
	switch class(code) {
	case "28", "3D", "3F", "42": // authorization, no such database or schema, syntax or undefined object
		return true
	}
	return isDataError(code)
}

// isDataError tells whether the server refused what a row holds: classes 22 and 54, and 23 without the unique violation,
// which says that the row is there already.
func isDataError(code string) bool {
	switch class(code) {
	case "22", "54":
		return true
	case "23":
		return code != codeUniqueViolation
	}
	return false
}

func class(code string) string { return code[:min(2, len(code))] }

// codeOf is the SQLSTATE of an error that the server sent, else "".
func codeOf(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// classify does for SQLite what the function of that name does for PostgreSQL.
func (s *SQLite) classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	operation = "store " + s.path + ": " + operation
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok || isOurs(err) {
		return fmt.Errorf("%s: %w", operation, err)
	}
	switch e.Code() & 0xff { // without the extended part
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w: %w", operation, ErrStoreFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s: %w: the file is no SQLite database, give another --store: %w", operation, ErrSettings, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s: %w: the file is damaged, restore it from a backup or give another --store: %w", operation, ErrSchema, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}
