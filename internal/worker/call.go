package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Caller makes single requests outside of any shard, each with a permit and under the policy of any other: the steps of
// a listing, the question of who we are.
type Caller struct {
	Pace     Pace
	Fetch    Fetcher
	Retry    retry.Policy
	Patience time.Duration // how long one call may fail for reasons that pass; 0 means for ever
	// MaxSilence is the longest silence that is waited for; 0 means any.
	MaxSilence time.Duration
	Tally      *Tally // may be nil
	// Detail is the beginning of a failing answer as text that may be stored; nil keeps none.
	Detail func(answer *harvest.Answer) string
	// Served tells whether the upstream has given others what they asked for since an instant; the zero instant means ever.
	// Where it has since the call first failed, a call that was tried often enough is given up, as an item would be: dead.
	// nil: a call is made until Patience ends.
	Served func(since time.Time) bool
	// Proven says that the settings are right, as when something of the run has landed: then an answer that no API gives is
	// an upstream that is out, and not an address of something else, which is refused after a few tries.
	Proven bool
	// Witnesses tell a call that always fails from an upstream that is out; nil where nothing may have landed.
	Witnesses *Witnesses
	// Waiting is told why a call is made again and when; nil is silent.
	Waiting func(sentence string)
}

// Call makes the request, again where the policy says so, until read accepts an answer. read gets each 2xx answer, whose
// body is void afterwards; its Reading need hold no more than a fault. It returns how many requests that took. The error
// is a Refused, ErrRefused, ErrPatience or ctx's.
func (c *Caller) Call(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) (requests int, err error) {
	call := call{Caller: c, request: request, read: read, began: time.Now()}
	for {
		again, err := call.attempt(ctx)
		if err != nil {
			return call.requests, err
		}
		if again < 0 {
			return call.requests, nil
		}
		if c.Patience > 0 && time.Since(call.began) > c.Patience {
			return call.requests, impatient("the upstream gives no usable answer", call.began, errors.New(call.why))
		}
		if wait := again + call.silence; c.Waiting != nil && wait > 0 {
			c.Waiting(fmt.Sprintf("%s, next try in %s", call.why, wait.Round(100*time.Millisecond)))
		}
		if !sleep(ctx, again) {
			return call.requests, context.Cause(ctx)
		}
	}
}

// call is one call on its way.
type call struct {
	*Caller
	request   *harvest.Request
	read      func(*harvest.Answer) harvest.Reading
	began     time.Time
	why       string
	silence   time.Duration // which pace waits for, before the next attempt
	requests  int
	failures  []time.Time // tries that count, but for those that an outage excuses
	failed    time.Time   // the first of them, excused or not
	incidents int
	renewed   bool
	away      int
	doubt     bool // something that once landed is asked for first
}

// accepted is the delay of a call that needs no other attempt.
const accepted time.Duration = -1

// attempt makes at most one exchange; it returns when to make the next one, or accepted.
func (c *call) attempt(ctx context.Context) (time.Duration, error) {
	slot, err := c.Fetch.Reserve(ctx, c.request.URL)
	if err = ledAstray(c.request, err); isAstray(err) {
		return c.decide(ctx, nil, nil, Decode(reader(c.read), c.Fetch, c.request, nil, err))
	}
	if err != nil {
		return c.unreached(ctx, err)
	}
	permit, err := c.Pace.Wait(ctx)
	if err != nil {
		slot.Release()
		return 0, err
	}
	if !slot.Alive() || !permit.Usable() {
		slot.Release()
		permit.Unused()
		return 0, nil
	}
	if c.doubted() && c.probe(ctx, slot, permit) {
		return 0, context.Cause(ctx)
	}
	began := time.Now()
	c.requests++
	c.Tally.sent(began)
	left := c.Tally.enter(harvest.StageFetch)
	answer, err := slot.Send(ctx, c.request, permit.Usable)
	left()
	c.Tally.spent(harvest.StageFetch, began)
	if c.unused(ctx, permit, err, began) {
		return 0, context.Cause(ctx)
	}
	defer answer.Release()
	if answer != nil {
		c.Tally.received(answer.Wire)
	}
	left = c.Tally.enter(harvest.StageDecode)
	reading := Decode(reader(c.read), c.Fetch, c.request, answer, err)
	left()
	if c.mistaken(reading) {
		permit.Neutral(ctx, true)
	} else {
		permit.Done(ctx, healthy(answer, reading))
	}
	if reading.Next != nil && answer.Status >= 300 {
		c.request = reading.Next
		return 0, nil
	}
	return c.decide(ctx, permit, answer, reading)
}

