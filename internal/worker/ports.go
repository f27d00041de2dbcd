package worker

import (
	"context"
	"iter"
	"time"

	"shoal/internal/harvest"
)

// Corpus is the lazy sequence of everything to harvest.
type Corpus interface {
	// Entries is one pass. Its last pair may be an error: the corpus is damaged
	// from there on, and what came before is good.
	Entries() iter.Seq2[harvest.Entry, error]
	// Fraction is the part that has been read so far; 0 when the size is unknown.
	Fraction() float64
}

// Store answers what is done. It is the truth.
type Store interface {
	// Known tells for each key whether its page is committed. An error that
	// Parts.Temporary accepts is worth another try.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Landed returns up to limit items of the run that landed, by whichever worker.
	Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error)
	// Rows counts the pages that landed under a shard, and under all shards of the run together.
	Rows(ctx context.Context, run string, shard harvest.Shard) (ofShard, ofRun int64, err error)
}

// Ledger is the fast mirror of what is done: it may forget, it never invents.
// Its errors cost time only, since the store is asked instead.
type Ledger interface {
	Known(ctx context.Context, generation string, keys []harvest.Key) ([]bool, error)
	Mark(ctx context.Context, generation string, keys []harvest.Key) error
}

// Lease is the right to land pages of one shard.
type Lease interface {
	// Land commits the pages that are not there yet, all or none, and counts
	// them. After an error that Parts.Temporary accepts the same batch is to be landed
	// again: it may or may not be committed.
	Land(ctx context.Context, pages []harvest.Page) (harvest.Counts, error)
	// Lost is closed when somebody else owns the shard.
	Lost() <-chan struct{}
	// Fingerprint is the ledger's generation as the store last gave it.
	Fingerprint() string
	// Trouble says for a person why the lease cannot be renewed; empty when all is well.
	Trouble() string
}

// Suspects remember which items were in flight when an owner of the shard crashed. An error that Parts.Temporary accepts is
// worth another try.
type Suspects interface {
	// Load returns, for each suspect of the shard, in how many crashed leases it was in flight.
	Load(ctx context.Context) (map[harvest.Key]int, error)
	// Note keeps that the items are in flight, until they land, are cleared or the lease is given back.
	Note(ctx context.Context, keys []harvest.Key) error
	// Clear forgets the items and what is counted for them.
	Clear(ctx context.Context, keys []harvest.Key) error
	// Calm ends the suspicion.
	Calm(ctx context.Context) error
}

// Fetcher holds the connections to the upstream.
type Fetcher interface {
	// Reserve waits for a stream of a live connection to the URL's host. A
	// *harvest.Failure says why there is none.
	Reserve(ctx context.Context, url string) (Slot, error)
	// ReserveAlone is Reserve on a connection that carries nothing else, for one caller at a time.
	ReserveAlone(ctx context.Context, url string) (Slot, error)
	// Renew renews the credential after a 401; false when there is none to renew.
	Renew(ctx context.Context) (bool, error)
	// Redirect is the next request after a 3xx answer; a *harvest.Failure when it is not to be followed.
	Redirect(request *harvest.Request, answer *harvest.Answer) (*harvest.Request, error)
}

// Slot is a reserved stream. Exactly one of Send and Release ends it.
type Slot interface {
	// Alive tells whether Send would go out at once.
	Alive() bool
	// Send makes one exchange, never repeated underneath. usable is asked again right before the request leaves. The error is
	// harvest.ErrLate, and nothing was sent, or a *harvest.Failure.
	Send(ctx context.Context, request *harvest.Request, usable func() bool) (*harvest.Answer, error)
	Release()
}

// Pace says when to send.
type Pace interface {
	// Wait blocks until a permit is due, at most for as long as ctx lives.
	Wait(ctx context.Context) (Permit, error)
	// Expect says that so many more callers will come soon.
	Expect(callers int)
	// Forgiven tells whether a try at t fell into an outage of the upstream and costs its item nothing.
	Forgiven(t time.Time) bool
	// State is what pace waits for now.
	State() PaceState
}

// Permit is the right to put one request on the wire now.
type Permit interface {
	// Usable tells whether it may still be used.
	Usable() bool
	// Unused gives it up: the slot is wasted, never used twice.
	Unused()
	// Done reports how the exchange ended; ok when the upstream works.
	Done(ctx context.Context, ok bool)
	// Neutral reports that the exchange says nothing about the upstream. Where pace must know all the same, because it
	// asked for a probe, up is what it hears.
	Neutral(ctx context.Context, up bool)
	// Backoff asks the whole fleet for silence; cut says that it was caused by our rate.
	Backoff(ctx context.Context, silence time.Duration, cut bool)
}

// PaceState is pace as a person and --patience see it.
type PaceState struct {
	Budget float64       // requests/s of the whole fleet now
	Share  float64       // the part of it that is for this worker
	Limit  harvest.Limit // what pace waits for; LimitBudget when nothing is wrong
	Until  time.Time     // end of a backoff or hold; zero without one
	Since  time.Time     // since when Redis or the upstream is away; zero when they are there
}

// Reader decodes answers.
type Reader interface {
	// Read decodes a complete 2xx answer.
	Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading
}

// Upstream turns items into requests and answers into pages.
type Upstream interface {
	// Fits tells whether the item can go into one request with those of the pack. Every item fits into an empty pack.
	Fits(pack []harvest.Item, next harvest.Item) bool
	// Request is the exchange for these items; an error means that no request can be made of them.
	Request(items []harvest.Item) (*harvest.Request, error)
	Reader
	// Detail is the beginning of a failing answer as text that may be stored.
	Detail(answer *harvest.Answer) string
}
