package listing

import (
	"context"
	"fmt"
	"iter"

	"shoal/internal/harvest"
)

// FirstSteps yields the first steps of chains as items, to be looked at.
func FirstSteps(api API, seeds []string) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for _, seed := range seeds {
			request, err := api.ListRequest(seed, "")
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			if !yield(harvest.Entry{Item: harvest.Item{Key: harvest.StepKey(seed, 1), URL: request.URL}}, nil) {
				return
			}
		}
	}
}

// Look is what a first look at a corpus shows, without anything being kept.
type Look struct {
	API    func() API // of a listing
	Seeds  []string   // of a listing
	Pages  bool       // the answers of the listing are the pages
	Lister func() (Lister, error)
}

// Entries returns the items to look at: the first steps of a listing, or the first items that it
// names; of any other corpus all.
func (l Look) Entries(ctx context.Context, corpus interface {
	Entries() iter.Seq2[harvest.Entry, error]
},
) (iter.Seq2[harvest.Entry, error], error) {
	if l.Pages {
		return FirstSteps(l.API(), l.Seeds), nil
	}
	if _, ok := corpus.(*Pass); !ok {
		return corpus.Entries(), nil
	}
	lister, err := l.Lister()
	if err != nil {
		return nil, err
	}
	return FirstItems(ctx, lister, l.Seeds), nil
}

// Few is a [Lister] that lists only until items come, and not for long: for a first look.
type Few struct {
	Lister

	asked int
}

// maxLists is how many answers of a listing are searched for a first item.
const maxLists = 3

// List implements [Lister].
func (f *Few) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	if f.asked++; f.asked > maxLists {
		return nil, "", fmt.Errorf("%w: its first %d answers name none", ErrEmpty, maxLists)
	}
	return f.Lister.List(ctx, at)
}

// LeaderOnly is a [Lister] that lists only at this process' turn: while it leads the run, and no
// operator drains it.
type LeaderOnly struct {
	Lister

	Turn func(ctx context.Context) error // waits for it; the error is ctx's
}

// List implements [Lister].
func (l LeaderOnly) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	if err := l.Turn(ctx); err != nil {
		return nil, "", err
	}
	return l.Lister.List(ctx, at)
}

// Observed implements [Observer].
func (l LeaderOnly) Observed(seed string) string {
	if o, ok := l.Lister.(Observer); ok {
		return o.Observed(seed)
	}
	return ""
}

// Release implements [Releaser].
func (l LeaderOnly) Release(ctx context.Context) bool {
	r, ok := l.Lister.(Releaser)
	return ok && r.Release(ctx)
}

// Walked yields the steps of chains that have ended, as a corpus to compare with what has landed.
// It ends with [harvest.ErrIncomplete] at a chain that has not.
func Walked(ctx context.Context, chains interface {
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
}, run string, seeds []string,
) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		line := int64(0)
		for _, seed := range seeds {
			chain, err := chains.Chain(ctx, run, seed)
			if err == nil && !chain.Done {
				err = fmt.Errorf("%w: the listing %s has come to step %d and not to its end", harvest.ErrIncomplete, harvest.Quote(seed), chain.Step)
			}
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			for step := int64(1); step <= chain.Step; step++ {
				line++
				if !yield(harvest.Entry{Item: harvest.Item{Key: harvest.StepKey(seed, step), Line: line}}, nil) {
					return
				}
			}
		}
	}
}