// unreached is for a connection that could not be had. It costs no permit.
func (c *call) unreached(ctx context.Context, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	c.away++
	c.why, c.silence = err.Error(), 0
	failure, ok := errors.AsType[*harvest.Failure](err)
	if ok && (failure.Fault == harvest.FaultBlocked || c.away >= persistent && (failure.Fault == harvest.FaultTLS || failure.Fault == harvest.FaultCredential)) {
		return 0, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return pauseAfter(c.away), nil
}

func (c *call) facts(answer *harvest.Answer, reading harvest.Reading, now time.Time) retry.Facts {
	facts := retry.Facts{
		Fault: reading.Fault, Reason: reading.Reason, Wait: reading.Wait, Items: 1, Tries: len(c.failures) + 1, Renewed: c.renewed,
		Incidents: c.incidents + 1, Now: now, Jitter: rand.Float64(),
	}
	if answer != nil {
		facts.Status, facts.Header, facts.Took = answer.Status, answer.Header, answer.Took
	}
	return facts
}

// bounded is the error of a silence that is longer than a call may wait.
func (c *call) bounded(d retry.Decision) error {
	if c.MaxSilence > 0 && d.Pause > c.MaxSilence {
		return tooLong(d, c.MaxSilence)
	}
	if c.Patience > 0 && d.Pause > c.Patience {
		return fmt.Errorf("%w: the upstream asked for silence until %s; start again then", ErrPatience, time.Now().Add(d.Pause).Format(time.DateTime))
	}
	return nil
}

func (c *call) decide(ctx context.Context, permit Permit, answer *harvest.Answer, reading harvest.Reading) (time.Duration, error) {
	now := time.Now()
	c.failures = slices.DeleteFunc(c.failures, c.forgiven)
	facts := c.facts(answer, reading, now)
	policy, strange := c.Retry, c.mistaken(reading) && reading.Fault == harvest.FaultForeign
	if strange {
		policy.Retries = min(policy.Retries, maxForeign-1)
	}
	d := retry.Decide(facts, policy)
	c.Tally.misread(d.Hint.Malformed)
	c.why, c.silence = d.Source, d.Pause
	if reading.Cause != nil {
		c.why += ": " + reading.Cause.Error()
	}
	if d.Pause > 0 {
		permit.Backoff(ctx, d.Pause, d.Cut)
		c.Tally.paused(d.Source, d.Pause, d.Cut)
		c.incidents++
	}
	if err := c.bounded(d); err != nil {
		return 0, err
	}
	if c.failed.IsZero() && !d.Free {
		c.failed = now
	}
	switch {
	case d.Verb == retry.Accept:
		return accepted, nil
	case d.Verb == retry.Abort, d.Verb == retry.Skip && (d.Outcome != harvest.Dead || strange || c.givenUp(reading)):
		if strange {
			d.Class = retry.ClassForeign
		}
		return 0, c.refused(d, answer, reading)
	case d.Verb == retry.Skip: // tried often enough for an item; nothing goes on without a call
		c.Tally.retried(d.Source)
		c.doubt = true
		return c.Witnesses.pause(longWait), nil
	}
	if !d.Free {
		c.Tally.retried(d.Source)
		c.failures = append(c.failures, now)
	}
	if d.Renew {
		if _, err := c.Fetch.Renew(ctx); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		c.renewed = true
	}
	return max(0, d.Delay-d.Pause), nil
}

// mistaken tells whether our settings may be what is wrong with an answer: until one was what they expect.
func (c *call) mistaken(reading harvest.Reading) bool {
	return unexpected(reading) && !c.Proven && (c.Served == nil || !c.Served(time.Time{}))
}

// givenUp tells whether a call that was tried often enough ends: the upstream works, for this answer or for others.
func (c *call) givenUp(reading harvest.Reading) bool {
	return c.Served != nil && (c.mistaken(reading) || c.Served(c.failed)) || c.Witnesses != nil && c.Witnesses.since(c.failed)
}

func (c *call) refused(d retry.Decision, answer *harvest.Answer, reading harvest.Reading) *Refused {
	r := &Refused{Text: fmt.Sprintf("%s (%s)", c.why, c.request.URL), Class: d.Class}
	r.Verdict = harvest.Page{Outcome: d.Outcome, Reason: d.Reason, Attempts: c.requests, FetchedAt: time.Now()}
	if answer != nil {
		r.Verdict.Status = answer.Status
		if c.Detail != nil {
			r.Verdict.Detail = c.Detail(answer)
		}
	}
	r.Verdict.Detail = detailed(reading, r.Verdict.Detail)
	return r
}

// reader makes an Upstream of what reads an answer.
type reader func(*harvest.Answer) harvest.Reading

func (r reader) Read(_ *harvest.Request, answer *harvest.Answer) harvest.Reading { return r(answer) }
