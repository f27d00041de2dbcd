package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shoal/internal/harvest"
)

// hidePassword removes our password from the server's messages before any of them can be shown: a
// server, or something that poses as one, may repeat what it was sent.
func hidePassword(config *pgx.ConnConfig) {
	mask := harvest.NewMask(1, config.Password)
	config.Tracer = &discreet{mask: mask}
	inner := config.OnPgError
	config.OnPgError = func(conn *pgconn.PgConn, said *pgconn.PgError) bool {
		hide(mask, said)
		return inner == nil || inner(conn, said)
	}
}

func hide(mask *harvest.Mask, said *pgconn.PgError) {
	for _, text := range []*string{&said.Message, &said.Detail, &said.Hint, &said.Where, &said.InternalQuery} {
		*text = mask.Text(*text)
	}
}

// discreet hides the password in the errors of a failed connection, which OnPgError does not get.
type discreet struct{ mask *harvest.Mask }

// TraceConnectStart implements [pgx.ConnectTracer].
func (d *discreet) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd implements [pgx.ConnectTracer].
func (d *discreet) TraceConnectEnd(_ context.Context, data pgx.TraceConnectEndData) {
	each(data.Err, func(err error) {
		if said, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // each has taken it out already
			hide(d.mask, said)
		}
	})
}

// TraceQueryStart implements [pgx.QueryTracer], which every tracer has to.
func (d *discreet) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (d *discreet) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// each calls see for an error and every error that it wraps.
func each(err error, see func(error)) {
	if err == nil {
		return
	}
	see(err)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			each(one, see)
		}
		return
	}
	each(errors.Unwrap(err), see)
}
