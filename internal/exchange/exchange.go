package exchange

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Client makes exchanges, each with a permit of its own. It is safe for concurrent use.
type Client struct {
	Pace     Pace
	Fetch    Fetcher
	Policy   retry.Policy
	Counters *Counters // may be nil
	Timed    bool      // the instants of each attempt are taken
	// Waiting returns how many callers will soon need a permit besides those that wait for one; nil
	// means none.
	Waiting func() int

	sent, wire, inFlight, pacing, gone atomic.Int64
}

// withRetries returns a client for the same upstream that makes n tries after the first.
func (c *Client) withRetries(n int) *Client {
	policy := c.Policy
	policy.Retries = n
	return &Client{Pace: c.Pace, Fetch: c.Fetch, Policy: policy, Counters: c.Counters, Timed: c.Timed, Waiting: c.Waiting}
}

// Sent returns how many requests have left so far.
func (c *Client) Sent() int64 { return c.sent.Load() }

// Wire returns how many bytes have come.
func (c *Client) Wire() int64 { return c.wire.Load() }

// InFlight returns how many requests wait for their answer now.
func (c *Client) InFlight() int64 { return c.inFlight.Load() }

// Pacing returns how many callers wait for a permit now.
func (c *Client) Pacing() int64 { return c.pacing.Load() }

// Unreached is why there was no connection. It cost no permit.
type Unreached struct{ Err error }

// Error implements error.
func (u *Unreached) Error() string { return u.Err.Error() }

// Unwrap implements [errors.Is].
func (u *Unreached) Unwrap() error { return u.Err }

// maxGone is how many connections in a row may close before their first request until the upstream
// counts as unreachable.
const maxGone = 5

// errClosedUnused is the error of an upstream that accepts connections and closes them before a
// request.
var errClosedUnused = &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("it closes its connections before a request is sent")}

// Ready is the stream of a live connection and the permit for one request. Exactly one Send ends
// it.
type Ready struct {
	client  *Client
	request *harvest.Request
	slot    Slot
	permit  Permit
	news    error // about this request, which is decided without being sent
	times   harvest.Times
}

// now returns the present if instants are taken.
func (c *Client) now() (t time.Time) {
	if c.Timed {
		t = time.Now()
	}
	return t
}

// Ready waits for a stream, and then for a permit; own requires a connection that carries nothing
// else. The error is an [*Unreached], [harvest.ErrLate] if the permit or the connection expired and
// the caller has to try again, or what ended the wait.
func (c *Client) Ready(ctx context.Context, request *harvest.Request, own bool) (Ready, error) {
	reserve := c.Fetch.Reserve
	if own {
		reserve = c.Fetch.ReserveIsolated
	}
	times := harvest.Times{Began: c.now()}
	left := c.Counters.Enter(harvest.StageConnect)
	slot, unreached := reserve(ctx, request.URL)
	left()
	times.Connected = c.now()
	news := ledAstray(request, unreached)
	if news != nil && !calmed(news) && !isAstray(news) {
		return Ready{}, &Unreached{unreached}
	}
	permit, err := c.permit(ctx)
	if err != nil {
		if slot != nil {
			slot.Release()
		}
		return Ready{}, err
	}
	if slot == nil { // nothing is sent: the news is the answer
		return Ready{client: c, request: request, permit: permit, news: news}, nil
	}
	if alive := slot.Alive(); !alive || !permit.Usable() {
		slot.Release()
		permit.Unused()
		if !alive && c.gone.Add(1) >= maxGone {
			return Ready{}, &Unreached{errClosedUnused}
		}
		return Ready{}, harvest.ErrLate
	}
	c.gone.Store(0)
	return Ready{client: c, request: request, slot: slot, permit: permit, times: times}, nil
}

func (c *Client) permit(ctx context.Context) (Permit, error) {
	c.pacing.Add(1)
	defer c.pacing.Add(-1)
	if c.Waiting != nil {
		c.Pace.Expect(c.Waiting())
	}
	defer c.Counters.Enter(harvest.StagePermit)()
	return c.Pace.Wait(ctx)
}

// For returns the same stream and permit for another request to the same origin.
func (r Ready) For(request *harvest.Request) Ready {
	r.request = request
	return r
}

// Suits reports whether For may be used for that request: it goes to the same origin, and what is
// ready is a stream.
func (r Ready) Suits(request *harvest.Request) bool {
	return r.news == nil && originOf(request.URL) == originOf(r.request.URL)
}

// Exchange is the result of one attempt. The caller acts on it, and releases the Answer.
type Exchange struct {
	// Made reports that there is something to act on. Otherwise no request has left, or its answer
	// is not needed any more: the request has to be made again, unless the work ends.
	Made     bool
	Sent     bool            // a request has left
	Answer   *harvest.Answer // nil if none came
	Reading  harvest.Reading
	Decision retry.Decision // zero after a redirect
	Mistaken bool           // the answer is not what our settings expect, which may be wrong
	Healthy  bool           // the upstream works
	At       time.Time      // when the answer was there
	Times    harvest.Times  // whole only if the client is Timed
}

