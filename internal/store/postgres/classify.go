package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/internal/tables"
)

// SQLSTATEs that we act on.
const (
	codeUniqueViolation = "23505"
	codeCheckViolation  = "23514"
	codeDiskFull        = "53100"
	codePrivilege       = "42501"
)

// classify wraps an error of PostgreSQL once with the operation, and marks it by what may help:
// repeating (ErrUnavailable, ErrStoreFull) or a person. A context that the caller ended is neither.
func classify(operation string, err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case isOurs(err):
		return fmt.Errorf("%s: %w", operation, err)
	case badCertificate(err):
		return fmt.Errorf("%s: %w: the server's certificate is not trusted: %s", operation, store.ErrUnsafe, harvest.ExplainTLS(err, "sslrootcert=FILE to the store URL, as --ca FILE is for the upstream"))
	case refusesTLS(err):
		return fmt.Errorf("%s: %w: the server speaks no TLS; switch it on there (sslmode is verify-full unless the URL sets another), or set sslmode=disable in the URL if the way to it is safe: %w",
			operation, store.ErrSettings, err)
	case !errors.As(err, &pg):
		// The server did not answer at all: connection refused, reset or closed, a time limit.
		return fmt.Errorf("%s: %w: %w", operation, store.ErrUnavailable, err)
	case pg.Code == codeDiskFull:
		return fmt.Errorf("%s: %w: %w", operation, store.ErrStoreFull, err)
	case pg.Code == codePrivilege:
		return fmt.Errorf("%s: %w: the role may not do this, ask the owner of the database for the right: %w", operation, store.ErrSettings, err)
	case class(pg.Code) == "28":
		return fmt.Errorf("%s: %w: the server lets this role not in; check user and password in the URL, or PGPASSWORD, and pg_hba.conf: %w",
			operation, store.ErrSettings, err)
	case class(pg.Code) == "3D":
		return fmt.Errorf("%s: %w: there is no such database; create it with createdb, or check the name at the end of the URL: %w",
			operation, store.ErrSettings, err)
	case needsPerson(pg.Code):
		return fmt.Errorf("%s: %w", operation, err)
	default:
		return fmt.Errorf("%s: %w: %w", operation, store.ErrUnavailable, err)
	}
}

func badCertificate(err error) bool {
	_, bad := errors.AsType[*tls.CertificateVerificationError](err)
	return bad
}

// refusesTLS reports whether the one server that may be asked takes no TLS, where nothing but TLS
// will do. The driver's error is known by its text, which is all that it has.
func refusesTLS(err error) bool {
	connect, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok && len(connect.Config.Fallbacks) == 0 && strings.Contains(err.Error(), "server refused TLS connection")
}

// starting marks what the server refuses at the start because of its contents or our permissions.
func starting(err error) error {
	switch class(codeOf(err)) {
	case "0A", "22": // not in this server, or not in this encoding
		if !isOurs(err) {
			return fmt.Errorf("%w: the server refuses what Shoal needs; give PostgreSQL 14 or newer, with a database in UTF8: %w", store.ErrSettings, err)
		}
	case "3F", "42":
		if !isOurs(err) {
			return fmt.Errorf("%w: its tables are not those that Shoal makes, or belong to another program; give a database of its own, or repair the schema shoal: %w",
				store.ErrSettings, err)
		}
	}
	return err
}

// isOurs reports whether the error is named already, or is a defect that repeating does not remove.
func isOurs(err error) bool {
	_, scan := errors.AsType[pgx.ScanArgError](err)
	return scan || faults.Known(err) || errors.Is(err, pgx.ErrNoRows) || errors.Is(err, pgx.ErrTooManyRows)
}

// wrapOwn names the operation on the shard. A lease that is over, or held by another worker, is not
// trouble of the store and not classified as such.
func wrapOwn(o leasing.Ownership, operation string, err error) error {
	if errors.Is(err, store.ErrHeld) || errors.Is(err, leasing.ErrReleased) {
		return fmt.Errorf("%s: %w", o.Name(operation), err)
	}
	return classify(o.Name(operation), err)
}

// wrapClaim names a claim.
func wrapClaim(c store.Claim, err error) error {
	return wrapOwn(leasing.Ownership{Run: c.Run, Shard: c.Shard}, "claim", err)
}

// needsPerson reports whether the error with this SQLSTATE stays until a person changes data,
// rights or schema.
func needsPerson(code string) bool {
	switch class(code) {
	case "28", "3D", "3F", "42": // authorization, no such database or schema, syntax or undefined object
		return true
	}
	return isDataError(code)
}

// isDataError reports whether the server refused what a row holds: classes 22 and 54, and 23
// without the unique violation, which means that the row exists already.
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

// codeOf returns the SQLSTATE of an error that the server sent, else "".
func codeOf(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// reasonFor names a refusal by its SQLSTATE.
func reasonFor(code string) string {
	switch {
	case code == "22021", code == "22P05":
		return tables.ReasonBadText
	case code == "22P02":
		return tables.ReasonBadJSON
	case code == "22003":
		return tables.ReasonBadNumber
	case strings.HasPrefix(code, "54"):
		return tables.ReasonTooMuch
	}
	return tables.ReasonRefused + "_" + code
}
