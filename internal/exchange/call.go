package exchange

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Caller makes single requests outside of any shard, such as the steps of a listing or the question
// of who we are. Each attempt is an [Exchange] like any other.
type Caller struct {
	Client   *Client
	Patience time.Duration // how long one call may fail for reasons that pass; 0 means for ever
	// MaxSilence is the longest silence that is waited for; 0 means any.
	MaxSilence time.Duration
	// Detail returns the beginning of a failing answer as text that may be stored; nil keeps none.
	Detail func(answer *harvest.Answer) string
	// Served reports whether the upstream has served other requests since an instant; the zero
	// instant means ever. If it has since the call first failed, a call that was tried often enough
	// is given up, as an item would be: dead. If nil, a call is made until Patience ends.
	Served func(since time.Time) bool
	// Proven means that the settings are right, as when something of the run has landed. Then an
	// answer that no API sends comes from an upstream that is out, and not from a wrong address,
	// which is refused after a few tries.
	Proven bool
	// Witnesses distinguish a call that always fails from an upstream that is out; nil if nothing
	// may have landed.
	Witnesses *Witnesses
	// Before is called before each attempt, which waits for it; its error ends the call. nil:
	// nothing comes before.
	Before func(ctx context.Context) error
	// Between is called when another attempt is to follow one, before the pause; nil: nothing does.
	Between func(ctx context.Context)
	// Waiting is called with why a call is made again and when; nil is silent.
	Waiting func(sentence string)
}

// Call makes the request, and repeats it as the policy decides, until read accepts an answer. read
// gets each 2xx answer, whose body is void afterwards; its Reading need hold no more than a fault.
// Call returns how many requests that took. The error is a [*Refused], [ErrRefused], [ErrPatience]
// or ctx's.
func (c *Caller) Call(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) (requests int, err error) {
	call := call{Caller: c, request: request, read: read, began: time.Now()}
	for {
		if err := call.before(ctx); err != nil {
			return call.requests, err
		}
		again, err := call.attempt(ctx)
		if err != nil || again < 0 {
			return call.requests, err
		}
		if c.Between != nil {
			c.Between(ctx)
		}
		if c.Patience > 0 && time.Since(call.began) > c.Patience {
			return call.requests, Impatient("the upstream gives no usable answer", call.began, errors.New(call.why))
		}
		if wait := again + call.silence; c.Waiting != nil && wait > 0 {
			c.Waiting(fmt.Sprintf("%s, next try in %s", call.why, wait.Round(100*time.Millisecond)))
		}
		if !Sleep(ctx, again) {
			return call.requests, context.Cause(ctx)
		}
	}
}

// Asker makes single requests for what does not count them.
type Asker struct{ Caller Caller }

