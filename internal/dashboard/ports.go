package dashboard

import (
	"context"
	"errors"
	"time"

	"shoal/internal/harvest"
)

// ErrUnknown is wrapped by a port if the store has no such run or item.
var ErrUnknown = errors.New("the store does not have it")

// Source is what the store has of runs. Each method reads the store once; an error is shown, and
// the next look asks again.
type Source interface {
	// Runs returns all runs, newest first.
	Runs(ctx context.Context) ([]harvest.Run, error)
	// Status returns how far a run is now, or [ErrUnknown].
	Status(ctx context.Context, run string) (Status, error)
	// Sent returns what all processes sent in the minutes since one, counted from 1970.
	Sent(ctx context.Context, run string, since int64) (Sent, error)
	// Manners adds up how the whole run has treated its upstream so far.
	Manners(ctx context.Context, run string) (Manners, error)
	// Chains counts the chains of a run's listing.
	Chains(ctx context.Context, run string) (Chains, error)
}

// Items is what the store has of the items of a run.
type Items interface {
	// Losses counts the items that did not land by how they ended, the most first, and gives some
	// of the latest of each.
	Losses(ctx context.Context, run string) ([]Loss, error)
	// Latest returns the items that ended last among those of a filter, up to limit.
	Latest(ctx context.Context, run string, f Filter, limit int) ([]harvest.Page, error)
	// Item returns all that is known of one item, or [ErrUnknown].
	Item(ctx context.Context, run string, key harvest.Key) (Item, error)
}

// Orders are what an operator may order. Each returns a sentence for the operator. An error is
// shown as it is.
type Orders interface {
	// Pause leaves the host alone, for a length of time or [harvest.Forever].
	Pause(ctx context.Context, run string, length time.Duration) (string, error)
	// Resume ends a pause of the host and a drain of the run; lift also ends the silence that the
	// upstream asked for.
	Resume(ctx context.Context, run string, lift bool) (string, error)
	// Rate sets the budget of the host.
	Rate(ctx context.Context, run, rate string) (string, error)
	// Drain lets the run's workers land what is in flight and leave.
	Drain(ctx context.Context, run string) (string, error)
	// Retry puts the items of a filter back, to be fetched again.
	Retry(ctx context.Context, run string, f Filter) (string, error)
}

// Sent is what a run has sent lately, and when it could not.
type Sent struct {
	Minutes []harvest.Minute // in order of time
	Quiets  []harvest.Quiet  // of all processes, the latest
}

// Filter selects items.
type Filter struct {
	Outcome harvest.Outcome
	Reason  string // empty: any
	Status  int    // 0: any
}

// Loss is how some items ended without landing.
type Loss struct {
	Filter
	Items    int64
	PutBack  int64 // of them: they are asked for again
	Examples []harvest.Page
}

// Item is all that is known of one item.
type Item struct {
	harvest.Page
	Records []string // some of them
	More    int      // records that are not among them
	Retried bool     // it was put back, and its new outcome has not landed yet
}

// Status is a run at one moment.
type Status struct {
	Run      harvest.Run
	State    string           // one word: open, at work, draining, drained or finished
	Progress harvest.Progress // of all its workers, as that of one
	Totals   harvest.Counts
	ETA      time.Duration // 0 while unknown
	Of       int           // how many shards it is cut into
	Shards   []harvest.ShardState
	Waiting  int    // shards that a worker at work takes when it has drained its own
	Unowned  int    // shards that are not drained and that no worker works on
	Idle     string // what to start if no worker is at work; empty if one is, or none is needed
	Workers  []Worker
	Control  harvest.Control
	At       time.Time
}

// Worker is what one process did for a run.
type Worker struct {
	harvest.Work
	State string        // at work, silent or ended
	ETA   time.Duration // of its shard; 0 while unknown
}

// Manners are how a run has treated its upstream.
type Manners struct {
	Budget      float64   // requests/s, at present
	Budgets     []float64 // each that was in force, from the lowest
	Lowered     float64   // requests/s that the fleet kept below; 0: no such rate
	Requests    int64
	Refused     int64 // silences that began because the fleet asked too fast
	WorstSecond int
	WorstMinute int
	WorstAt     time.Time // of the second
	Sending     float64   // seconds in which a request was sent
	Used        float64   // of those seconds' budget, 0 to 1
	Retries     map[string]int64
	Pauses      map[string]harvest.Silence
	Malformed   map[string]int64
	Limits      map[string]float64 // seconds, by what held the workers back
	Stages      map[string]float64 // seconds of the fetchers
	WireBytes   int64
}

// Chains are how far the listing of a run has been walked.
type Chains struct {
	Listed  bool // the run has a listing
	Done    int
	Longest int64 // steps of the longest chain
}
