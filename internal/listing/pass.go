package listing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"shoal/internal/harvest"
)

// Pass is one pass over what a run has listed, as a corpus: the rows of its table, or the steps of
// its chains.
type Pass struct {
	Ctx   context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
	At    string          // the upstream's host
	Table *Table          // fills while it is read; nil before the run is known
	Steps iter.Seq2[harvest.Entry, error]
}

// Host returns the upstream's host.
func (p *Pass) Host() string { return p.At }

// Close does nothing: the store is closed by itself.
func (p *Pass) Close() error { return nil }

// Fraction returns the part that was read; 0 as long as it is not known.
func (p *Pass) Fraction() float64 {
	if p.Table == nil {
		return 0
	}
	return p.Table.Fraction()
}

// Entries yields the steps, or else the rows.
func (p *Pass) Entries() iter.Seq2[harvest.Entry, error] {
	if p.Steps != nil {
		return p.Steps
	}
	return p.Table.Entries(p.Ctx)
}

// Checked is an [API] whose errors are those that a walk expects: a cursor that makes no request
// breaks its chain, and the address of a first step that makes none is a mistake of the operator.
type Checked struct{ API }

// ListRequest implements [API].
func (c Checked) ListRequest(seed, next string) (*harvest.Request, error) {
	request, err := c.API.ListRequest(seed, next)
	switch {
	case err != nil && next != "" && !errors.Is(err, harvest.ErrListing):
		return nil, fmt.Errorf("%w: %s: %w", ErrBroken, harvest.Quote(seed), err)
	case err != nil:
		return nil, harvest.Usagef("%v", err)
	}
	return request, nil
}

// First is a listing whose first steps are looked at.
type First struct {
	API

	Seeds []string
}

// Next returns where the answer to a first step continues, a sign in it that it does, and what is
// wrong with it.
func (f First) Next(request *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading) {
	at := slices.IndexFunc(f.Seeds, func(seed string) bool { return request.Items[0].Key == harvest.StepKey(seed, 1) })
	listed, next, read := f.ReadList(request, f.Seeds[at], 1, answer, nil)
	return next, listed.More, read
}

// FirstItems yields the first items that a listing names, and keeps nothing.
func FirstItems(ctx context.Context, lister Lister, seeds []string) iter.Seq2[harvest.Entry, error] {
	table := &Table{Seeds: seeds, Chains: &Memory{}, Lister: &Few{Lister: lister}, Abreast: 1}
	return table.Entries(ctx)
}
