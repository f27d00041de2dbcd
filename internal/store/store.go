package store

import (
	"context"
	"iter"
	"time"

	"shoal/internal/harvest"
)

// Store is what both twins fulfil. All methods are safe for use by several goroutines at once. An error for which
// errors.Is(err, ErrUnavailable) holds may go away by itself: repeat the call; any other will not.
type Store interface {
	// FindRun returns the run with this name, or ErrNoRun.
	FindRun(ctx context.Context, name string) (harvest.Run, error)
	// ListRuns returns all runs, newest first.
	ListRuns(ctx context.Context) ([]harvest.Run, error)
	// OpenRun creates the run, or resumes it when there is one of that name; opened says which. Several callers at once
	// are safe. An empty input of the given run means "as stored", and so does an extract that the records were made by
	// before they were made again; one that differs is a *Contradiction, unless a
	// worker has begun the run and gone without landing anything: then the run is opened anew. The returned
	// run holds what is stored, with the given Rate where one was given.
	OpenRun(ctx context.Context, given harvest.Run) (run harvest.Run, opened bool, err error)
	// Known tells for each key whether its item has ended in this run, in one query.
	Known(ctx context.Context, run string, keys []harvest.Key) ([]bool, error)
	// Landed returns up to limit items of the run whose page landed, in no order: what the upstream is known to serve.
	Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error)
	// Totals adds up all shards rows of the run. A key counts in the one row whose worker landed it, whatever N that
	// worker was given, so the outcomes of all rows together are those of the run. Rejected lines are met again by each
	// pass over the corpus: that count is the largest that one N has seen. Items that are put back are not counted until
	// their new outcome lands.
	Totals(ctx context.Context, run string) (harvest.Counts, error)
	// Rows counts the pages that were landed under a shard of the run, and under all shards of it together, by what each
	// landing has added up: it reads no page.
	Rows(ctx context.Context, run string, shard harvest.Shard) (ofShard, ofRun int64, err error)
	// RecordDigest keeps the corpus' count and sum if the stored sum is still known (empty: none is stored); recorded says
	// whether it did. Where it replaces another one the corpus grew: no shard is drained and the run not finished any
	// more. That the growth is sound is for the caller to check. ErrNoRun without the run.
	RecordDigest(ctx context.Context, run, known string, items int64, sum string) (recorded bool, err error)
	// Fingerprint is 8 hex digits that change when the store is restored, failed over or dropped and made again, and
	// with each NewGeneration: what a mirror of the keys must be marked with.
	Fingerprint(ctx context.Context, run string) (string, error)
	// NewGeneration makes every mirror of the run's keys void.
	NewGeneration(ctx context.Context, run string) error
	// Keys yields the keys of all ended items, in no order. It stops after the first error.
	Keys(ctx context.Context, run string) iter.Seq2[harvest.Key, error]
	// Tally counts the pages of the run by outcome, reason and status, the most first.
	Tally(ctx context.Context, run string, outcomes []harvest.Outcome) ([]Ended, error)
	// Export calls each for every row of one snapshot, ordered by key and ordinal, one row in memory at a time. It ends
	// with the first error that each returns.
	Export(ctx context.Context, q Query, each func(Row) error) error

	// Chain is where the enumeration of seed goes on; the zero Chain of that seed before its first step.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// ChainsDone is how many chains of the run have come to their end.
	ChainsDone(ctx context.Context, run string) (int, error)
	// LongestChain is the most steps that a chain of the run has taken.
	LongestChain(ctx context.Context, run string) (int64, error)
	// CommitStep appends the items to the corpus table and moves the chain to its next step, both or neither: to.Step is
	// one more than the committed one, else ErrStep.
	CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error
	// CorpusRows returns up to limit rows of the corpus table behind seq after, in their order.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error)
	// CorpusSize is how many rows the corpus table has.
	CorpusSize(ctx context.Context, run string) (int64, error)

	// ExtractBegin starts to make the run's records again by spec, or resumes where an earlier start with the same spec
	// stopped: cursor is the last key staged, all zero at the start. ErrBusy while a worker holds a shard of the run.
	ExtractBegin(ctx context.Context, run, spec string) (cursor harvest.Key, err error)
	// ExtractBodies returns up to limit pages, fewer where they are large, with a body whose key is above after, in order of key: those that landed,
	// and those skipped because no records could be made of them.
	ExtractBodies(ctx context.Context, run string, after harvest.Key, limit int) ([]StoredBody, error)
	// ExtractStage keeps the records made of one batch and moves the cursor, both or neither. Nobody sees them yet.
	ExtractStage(ctx context.Context, run string, batch []Extracted, cursor harvest.Key) error
	// ExtractFinish replaces the run's records by the staged ones and its extract by spec, in one transaction. Pages
	// skipped because no records could be made of them land by it where the new expression worked. ErrBusy when pages
	// landed since ExtractBegin: the staged records are then dropped, begin again.
	ExtractFinish(ctx context.Context, run, spec string) error

	// Claim takes a shard of an opened run and waits for that as long as somebody else works on it or, under another N,
	// on its run: ErrHeld where Claim.NoWait is set. ErrUnavailable may come in the middle of waiting too: call again.
	// The lease outlives ctx.
	Claim(ctx context.Context, c Claim) (Lease, error)
	// ClaimAny takes whichever of the Claim.Shard.Of shards is free and not drained, and says which; Claim.Shard.Index
	// is of no meaning. While all that are left are held it waits for one, and with Claim.NoWait fails with ErrHeld. ErrDrained
	// when none is left. Otherwise it is like Claim.
	ClaimAny(ctx context.Context, c Claim) (Lease, harvest.Shard, error)

	Fleet

	// Warnings are settings of the server that a person should know about, a sentence each.
	Warnings() []string
	// Close gives all connections back.
	Close() error
}

