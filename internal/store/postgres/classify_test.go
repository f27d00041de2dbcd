package postgres_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"shoal/internal/store"
	"shoal/internal/store/postgres"
)

func TestWhatIsToBeRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code   string // SQLSTATE
		repeat bool
		full   bool
		why    string
	}{
		{"08006", true, false, "connection failure"},
		{"40001", true, false, "serialization failure"},
		{"40P01", true, false, "deadlock"},
		{"53100", true, true, "disk full"},
		{"53300", true, false, "too many connections"},
		{"55P03", true, false, "lock not available"},
		{"57014", true, false, "statement timeout"},
		{"57P01", true, false, "terminated by an administrator"},
		{"57P03", true, false, "the server is starting up"},
		{"58030", true, false, "I/O error"},
		{"25006", true, false, "read-only: a standby that is being promoted"},
		{"XX000", true, false, "internal error"},
		{"22P02", false, false, "bad JSON"},
		{"23514", false, false, "check violation"},
		{"28P01", false, false, "wrong password"},
		{"3D000", false, false, "no such database"},
		{"42501", false, false, "no privilege"},
		{"42P01", false, false, "no such table"},
		{"54000", false, false, "program limit exceeded"},
	} {
		err := postgres.Classify(&pgconn.PgError{Code: c.code})
		if got := errors.Is(err, store.ErrUnavailable); got != c.repeat {
			t.Errorf("classify(%s, %s): ErrUnavailable is %t, want %t", c.code, c.why, got, c.repeat)
		}
		if got := errors.Is(err, store.ErrStoreFull); got != c.full {
			t.Errorf("classify(%s, %s): ErrStoreFull is %t, want %t", c.code, c.why, got, c.full)
		}
	}
	for _, c := range []struct {
		err    error
		repeat bool
	}{
		{io.ErrUnexpectedEOF, true}, {context.DeadlineExceeded, true}, {context.Canceled, false}, {store.ErrFenced, false}, {store.ErrNoRun, false},
	} {
		if got := errors.Is(postgres.Classify(c.err), store.ErrUnavailable); got != c.repeat {
			t.Errorf("classify(%v): ErrUnavailable is %t, want %t", c.err, got, c.repeat)
		}
	}
	for code, want := range map[string]bool{"28P01": true, "28000": true, "3D000": true, "42501": true, "22P02": false, "42P01": false, "08006": false} {
		if got := errors.Is(postgres.Classify(&pgconn.PgError{Code: code}), store.ErrSettings); got != want {
			t.Errorf("classify(%s): ErrSettings is %t, want %t", code, got, want)
		}
	}
	if err := postgres.Classify(nil); err != nil {
		t.Errorf("classify(nil) = %v, want nil", err)
	}
}