// Call is [Caller.Call] without the count of requests.
func (a Asker) Call(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error {
	_, err := a.Caller.Call(ctx, request, read)
	return err
}

// Once is Call of a request whose refusal stands: it is not made again.
func (a Asker) Once(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error {
	a.Caller.Client = a.Caller.Client.withRetries(0)
	return a.Call(ctx, request, read)
}

// call is one call on its way. It is the [Past] of its attempts.
type call struct {
	*Caller
	request   *harvest.Request
	read      func(*harvest.Answer) harvest.Reading
	began     time.Time
	why       string
	silence   time.Duration // which pace waits for, before the next attempt
	requests  int
	failures  Tries
	failed    time.Time // the first of them, excused or not
	incidents int
	renewed   bool
	unreached int
	doubt     bool // something that once landed is asked for first
}

func (c *call) before(ctx context.Context) error {
	if c.Before == nil {
		return nil
	}
	return c.Before(ctx)
}

// accepted is the delay of a call that needs no other attempt.
const accepted time.Duration = -1

// attempt makes at most one exchange; it returns when to make the next one, or accepted.
func (c *call) attempt(ctx context.Context) (time.Duration, error) {
	ready, err := c.Client.Ready(ctx, c.request, false)
	unreached, ok := errors.AsType[*Unreached](err)
	switch {
	case ok:
		return c.away(ctx, unreached.Err)
	case errors.Is(err, harvest.ErrLate):
		return 0, nil
	case err != nil:
		return 0, err
	}
	if c.doubted() && c.probe(ctx, ready) {
		return 0, context.Cause(ctx)
	}
	x := ready.Send(ctx, reader(c.read), c)
	if x.Sent {
		c.requests++
	}
	if !x.Made {
		return 0, context.Cause(ctx)
	}
	defer x.Answer.Release()
	if next := x.Redirected(); next != nil {
		c.request = next
		return 0, nil
	}
	return c.act(ctx, &x)
}

// away handles a failed connection.
func (c *call) away(ctx context.Context, err error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	c.unreached++
	c.why, c.silence = err.Error(), 0
	if err := Hopeless(err, c.unreached); err != nil {
		return 0, err
	}
	return PauseAfter(c.unreached), nil
}

// Proven implements [Past].
func (c *call) Proven() bool { return c.Caller.Proven || c.Served != nil && c.Served(time.Time{}) }

// Facts implements [Past].
func (c *call) Facts(facts retry.Facts, excusable time.Time) retry.Facts {
	facts.Items, facts.Tries, facts.Renewed, facts.Incidents = 1, c.failures.Used(excusable, c.forgiven), c.renewed, c.incidents+1
	return facts
}

// Blames implements [Past].
func (c *call) Blames(time.Time) bool { return true }

// act does what the policy decided.
func (c *call) act(ctx context.Context, x *Exchange) (time.Duration, error) {
	d := x.Decision
	c.why, c.silence = d.Source, d.Pause
	if x.Reading.Cause != nil {
		c.why += ": " + x.Reading.Cause.Error()
	}
	if x.Reading.Setting != "" {
		c.why += "; is " + x.Reading.Setting + " right?"
	}
	if d.Pause > 0 {
		c.Client.Counters.Paused(x.At, d.Source, d.Pause, d.Cut)
		c.incidents++
	}
	if err := Bounded(d, x.At, c.MaxSilence, c.Patience); err != nil {
		return 0, err
	}
	if c.failed.IsZero() && !d.Free {
		c.failed = x.At
	}
	switch {
	case d.Verb == retry.Accept:
		return accepted, nil
	case d.Verb == retry.Abort, d.Verb == retry.Skip && (d.Outcome != harvest.Dead || c.givenUp(x)):
		return 0, c.refused(x)
	case d.Verb == retry.Skip: // tried often enough for an item; nothing continues without a call
		c.Client.Counters.Retried(d.Source)
		c.doubt = true
		return c.Witnesses.pause(LongWait), nil
	}
	if !d.Free {
		c.Client.Counters.Retried(d.Source)
		c.failures = append(c.failures, x.Excusable())
	}
	if d.Renew {
		if _, err := c.Client.Fetch.Renew(ctx); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		c.renewed = true
	}
	return max(0, d.Delay-d.Pause), nil
}

// givenUp reports whether a call that was tried often enough ends: the address is wrong, or the
// upstream works, for this answer or for others.
func (c *call) givenUp(x *Exchange) bool {
	return x.Mistaken && (x.Reading.Fault == harvest.FaultForeign || x.Reading.Setting != "" || c.Served != nil) ||
		c.Served != nil && c.Served(c.failed) || c.Witnesses != nil && c.Witnesses.since(c.failed)
}

func (c *call) refused(x *Exchange) *Refused {
	d := x.Decision
	r := &Refused{Text: fmt.Sprintf("%s (%s)", c.why, c.request.URL), Class: d.Class, Setting: x.Reading.Setting}
	if x.Mistaken && x.Reading.Fault == harvest.FaultForeign {
		r.Class = retry.ClassForeign
	}
	r.Verdict = harvest.Page{Outcome: d.Outcome, Reason: d.Reason, Attempts: c.requests, FetchedAt: time.Now()}
	if x.Answer != nil {
		r.Verdict.Status = x.Answer.Status
		if c.Detail != nil {
			r.Verdict.Detail = c.Detail(x.Answer)
		}
	}
	r.Verdict.Detail = Detailed(x.Reading, r.Verdict.Detail)
	return r
}

// reader makes a [Reader] of a function.
type reader func(*harvest.Answer) harvest.Reading

// Read implements [Reader].
func (r reader) Read(_ *harvest.Request, answer *harvest.Answer) harvest.Reading { return r(answer) }
