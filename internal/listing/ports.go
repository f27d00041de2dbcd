package listing

import (
	"context"

	"shoal/internal/harvest"
)

// Chains keeps what was enumerated.
type Chains interface {
	// Chain is where the enumeration of seed goes on.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// ChainsDone is how many chains of the run have come to their end.
	ChainsDone(ctx context.Context, run string) (int, error)
	// CommitStep appends entries and moves the chain on, both or neither. ErrTaken: another process took this step.
	CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error
	// CorpusRows are up to limit entries behind the row after; the Line of each is its row.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error)
}

// Lister makes one step of an enumeration. Steps of different seeds may be asked for at once.
type Lister interface {
	// List takes the step at.Step of the chain, which is at at.Next, and says where the one after it is; an empty then is
	// the end. ErrCursor: at.Next is refused, the chain is to start again. ErrParked, ErrBroken: the others go on.
	// ErrEnded: the chain ends with what is committed next, wherever it is.
	List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error)
}

// Ender is a [Lister] that can end a chain at a step whose cursor is refused for good. ErrEnded: that is to be committed;
// else the error of the step.
type Ender interface {
	End(at harvest.Chain, why error) error
}

// Releaser is a [Lister] that parks chains. Release reports whether some of them can go on after all, when no other chain can.
type Releaser interface {
	Release(ctx context.Context) bool
}

// Leaver is a [Lister] that is called when a step is over, whatever became of it. to is what was committed, nil if nothing
// was, and why the error of the step.
type Leaver interface {
	Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error)
}

// Observer is a [Lister] that knows what the answer to a step held besides where it goes on.
type Observer interface {
	// Observed stands for the items of the answer that List gave last for the seed: the same for the same items,
	// ObservedNone for none, empty where nothing is known.
	Observed(seed string) string
}

// ObservedNone stands for an answer without items.
const ObservedNone = "none"

// API makes the requests of a listing and reads their answers.
type API interface {
	// ListRequest is the request for the step at next of the chain that begins at seed; next is empty for the first one.
	// ErrBroken: what the upstream gave as a cursor is not an address that can be asked. Any other error ends the walk.
	ListRequest(seed, next string) (*harvest.Request, error)
	// ReadList reads a complete 2xx answer to a step, which counts from 1. then is where the listing continues, empty at its
	// end. item makes an item of what a listing names; it is nil for [Own], and where the answers are the pages.
	ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (listed harvest.Listed, then string, read harvest.Reading)
}

// Steps is what the store knows of chains whose answers are the pages. An error that [Again] repeats may go away by itself.
type Steps interface {
	// Chain is where the walk of a chain continues.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// Known reports for each key whether its page is committed.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Totals adds up how the items of the run ended.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
}

// Lease is the right to land pages of one shard.
type Lease interface {
	// Land commits the pages that are not there yet, all or none, and counts them. After an error that [Again] repeats the
	// same pages are to be landed again.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Fingerprint changes where what the store held may not be there any more.
	Fingerprint() string
}

// Longest is what the store knows of the chains of a run.
type Longest interface {
	// LongestChain is how many steps the longest chain has taken.
	LongestChain(ctx context.Context, run string) (int64, error)
}

// Again repeats do while the store is away and patience lasts.
type Again func(ctx context.Context, do func() error) error
