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
	// Sent returns what all processes sent in the minutes since one, counted from 1970, in order.
	Sent(ctx context.Context, run string, since int64) ([]harvest.Minute, error)
	// Manners adds up how the whole run has treated its upstream so far.
	Manners(ctx context.Context, run string) (Manners, error)
	// Chains counts the chains of a run's listing.
	Chains(ctx context.Context, run string) (Chains, error)
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
	Budget      float64 // requests/s
	Lowered     float64 // requests/s that the fleet kept below; 0: no such rate
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
