package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that we act on.
const (
	codeUniqueViolation = "23505"
	codeCheckViolation  = "23514"
	codeDiskFull        = "53100"
	codePrivilege       = "42501"
	codeNoTable         = "42P01"
)

// classify wraps an error of PostgreSQL once with the operation, and marks it by what may help: repeating
// (ErrUnavailable, ErrStoreFull) or a person. The caller's own end of patience is neither.
func classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", operation, err)
	case errors.Is(err, ErrFenced), errors.Is(err, ErrUnavailable), errors.Is(err, ErrSchema), errors.Is(err, ErrUnsafe),
		errors.Is(err, ErrNoRun), errors.Is(err, ErrBusy), errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", operation, err)
	case !errors.As(err, &pg):
		// No answer of the server at all: connection refused, reset or closed, a limit of time.
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	case pg.Code == codeDiskFull:
		return fmt.Errorf("%s: %w: %w", operation, ErrStoreFull, err)
	case pg.Code == codePrivilege:
		return fmt.Errorf("%s: the role may not do this, ask the owner of the database for the right: %w", operation, err)
	case needsPerson(pg.Code):
		return fmt.Errorf("%s: %w", operation, err)
	default:
		return fmt.Errorf("%s: %w: %w", operation, ErrUnavailable, err)
	}
}

// needsPerson tells whether the error with this SQLSTATE stays until somebody changes data, rights or schema.
func needsPerson(code string) bool {
	switch code[:2] {
	case "28", "3D", "3F", "42": // authorization, no such database or schema, syntax or undefined object
		return true
	}
	return isDataError(code)
}

// isDataError tells whether the server refused what a row holds: classes 22 and 54, and 23 without the unique violation,
// which says that the row is there already.
func isDataError(code string) bool {
	if code == "" {
		return false
	}
	switch code[:2] {
	case "22", "54":
		return true
	case "23":
		return code != codeUniqueViolation
	}
	return false
}

// codeOf is the SQLSTATE of an error that the server sent, else "".
func codeOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
