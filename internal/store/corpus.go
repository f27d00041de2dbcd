package store

import (
	"context"

	"shoal/internal/harvest"
)

// Corpus is what a run knows of its corpus: the table of an enumerated one, and the digest of any.
type Corpus interface {
	// CorpusRows returns up to limit rows of the corpus table after seq after, in their order.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error)
	// CorpusSize returns how many rows the corpus table has.
	CorpusSize(ctx context.Context, run string) (int64, error)
	// RecordDigest stores the corpus' count and sum if the stored sum is still known (empty: none
	// is stored), and reports whether it did. If it replaces another one, the corpus grew: then no
	// shard is drained and the run is not finished any more. The caller checks that the growth is
	// sound. It fails with [ErrNoRun] without the run.
	RecordDigest(ctx context.Context, run, known string, items int64, sum string) (recorded bool, err error)
}

// Chains are how far the listings of a run have been walked, each by its seed.
type Chains interface {
	// Chain returns where the enumeration of seed continues; the zero Chain of that seed before its
	// first step.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// Walked returns how far all chains of the run have been walked.
	Walked(ctx context.Context, run string) (harvest.Walked, error)
	// CommitStep appends the items to the corpus table and moves the chain to its next step, both
	// or neither: to.Step must be one more than the committed one, else it fails with [ErrStep].
	CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error
}
