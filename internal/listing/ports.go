package listing

import (
	"context"

	"shoal/internal/harvest"
)

// Chains keeps the results of an enumeration.
type Chains interface {
	// Chain returns where the enumeration of seed continues.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// Walked returns how far all chains of the run have been walked.
	Walked(ctx context.Context, run string) (harvest.Walked, error)
	// CommitStep appends entries and moves the chain, both or neither. [harvest.ErrTaken] means
	// that another process took this step.
	CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error
	// CorpusRows returns up to limit entries after the row after; the Line of each is its row.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error)
}

// Sizer counts what was enumerated.
type Sizer interface {
	// CorpusSize returns how many rows the corpus table of the run has.
	CorpusSize(ctx context.Context, run string) (int64, error)
}

// Lister makes one step of an enumeration. Steps of different seeds may be requested at once.
type Lister interface {
	// List takes the step at.Step of the chain, which is at at.Next, and returns where the next one
	// is; an empty then is the end. [ErrCursor] means that at.Next is refused and the chain has to
	// start again. After [ErrParked] and [ErrBroken] the others continue. [ErrEnded] means that the
	// chain ends with what is committed next, wherever it is.
	List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error)
}

// Ender is a [Lister] that can end a chain at a step whose cursor is refused for good. It returns
// [ErrEnded] if that end has to be committed; else the error of the step.
type Ender interface {
	End(at harvest.Chain, why error) error
}

// Releaser is a [Lister] that parks chains. Release reports whether some of them can continue after
// all, when no other chain can.
type Releaser interface {
	Release(ctx context.Context) bool
}

// Leaver is a [Lister] that is called when a step is over, whatever became of it. to is what was
// committed, nil if nothing was, and why the error of the step.
type Leaver interface {
	Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error)
}

// Observer is a [Lister] that knows the items in the answer to a step, besides where it continues.
type Observer interface {
	// Observed returns a mark of the items in the latest answer of List for the seed: the same for
	// the same items, [ObservedNone] for none, empty if nothing is known.
	Observed(seed string) string
}

// ObservedNone is the mark of an answer without items.
const ObservedNone = "none"

// API makes the requests of a listing and reads their answers.
type API interface {
	// ListRequest returns the request for the step at next of the chain that begins at seed; next
	// is empty for the first one. [ErrBroken] means that the upstream's cursor is not a usable
	// address. Any other error ends the walk.
	ListRequest(seed, next string) (*harvest.Request, error)
	// ReadList reads a complete 2xx answer to a step, which counts from 1. then is where the
	// listing continues, empty at its end. item makes an item of what a listing names; it is nil
	// for [Own], and where the answers are the pages.
	ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (listed harvest.Listed, then string, read harvest.Reading)
}

// Steps is what the store knows of chains whose answers are the pages. An error that [Again]
// repeats may go away by itself.
type Steps interface {
	// Chain returns where the walk of a chain continues.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// Known reports for each key whether its page is committed.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Totals adds up how the items of the run ended.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
}

// Lease is the right to land pages of one shard.
type Lease interface {
	// Land commits the pages that are not there yet, all or none, and counts them. After an error
	// that [Again] repeats the caller lands the same pages again.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Fingerprint changes if the store may have lost rows.
	Fingerprint() string
}

// Longest is what the store knows of the chains of a run.
type Longest interface {
	// Walked returns how many steps the longest chain has taken.
	Walked(ctx context.Context, run string) (harvest.Walked, error)
}

// Again repeats do while the store is unreachable and patience lasts.
type Again func(ctx context.Context, do func() error) error