// Options say how a store is opened.
type Options struct {
	// Application names this process to the server (application_name), such as "shoal worker 3/8".
	Application string
	// Version of this binary; stored with the runs it opens and with the migrations it applies.
	Version string
	// ReadOnly neither migrates nor writes: for export and status.
	ReadOnly bool
	// Existing refuses a store without our tables, with ErrNoTables: for orders about runs, which a mistyped address has
	// not. ReadOnly does so too.
	Existing bool
	// LeaseTTL is how long a lease lasts without renewal; 0 means DefaultLeaseTTL.
	LeaseTTL time.Duration
}

// DefaultLeaseTTL is the lease's time to live: a killed worker's shard is free after half of it.
const DefaultLeaseTTL = 6 * time.Second

// What says which rows Export yields.
type What string

// What can be exported.
const (
	Pages   What = "pages"
	Records What = "records"
)

// Query selects rows for Export.
type Query struct {
	Run      string
	What     What
	Outcomes []harvest.Outcome // of pages; none means all. Records belong to landed pages only.
	Reason   string            // of pages; empty means any
	Status   int               // of pages; 0 means any
	Key      *harvest.Key      // of one item; nil means any
	ID       string            // of pages, as the corpus has it; empty means any
	URL      string            // of pages, canonical; empty means any. No index helps: for one look
	Limit    int               // rows; 0 means all
}

// Row is one exported row. For Records, Page holds just Key, URL and ID of the page that the record is from.
type Row struct {
	Page   harvest.Page
	Record harvest.Record
}

// Ended is how many items ended in one way.
type Ended struct {
	Outcome harvest.Outcome
	Reason  string
	Status  int
	Items   int64
}

// StoredBody is the body of a page, as Body (JSON) or Raw (any bytes).
type StoredBody struct {
	Key       harvest.Key
	URL, ID   string
	MediaType string
	Body, Raw []byte
}

// Extracted are the records made again of one stored body.
type Extracted struct {
	Key     harvest.Key
	Records []harvest.Record
	Worked  bool // the expression came to its end; that it yielded nothing is then no failure
}
