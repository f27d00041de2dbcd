package listing

import (
	"context"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Own enumerates what the upstream lists in a way of its own, as a wiki does, a request a step. It
// is a [Lister].
type Own struct {
	API    API
	Caller exchange.Caller
	Guard  *Guard // nil while no crash is suspected
}

// List implements [Lister].
func (l Own) List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error) {
	request, err := l.API.ListRequest(at.Seed, at.Next)
	if err != nil {
		return nil, "", err
	}
	if err := l.Guard.broken(at, request.URL); err != nil {
		return nil, "", err
	}
	l.Caller.Proven = at.Next != ""
	l.Guard.around(&l.Caller, at)
	_, err = l.Caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := l.API.ReadList(request, at.Seed, at.Step, answer, nil)
		entries, then = listed.Entries, after
		return read
	})
	return entries, then, err
}

// Leave implements [Leaver].
func (l Own) Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error) {
	l.Guard.Leave(ctx, at, to, why)
}
