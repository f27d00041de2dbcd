package mediawiki

import (
	"context"
	"fmt"
	"strings"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// Login implements [upstream.Session]: a token, then the session for it. Wikis lock out who tries a
// password again and again.
func (u *Upstream) Login(ctx context.Context, ask upstream.Asker, user string, secret func() (string, error)) error {
	var token string
	err := ask.Call(ctx, u.LoginTokenRequest(), func(answer *harvest.Answer) (read harvest.Reading) {
		token, read = u.ReadLoginToken(answer)
		return read
	})
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	password, err := secret()
	if err != nil {
		return err
	}
	if err := ask.Once(ctx, u.LoginRequest(token, user, password), u.ReadLogin); err != nil {
		return fmt.Errorf("log in as %s: %w", harvest.Quote(user), err)
	}
	return nil
}

// Introduce implements [upstream.Session]: a wiki that knows us names how many pages we may ask for
// at once.
func (u *Upstream) Introduce(ctx context.Context, ask upstream.Asker) (sentence string, err error) {
	err = ask.Call(ctx, u.UserInfoRequest(), func(answer *harvest.Answer) harvest.Reading {
		limit, name, read := u.ReadUserInfo(answer)
		if read.Fault == harvest.FaultNone {
			u.SetLimit(limit)
			sentence = fmt.Sprintf("the wiki knows us as %s: %d pages to a request", harvest.Quote(name), limit)
		}
		return read
	})
	return sentence, err
}

// afdLogs begins the titles of a wiki's logs of a day, which repeat the discussions of that day.
const afdLogs = "Articles for deletion/Log/"

// lister is a wiki as an [upstream.Lister].
type lister struct {
	*Upstream

	former bool   // the run was opened when + stood for a blank in a listing's name
	skip   string // titles that begin so are not items; empty for none
}

func (u *Upstream) lister(run harvest.Run) upstream.Lister {
	l := lister{Upstream: u, former: run.Titles == ""}
	if run.Extract == afdSpec {
		l.skip = afdLogs
	}
	return l
}

// ListRequest implements [upstream.Lister]. The seed is the name of the listing.
func (l lister) ListRequest(seed, next string) (*harvest.Request, error) {
	parse := ParseListing
	if l.former {
		parse = FormerListing
	}
	what, err := parse(seed)
	if err != nil {
		return nil, err
	}
	return l.Upstream.ListRequest(what, next), nil
}

// ReadList implements [upstream.Lister].
func (l lister) ReadList(_ *harvest.Request, _ string, _ int64, answer *harvest.Answer, _ func(string) (harvest.Item, error)) (listed harvest.Listed, then string, read harvest.Reading) {
	pages, then, read := l.Upstream.ReadList(answer)
	for _, page := range pages {
		if _, rest, _ := strings.Cut(page.Title, ":"); l.skip == "" || !strings.HasPrefix(rest, l.skip) {
			listed.Entries = append(listed.Entries, harvest.Entry{Item: page.Item})
		}
	}
	return listed, then, read
}
