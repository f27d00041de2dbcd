package upstream

import (
	"context"
	"fmt"

	"shoal/internal/harvest"
)

// Account is who we are to an API: which requests log us in and introduce us, and what is known of
// the settings when they are made.
type Account struct {
	Session Session // nil where no credential is introduced
	Auth    string  // the kind of the credential; empty for none
	User    string  // of a login
	Logs    bool    // a credential of this kind needs a login at this kind of API
	Secrets Secrets
	// Ask returns what makes single requests. login means that they are those of a login, which
	// must not wait for another one. proven means that our settings are right: an answer that no
	// API sends then comes from an outage, and not from a wrong address.
	Ask func(login, proven bool) Asker
	// Totals counts how the items of the run ended.
	Totals func(ctx context.Context) (harvest.Counts, error)
	// Begun reports whether the harvest has begun.
	Begun func() bool
	Say   func(sentence string)
}

// Secrets keep the credential of a login, and the session that follows from it.
type Secrets interface {
	// Forget drops the session, so that a login starts afresh.
	Forget()
	// Secret returns the secret to log in with. No other try changes its error.
	Secret() (string, error)
}

// Introduce logs in where that takes a login, asks an API that knows us what it grants us, and
// prints that. It does nothing where no credential is introduced.
func (a Account) Introduce(ctx context.Context) error {
	if a.Session == nil || a.Auth == "" {
		return nil
	}
	if a.LogsIn() {
		if err := a.Login(ctx); err != nil {
			return err
		}
	}
	totals, err := a.Totals(ctx)
	if err != nil {
		return err
	}
	sentence, err := a.Session.Introduce(ctx, a.Ask(false, totals.Landed > 0))
	if err == nil && sentence != "" {
		a.Say(sentence)
	}
	return err
}

// LogsIn reports whether there is a session to log in to, again whenever it has ended.
func (a Account) LogsIn() bool { return a.Session != nil && a.Logs }

// Login gets a session for the credential. The error of a secret that cannot be read is a
// [harvest.ErrRefused].
func (a Account) Login(ctx context.Context) error {
	a.Secrets.Forget()
	return a.Session.Login(ctx, a.Ask(true, a.Begun()), a.User, func() (string, error) {
		secret, err := a.Secrets.Secret()
		if err != nil {
			return "", fmt.Errorf("%w: log in: %w", harvest.ErrRefused, err)
		}
		return secret, nil
	})
}

// Renew is for an answer that our credential is not accepted: it logs in again, or uses other,
// which renews a credential that needs no login. renewed reports whether there is another one.
func (a Account) Renew(ctx context.Context, other func(context.Context) (bool, error)) (renewed bool, err error) {
	if a.LogsIn() {
		return true, a.Login(ctx)
	}
	return other(ctx)
}