// Redirected returns the request that a redirect leads to; nil without one.
func (x *Exchange) Redirected() *harvest.Request {
	if x.Answer == nil || x.Answer.Status < 300 {
		return nil
	}
	return x.Reading.Next
}

// maxForeign is how often a request is made whose answers no API would send.
const maxForeign = 3

// maxMisfit is how often a request is made whose answers a setting does not fit: an API may answer
// with an error once.
const maxMisfit = 2

// Send makes the exchange: it sends the request, decodes the answer, lets the policy decide what
// follows, and reports to pace the upstream's state and the silence that it asks for.
func (r Ready) Send(ctx context.Context, reader Reader, past Past) Exchange {
	c := r.client
	if r.news != nil {
		x := Exchange{Made: true, Reading: c.decode(reader, r.request, nil, r.news), At: time.Now()}
		r.decide(ctx, &x, past)
		return x
	}
	c.sent.Add(1)
	c.inFlight.Add(1)
	began := time.Now()
	c.Counters.sent(began)
	left := c.Counters.Enter(harvest.StageFetch)
	answer, err := r.slot.Send(ctx, r.request, r.permit.Usable)
	left()
	c.inFlight.Add(-1)
	late := errors.Is(err, harvest.ErrLate)
	if late {
		c.sent.Add(-1)
		c.Counters.unsent(began)
	}
	if late || err != nil && ctx.Err() != nil { // there is nothing to learn
		r.permit.Unused()
		return Exchange{Sent: !late}
	}
	x := Exchange{Made: true, Sent: true, Answer: answer, At: time.Now(), Times: r.times}
	if answer != nil {
		c.wire.Add(answer.Wire)
		c.Counters.received(answer.Wire)
	}
	left = c.Counters.Enter(harvest.StageDecode)
	x.Reading = c.decode(reader, r.request, answer, err)
	left()
	x.Times.Permitted, x.Times.Answered, x.Times.Decoded = began, x.At, c.now()
	r.decide(ctx, &x, past)
	return x
}

// decide asks the policy what the attempt means. While our settings are not proven, an answer that
// no API sends soon counts as a mistake in the address rather than an outage: it is requested again
// twice; one that a setting does not fit, once.
func (r *Ready) decide(ctx context.Context, x *Exchange, past Past) {
	if x.Redirected() != nil {
		x.Healthy = true
		r.permit.Done(ctx, true)
		return
	}
	c := r.client
	x.Mistaken = unexpected(x.Reading) && !past.Proven()
	x.Healthy = healthy(x.Answer, x.Reading)
	policy, strange := c.Policy, x.Mistaken && x.Reading.Fault == harvest.FaultForeign
	if strange {
		policy.Retries = min(policy.Retries, maxForeign-1)
	}
	if x.Mistaken && x.Reading.Setting != "" {
		policy.Retries = min(policy.Retries, maxMisfit-1)
	}
	facts := retry.Facts{Fault: x.Reading.Fault, Reason: x.Reading.Reason, Wait: x.Reading.Wait, Now: x.At, Jitter: rand.Float64()}
	if x.Answer != nil {
		facts.Status, facts.Header, facts.Took = x.Answer.Status, x.Answer.Header, x.Answer.Took
	}
	facts = past.Facts(facts, x.Excusable())
	x.Decision = retry.Decide(facts, policy)
	if strange && facts.Tries > 1 {
		x.Decision.Class = retry.ClassForeign
	}
	r.report(ctx, x, past)
	c.Counters.misread(x.Decision.Hint.Malformed)
	if x.Decision.Pause > 0 {
		r.permit.Backoff(ctx, x.Decision.Pause, x.Decision.Cut)
	}
}

// report reports the upstream's state to pace.
func (r *Ready) report(ctx context.Context, x *Exchange, past Past) {
	switch {
	case x.Mistaken:
		r.permit.Neutral(ctx, true)
	case x.Healthy:
		r.permit.Done(ctx, true)
	case past.Blames(x.At):
		r.permit.Done(ctx, false)
	default:
		r.permit.Neutral(ctx, false)
	}
}

// Excusable returns when the try ended, for pace to compare with outages; zero if the upstream
// worked.
func (x *Exchange) Excusable() time.Time {
	if x.Mistaken {
		return time.Time{}
	}
	return x.At
}

// calmed reports whether a connection was refused because we send too much: that is an answer to
// our rate and for the whole fleet, not an unreachable server.
func calmed(err error) bool {
	failure, ok := errors.AsType[*harvest.Failure](err)
	return ok && failure.Fault == harvest.FaultCalm
}
