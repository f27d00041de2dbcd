package exchange

import (
	"context"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Fetcher holds the connections to the upstream.
type Fetcher interface {
	// Reserve waits for a stream of a live connection to the URL's host. A [*harvest.Failure]
	// explains why there is none.
	Reserve(ctx context.Context, url string) (Slot, error)
	// ReserveIsolated is Reserve on a connection that carries nothing else, for one caller at a
	// time.
	ReserveIsolated(ctx context.Context, url string) (Slot, error)
	// Renew renews the credential after a 401; false when there is none to renew.
	Renew(ctx context.Context) (bool, error)
	// Redirect returns the next request after a 3xx answer; a [*harvest.Failure] if it must not be
	// followed.
	Redirect(request *harvest.Request, answer *harvest.Answer) (*harvest.Request, error)
}

// Slot is a reserved stream. Exactly one of Send and Release ends it.
type Slot interface {
	// Alive reports whether Send would go out at once.
	Alive() bool
	// Send makes one exchange, never repeated underneath. usable is called again right before the
	// request leaves. The error is [harvest.ErrLate], and nothing was sent, or a
	// [*harvest.Failure].
	Send(ctx context.Context, request *harvest.Request, usable func() bool) (*harvest.Answer, error)
	Release()
}

// Pace decides when to send.
type Pace interface {
	// Wait blocks until a permit is due, at most for as long as ctx lives. Any error but ctx's
	// means that there is no permit until a person has changed something.
	Wait(ctx context.Context) (Permit, error)
	// Expect announces that this many more callers will come soon.
	Expect(callers int)
	// Forgiven reports whether a try at t fell into an outage of the upstream and costs its item
	// nothing.
	Forgiven(t time.Time) bool
	// State returns what pace waits for now.
	State() PaceState
}

// Permit is the right to send one request now.
type Permit interface {
	// Usable reports whether it may still be used.
	Usable() bool
	// Unused gives it up: the slot is wasted, never used twice.
	Unused()
	// Done reports how the exchange ended; ok when the upstream works.
	Done(ctx context.Context, ok bool)
	// Neutral reports that the exchange is no evidence about the upstream. If pace must know all
	// the same, because it asked for a probe, it takes up as the answer.
	Neutral(ctx context.Context, up bool)
	// Backoff asks the whole fleet for silence; cut means that our rate caused it.
	Backoff(ctx context.Context, silence time.Duration, cut bool)
}

// PaceState is pace as a person and --patience see it.
type PaceState = harvest.Pacing

// Reader decodes answers.
type Reader interface {
	// Read decodes a complete 2xx answer.
	Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading
}

// Past is what the caller knows of a request when its answer has come. The methods are called at
// most once an attempt, in this order, and never fail.
type Past interface {
	// Proven reports whether our settings are right, as when something of the run has landed. Until
	// then an answer that they do not expect may be a mistake of ours.
	Proven() bool
	// Facts adds what came before: Items, Tries, Free, Renewed and Incidents. The attempt ended at
	// facts.Now; excusable is the same instant, or zero if no outage can excuse the try.
	Facts(facts retry.Facts, excusable time.Time) retry.Facts
	// Blames reports whether a failure at now is a sign of an outage, rather than of something
	// about this request.
	Blames(now time.Time) bool
}
