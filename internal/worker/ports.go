package worker

import (
	"context"
	"iter"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Corpus is the lazy sequence of everything to harvest.
type Corpus interface {
	// Entries yields one pass. Its last pair may be an error: the corpus is damaged from there on,
	// and what came before is good.
	Entries() iter.Seq2[harvest.Entry, error]
	// Fraction returns the part that has been read so far; 0 when the size is unknown.
	Fraction() float64
}

// Store answers what is done. It is the only authority.
type Store interface {
	// Known reports for each key whether its page is committed. An error that Parts.Temporary
	// accepts is worth another try.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Landed returns up to limit items of the run that landed, by any worker.
	Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error)
	// ListShards returns the shards of the run that a worker has ever held, with the counters of
	// their landings.
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
}

// Ledger is the fast mirror of what is done: it may forget, it never invents. Its errors only cost
// time, since the store is asked instead.
type Ledger interface {
	Known(ctx context.Context, generation string, keys []harvest.Key) ([]bool, error)
	Mark(ctx context.Context, generation string, keys []harvest.Key) error
}

// Lease is the right to land pages of one shard.
type Lease interface {
	// Land commits the pages that are not there yet, all or none, and counts them. After an error
	// that Parts.Temporary accepts the caller lands the same batch again: it may or may not be
	// committed.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Lost is closed when another worker owns the shard.
	Lost() <-chan struct{}
	// Fingerprint returns the ledger's generation as the store last had it.
	Fingerprint() string
	// Trouble explains to a person why the lease cannot be renewed; empty when all is well.
	Trouble() string
}

// Tracer follows some of the items on their way. Its methods never wait, and never fail.
type Tracer interface {
	// Attempted is given each attempt whose answer, or error, has come.
	Attempted(attempt harvest.Attempt)
	// Landed is given the pages that a transaction has committed, and when it began and ended.
	Landed(pages []harvest.Page, began, ended time.Time)
}

// Upstream turns items into requests and answers into pages.
type Upstream interface {
	// Fits reports whether the item can go into one request with those of the pack. Every item fits
	// into an empty pack.
	Fits(pack []harvest.Item, next harvest.Item) bool
	// Request returns the request for these items; an error means that they have none.
	Request(items []harvest.Item) (*harvest.Request, error)
	exchange.Reader
	// Detail returns the beginning of a failing answer as text that may be stored.
	Detail(answer *harvest.Answer) string
}
