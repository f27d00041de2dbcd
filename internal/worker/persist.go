package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// The dependencies that a person may read of while they fail.
const (
	noteUpstream = "the upstream"
	noteAsking   = "asking the store"
	noteLanding  = "landing"
)

// storeLimit is how long one query to the store may take.
const storeLimit = 30 * time.Second

// persist repeats what failed for a temporary reason, with growing pauses, until it works, patience
// ends or there is nothing left to wait for.
func (w *Worker) persist(what string, do func() error) error {
	since := time.Now()
	for n := 0; ; n++ {
		err := do()
		if err == nil {
			w.notes.clear(what)
			return nil
		}
		if !w.parts.Temporary(err) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if w.config.Patience > 0 && time.Since(since) > w.config.Patience {
			return exchange.Impatient(what+": the store is away", since, err)
		}
		wait := exchange.PauseAfter(n)
		if w.config.Patience > 0 {
			wait = min(wait, max(exchange.FirstWait, w.config.Patience-time.Since(since)))
		}
		w.notes.set(what, w.trouble(what, err), wait)
		if !exchange.Sleep(w.sending, wait) {
			return fmt.Errorf("%w: %w", w.sending.Err(), err)
		}
	}
}

// trouble returns what a person should know of a store that does not accept pages.
func (w *Worker) trouble(what string, err error) string {
	if w.parts.Full(err) {
		return fmt.Sprintf("store full, %d rows kept", w.kept.Load())
	}
	return fmt.Sprintf("%s: %v", what, err)
}

// dialBackoff counts the times in a row that no connection to the upstream could be
// had. Fetchers that fail together are one incident.
type dialBackoff struct {
	mu    sync.Mutex
	since time.Time
	next  time.Time
	last  time.Time // failures up to here belong to the last incident
	count int
}

// maxAway is the longest pause between two looks for an unreachable upstream.
const maxAway = 10 * time.Second

// tryProbe reports whether to look for the upstream now, or when. While it is away
// one task at a time looks; the others wait.
func (o *dialBackoff) tryProbe(now time.Time) (wait time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count > 0 && now.Before(o.next) {
		return o.next, false
	}
	if o.count > 0 {
		o.next = now.Add(min(maxAway, exchange.PauseAfter(o.count)))
	}
	return now, true
}

// another notes a failure at now; it returns when to try again, how many incidents there were in a
// row and since when.
func (o *dialBackoff) another(now time.Time) (next time.Time, count int, since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		o.since = now
	}
	if o.count == 0 || now.After(o.last) {
		o.next = now.Add(min(maxAway, exchange.PauseAfter(o.count)))
		o.last = o.next.Add(-time.Millisecond)
		o.count++
	}
	return o.next, o.count, o.since
}

// over is called when an exchange was made; it reports whether there was an outage before.
func (o *dialBackoff) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.count > 0
	o.count = 0
	return was
}

// lasts reports whether no connection is possible at present.
func (o *dialBackoff) lasts() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count > 0
}

// requeueUnconnected puts a task back that got no stream. It costs the item nothing:
// no request was made.
func (w *Worker) requeueUnconnected(t *task, err error) {
	now := time.Now()
	if w.feeding.Err() != nil {
		w.abandon(t)
		return
	}
	next, count, since := w.dialBackoff.another(now)
	hopeless := exchange.Hopeless(err, count)
	switch {
	case hopeless != nil:
		w.fail(hopeless)
	case w.config.Patience > 0 && now.Sub(since) > w.config.Patience:
		w.fail(exchange.Impatient("the upstream is not reachable", since, err))
	}
	w.notes.set(noteUpstream, fmt.Sprintf("%s: %v", noteUpstream, err), next.Sub(now))
	t.ready = next
	w.requeue(t)
}

// watchPatience ends the work when pace has waited too long, or would have to.
func (w *Worker) watchPatience(done <-chan struct{}) {
	if w.config.Patience <= 0 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			pace := w.parts.Pace.State()
			switch {
			case pace.Until.Sub(now) > w.config.Patience && pace.Limit == harvest.LimitBackoff:
				w.fail(exchange.SilentUntil(pace.Until))
			case !w.silences.since().IsZero() && now.Sub(w.silences.since()) > w.config.Patience:
				w.fail(fmt.Errorf("%w: the upstream has asked for one silence after another since %s, and answered nothing between", ErrPatience, w.silences.since().Format(time.DateTime)))
			case !pace.Since.IsZero() && now.Sub(pace.Since) > w.config.Patience:
				w.fail(fmt.Errorf("%w: %s since %s%s", ErrPatience, pace.Limit, pace.Since.Format(time.DateTime), w.outageDetail(pace.Limit)))
			}
		}
	}
}

// outageDetail describes, after a sentence, what is wrong with an upstream that is out.
func (w *Worker) outageDetail(limit harvest.Limit) string {
	if why := w.lastUpstreamError(); why != "" && limit == harvest.LimitOutage {
		return ", " + why
	}
	return ""
}
