package listing

import (
	"context"
	"strings"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Wiki enumerates what a wiki lists, a request a step. It is a [Lister].
type Wiki struct {
	Titles Titles
	Caller exchange.Caller
	Guard  *Guard // nil while no crash is suspected
	Skip   string // titles that begin so behind their namespace are not items; empty for none
}

// List implements [Lister].
func (l Wiki) List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error) {
	request := l.Titles.ListRequest(at.Next)
	if err := l.Guard.broken(at, request.URL); err != nil {
		return nil, "", err
	}
	l.Caller.Proven = at.Next != ""
	l.Guard.around(&l.Caller, at)
	_, err = l.Caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := l.Titles.ReadList(answer)
		entries, then = entries[:0], after
		for _, entry := range listed {
			if _, rest, _ := strings.Cut(entry.Item.ID, ":"); l.Skip == "" || !strings.HasPrefix(rest, l.Skip) {
				entries = append(entries, entry)
			}
		}
		return read
	})
	return entries, then, err
}

// Leave implements [Leaver].
func (l Wiki) Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error) {
	l.Guard.Leave(ctx, at, to, why)
}
