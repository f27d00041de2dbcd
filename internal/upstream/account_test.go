package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"shoal/internal/harvest"
)

// callsFake notes what an account does, in order, and fails at the step that its test names.
type callsFake struct {
	calls []string
	fails string
	said  string
}

var errFake = errors.New("fails")

func (f *callsFake) note(call string) error {
	f.calls = append(f.calls, call)
	if call == f.fails {
		return errFake
	}
	return nil
}

func (f *callsFake) Forget() { _ = f.note("forget") }

func (f *callsFake) Secret() (string, error) { return "s", f.note("secret") }

func (f *callsFake) Login(_ context.Context, ask Asker, user string, secret func() (string, error)) error {
	if err := f.note(fmt.Sprintf("login of %s%s", user, ask)); err != nil {
		return err
	}
	_, err := secret()
	return err
}

func (f *callsFake) Introduce(_ context.Context, ask Asker) (string, error) {
	return "known as ada", f.note(fmt.Sprintf("introduce%s", ask))
}

// asker shows how it was asked for.
type asker struct {
	Asker

	login, proven bool
}

func (a asker) String() string {
	return map[bool]string{true: ", as a login"}[a.login] + map[bool]string{true: ", proven"}[a.proven]
}

// account is a bot's, of which a test changes a part.
func account(f *callsFake, change func(a *Account)) Account {
	a := Account{
		Session: f, Auth: "botpassword", User: "ada", Logs: true, Secrets: f,
		Ask:    func(login, proven bool) Asker { return asker{login: login, proven: proven} },
		Totals: func(context.Context) (harvest.Counts, error) { return harvest.Counts{Dead: 1}, f.note("landed?") },
		Begun:  func() bool { return false },
		Say:    func(sentence string) { f.said = sentence },
	}
	if change != nil {
		change(&a)
	}
	return a
}

// TestAccountIntroduces states who logs in and is introduced, and what is known meanwhile.
func TestAccountIntroduces(t *testing.T) {
	t.Parallel()
	bearer := func(a *Account) { a.Logs, a.Auth = false, "bearer" }
	for _, test := range []struct {
		name   string
		change func(a *Account)
		fails  string
		calls  []string
		err    error
	}{
		{name: "no credential", change: func(a *Account) { a.Auth, a.Logs = "", false }},
		{name: "an API without accounts", change: func(a *Account) { a.Session = nil }},
		{name: "a credential that needs no login", change: bearer, calls: []string{"landed?", "introduce"}},
		{name: "a login comes first", calls: []string{"forget", "login of ada, as a login", "secret", "landed?", "introduce"}},
		{name: "what has landed proves the settings", change: func(a *Account) {
			bearer(a)
			a.Totals = func(context.Context) (harvest.Counts, error) { return harvest.Counts{Landed: 1}, nil }
		}, calls: []string{"introduce, proven"}},
		{name: "a login that is refused", fails: "login of ada, as a login", calls: []string{"forget", "login of ada, as a login"}, err: errFake},
		{name: "a secret that cannot be read", fails: "secret", calls: []string{"forget", "login of ada, as a login", "secret"}, err: harvest.ErrRefused},
		{name: "an API that does not answer", change: bearer, fails: "introduce", calls: []string{"landed?", "introduce"}, err: errFake},
		{name: "a store that does not answer", change: bearer, fails: "landed?", calls: []string{"landed?"}, err: errFake},
	} {
		f := &callsFake{fails: test.fails}
		err := account(f, test.change).Introduce(t.Context())
		introduced := err == nil && len(test.calls) > 0
		if !errors.Is(err, test.err) || !slices.Equal(f.calls, test.calls) || (f.said != "") != introduced {
			t.Errorf("%s: Introduce() = %v after %q, said %q, want %v after %q", test.name, err, f.calls, f.said, test.err, test.calls)
		}
	}
}

// TestAccountRenews states what becomes of a credential that is not accepted any more.
func TestAccountRenews(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		change  func(a *Account)
		fails   string
		calls   []string
		renewed bool
		err     error
	}{
		{name: "a session: it logs in again", calls: []string{"forget", "login of ada, as a login", "secret"}, renewed: true},
		{name: "a session of a harvest that has begun", change: func(a *Account) { a.Begun = func() bool { return true } },
			calls: []string{"forget", "login of ada, as a login, proven", "secret"}, renewed: true},
		{name: "a login that is refused", fails: "login of ada, as a login", calls: []string{"forget", "login of ada, as a login"}, renewed: true, err: errFake},
		{name: "a token", change: func(a *Account) { a.Logs = false }, calls: []string{"other"}},
		{name: "no account", change: func(a *Account) { *a = Account{} }, calls: []string{"other"}},
	} {
		f := &callsFake{fails: test.fails}
		renewed, err := account(f, test.change).Renew(t.Context(), func(context.Context) (bool, error) { return false, f.note("other") })
		if renewed != test.renewed || !errors.Is(err, test.err) || !slices.Equal(f.calls, test.calls) {
			t.Errorf("%s: Renew() = %v, %v after %q, want %v, %v after %q", test.name, renewed, err, f.calls, test.renewed, test.err, test.calls)
		}
	}
}
