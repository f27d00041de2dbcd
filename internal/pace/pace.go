// Package pace decides when a worker may send. In go the requests of the workers for permits and
// the outcomes of their exchanges; out come permits: the right to send one request at one moment.
// All workers of a fleet, and all runs against one upstream host, share one budget of that host,
// kept by Redis or, for a single process, by its in-process twin.
//
// It has three layers. The arithmetic (arith.go, outage.go, members.go, silence.go) is pure: a
// state and an instant in, a grant out. Two twins, [Local] and [Redis], hold that state. A [Pacer]
// is one worker's client of a twin: it leases slots ahead of time and hands each out when it is
// due.
//
// In any window of one second at most floor((1+D)·R·(1−h))+1 permits are usable, where R is the
// rate, h the headroom and D the lateness as a part of a second, as long as the backend's fastest
// answer takes less than half the lateness; anything beyond that adds to D. A permit is never early
// and never doubled; one that is late, void or lost is wasted. The package never sends, never
// retries, never decides what an answer means, and without its backend it grants nothing (it fails
// closed).
package pace

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"shoal/internal/harvest"
)

// Settings of one [Pacer].
type Settings struct {
	Host     string        // the budget's key: lower case, with the port unless it is the scheme's own
	Rate     float64       // requests/s that this worker asks for; zero or less counts as one
	Headroom float64       // h, the part of the rate left unused; 0 means 0.01, negative none
	Lateness time.Duration // D, how late a permit may still be used; 0 means 10 ms
	Worker   string        // a name that no other process has
	Workers  int           // how many workers the upstream admits at once, 0 for any number
	Log      *slog.Logger  // for what a person should know; nil: silent

	// MaxSilence is the longest silence of the upstream that begins without a person; 0 means
	// [DefaultMaxSilence].
	MaxSilence time.Duration
	// Silences keep what the upstream asked for; nil if nothing is stored.
	Silences Silences
}

// Silences are the silences that upstreams asked for, as a store keeps them.
type Silences interface {
	// Silence notes that the host asked for silence for this long from now. After an error it is
	// called again, while the silence lasts.
	Silence(ctx context.Context, host string, length time.Duration) error
}

// Permit is the right to send one request at Due, and no later than Due plus the lateness.
type Permit struct {
	Epoch  int64     // a bump of the budget's epoch makes it void
	Due    time.Time // with a monotonic reading
	Probe  bool      // the single request that finds out whether an outage is over
	last   int64     // the local instant until which it may be used
	voided int       // see Pacer
}

// State is what a Pacer knows now. Zero times mean "not so".
type State struct {
	Rate        float64   // requests/s in force, the ramp after a backoff included
	Budget      float64   // requests/s without the ramp
	Ceiling     float64   // the part of Budget that is not exceeded in this run, since the upstream refused again and again above it; 1: all
	Lowered     float64   // requests/s to which Ceiling brought Budget when it last fell; 0: it never did, at this rate
	RateBy      string    // the operator who set Budget; empty: the lowest that an active worker asks for
	Until       time.Time // the upstream asked for silence until then
	Hold        time.Time // the operator asked for silence until then
	Unreachable time.Time // the backend does not answer since then
	Outage      time.Time // the upstream has given no success since then
	Limit       harvest.Limit
	Calls       int64 // calls to the backend
	Granted     int64 // slots leased
	Used        int64 // permits handed out and not returned by Unused
	Late        int64 // slots wasted: late, void or returned
	Active      int   // workers that share the budget
}

// ErrUnreachable is wrapped by the error of [Pacer.Backoff] if the backend did not answer. The
// silence holds in this process all the same, and the report is repeated until the backend has it.
var ErrUnreachable = errors.New("the budget's backend does not answer")

// ErrClosed is returned by [Pacer.Wait] after [Pacer.Close].
var ErrClosed = errors.New("the pacer is closed")

// ErrAway means that Redis does not answer for now.
var ErrAway = errors.New("Redis does not answer")

// ErrUnsafeRedis is wrapped by the error of [CheckRedis] for a server with unfit settings: a person
// must change them, waiting does not help.
var ErrUnsafeRedis = errors.New("this Redis is not safe to pace with")

// Backend holds the budgets of hosts. [Local] and [Redis] implement it.
type Backend interface {
	// acquire leases slots. After an error it is unknown whether it did; such slots are wasted,
	// never doubled.
	acquire(ctx context.Context, host string, a ask) (grant, error)
	// backoff silences the fleet. It may be repeated: a repetition extends, it does not cut again.
	backoff(ctx context.Context, host string, r report) (fact, error)
	// repair ends the upstream's silence or, with lost, makes the whole state a new one. It may be
	// repeated.
	repair(ctx context.Context, host string, lost bool) (fact, error)
	// release signs a worker off. It may be repeated.
	release(ctx context.Context, host string, r parting) error
	// subscribe calls hear for each event, and whenever the subscription comes alive or dies, until
	// ctx ends.
	subscribe(ctx context.Context, host string, hear func(event))
}

// report is one backoff: seen is the epoch of the permit that met the refusal.
type report struct {
	seen, delay int64
	cut         bool
}

// parting signs a worker off: last is the due time of the last slot that it leased, back that of
// the last slot that it used.
type parting struct {
	worker     string
	last, back int64
}

// fact is what every operation returns about the silence, by the backend's clock.
type fact struct {
	epoch, until, now int64
}

// event is what a subscriber receives: a fact, or that the subscription came alive or died.
type event struct {
	fact
	turned bool // the subscription came alive or died
	live   bool
}

// DefaultMaxSilence is the longest silence that an upstream gets without a person's consent.
const DefaultMaxSilence = 24 * time.Hour

// fellBehind is how late a slot may be before the process counts as frozen meanwhile.
const fellBehind = 100 * time.Millisecond
