package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"shoal/internal/harvest"
)

const (
	firstWait = 250 * time.Millisecond
	longWait  = 30 * time.Second
)

// The dependencies that a person may read of while they fail.
const (
	noteUpstream = "the upstream"
	noteAsking   = "asking the store"
	noteLanding  = "landing"
)

// storeLimit is how long one question to the store may take.
const storeLimit = 30 * time.Second

// persist repeats what failed for a reason that passes, with growing pauses,
// until it works, patience ends or nothing is to be waited for any more.
func (w *Worker) persist(what string, do func() error) error {
	since := time.Now()
	for n := 0; ; n++ {
		err := do()
		if err == nil {
			w.notes.clear(what)
			return nil
		}
		if !w.Temporary(err) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if w.Patience > 0 && time.Since(since) > w.Patience {
			return impatient(what+": the store is away", since, err)
		}
		wait := pauseAfter(n)
		if w.Patience > 0 {
			wait = min(wait, max(firstWait, w.Patience-time.Since(since)))
		}
		w.notes.set(what, w.trouble(what, err), wait)
		if !sleep(w.sending, wait) {
			return fmt.Errorf("%w: %w", w.sending.Err(), err)
		}
	}
}

// trouble is what a person should know of a store that does not take what it is given.
func (w *Worker) trouble(what string, err error) string {
	if w.Full(err) {
		return fmt.Sprintf("store full, %d rows kept", w.kept.Load())
	}
	return fmt.Sprintf("%s: %v", what, err)
}

// pauseAfter doubles from firstWait to longWait, with a quarter of it at random.
func pauseAfter(n int) time.Duration {
	wait := min(firstWait<<min(n, 10), longWait)
	return wait - rand.N(wait/4)
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// outages counts the times in a row that no connection to the upstream could be
// had. Fetchers that fail together are one incident.
type outages struct {
	mu    sync.Mutex
	since time.Time
	next  time.Time
	last  time.Time // failures up to here belong to the last incident
	count int
}

// mostAway is the longest pause between two looks for an upstream that is away.
const mostAway = 10 * time.Second

// scout tells whether to look for the upstream now, or when. While it is away
// one task at a time looks; the others wait.
func (o *outages) scout(now time.Time) (wait time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count > 0 && now.Before(o.next) {
		return o.next, false
	}
	if o.count > 0 {
		o.next = now.Add(min(mostAway, pauseAfter(o.count)))
	}
	return now, true
}

// another notes a failure at now; it returns when to try again, how many
// incidents there were in a row and since when.
func (o *outages) another(now time.Time) (next time.Time, count int, since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		o.since = now
	}
	if o.count == 0 || now.After(o.last) {
		o.next = now.Add(min(mostAway, pauseAfter(o.count)))
		o.last = o.next.Add(-time.Millisecond)
		o.count++
	}
	return o.next, o.count, o.since
}

// over is called when an exchange was made; it tells whether there was an outage before.
func (o *outages) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.count > 0
	o.count = 0
	return was
}

// lasts tells whether no connection can be had at present.
func (o *outages) lasts() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count > 0
}

// persistent is how many incidents in a row make a refusal of a certificate or a
// credential something that a person must look at.
const persistent = 4

// errBarren is what an upstream is that takes connections and closes them before a request.
var errBarren = &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("it closes its connections before a request is sent")}

// unconnected puts a task back that got no stream. It costs the item nothing:
// no request was made.
func (w *Worker) unconnected(t *task, err error) {
	now := time.Now()
	if w.feeding.Err() != nil {
		w.drop(len(t.items))
		return
	}
	next, count, since := w.away.another(now)
	var failure *harvest.Failure
	errors.As(err, &failure)
	switch {
	case failure != nil && failure.Fault == harvest.FaultBlocked,
		failure != nil && count >= persistent && (failure.Fault == harvest.FaultTLS || failure.Fault == harvest.FaultCredential):
		w.fail(fmt.Errorf("%w: %w", ErrRefused, err))
	case w.Patience > 0 && now.Sub(since) > w.Patience:
		w.fail(impatient("the upstream is not reachable", since, err))
	}
	w.notes.set(noteUpstream, fmt.Sprintf("%s: %v", noteUpstream, err), next.Sub(now))
	t.ready = next
	w.push(t)
}

// watchPatience ends the work when pace has waited too long, or would have to.
func (w *Worker) watchPatience(done <-chan struct{}) {
	if w.Patience <= 0 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			pace := w.Pace.State()
			switch {
			case pace.Until.Sub(now) > w.Patience && pace.Limit == harvest.LimitBackoff:
				w.fail(fmt.Errorf("%w: the upstream asked for silence until %s; start again then", ErrPatience, pace.Until.Format(time.DateTime)))
			case !w.proof.silentSince().IsZero() && now.Sub(w.proof.silentSince()) > w.Patience:
				w.fail(fmt.Errorf("%w: the upstream has asked for one silence after another since %s, and answered nothing between", ErrPatience, w.proof.silentSince().Format(time.DateTime)))
			case !pace.Since.IsZero() && now.Sub(pace.Since) > w.Patience:
				w.fail(fmt.Errorf("%w: %s since %s%s", ErrPatience, pace.Limit, pace.Since.Format(time.DateTime), w.illness(pace.Limit)))
			}
		}
	}
}

// illness says, behind a sentence, what is wrong with an upstream that is out.
func (w *Worker) illness(limit harvest.Limit) string {
	if why := w.ailment(); why != "" && limit == harvest.LimitOutage {
		return ", " + why
	}
	return ""
}

// calmed tells whether a connection was refused because we send too much: that
// is an answer to our rate and for the whole fleet, not a connection that is away.
func calmed(err error) bool {
	var failure *harvest.Failure
	return errors.As(err, &failure) && failure.Fault == harvest.FaultCalm
}
