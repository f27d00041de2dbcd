package worker

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// Witnesses are items that landed, by which an outage is told from items that always fail: where a probe of one succeeds,
// the upstream works, and what has only ever failed itself comes to its own end.
type Witnesses struct {
	load   func(ctx context.Context) []harvest.Item
	mu     sync.Mutex
	asked  bool // the store was asked for items
	none   bool // and had none
	items  []harvest.Item
	turn   int       // probes so far: of the items and of what failed, in turns
	failed bool      // a probe of an item failed since the last success
	spans  []span    // of outages that were none
	good   time.Time // when the upstream last worked, as far as this worker has seen
}

// NewWitnesses knows none yet: load gives a few items of the run that landed, and is called when they are needed.
func NewWitnesses(load func(ctx context.Context) []harvest.Item) *Witnesses {
	return &Witnesses{load: load}
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// maxSpans is how many mistaken outages are remembered: tries are older only where the queue is very long.
const maxSpans = 64

// next is the item to probe with a permit that was drawn in an outage, on the connection of that origin; false where the
// failing request itself is to be made.
func (k *Witnesses) next(ctx context.Context, url string) (harvest.Item, bool) {
	k.mu.Lock()
	ask := !k.asked
	k.asked = true
	k.mu.Unlock()
	var loaded []harvest.Item
	if ask {
		loaded = k.load(ctx)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, item := range loaded {
		if originOf(item.URL) == originOf(url) {
			k.items = append(k.items, item)
		}
	}
	if k.none = len(k.items) == 0; k.none && ask {
		k.asked = false // something may land later
	}
	if len(k.items) == 0 {
		return harvest.Item{}, false
	}
	k.turn++
	if k.turn%2 == 0 {
		return harvest.Item{}, false
	}
	return k.items[k.turn/2%len(k.items)], true
}

// testified takes note of what came of a probe at now.
func (k *Witnesses) testified(up bool, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !up {
		k.failed = true
		return
	}
	if !k.failed { // the first probe of something that landed succeeded: there was no outage
		k.spans = append(k.spans, span{k.good, now})
		k.spans = k.spans[max(0, len(k.spans)-maxSpans):]
	}
	k.failed, k.good, k.turn = false, now, 0
}

// worked takes note that the upstream worked at now.
func (k *Witnesses) worked(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed, k.good, k.turn = false, now, 0
}

// since reports whether the upstream has worked since t.
func (k *Witnesses) since(t time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.good.After(t)
}

// pause is how long a call waits that was tried often enough: not at all where a witness can tell at once what is wrong,
// the first time.
func (k *Witnesses) pause(most time.Duration) time.Duration {
	if k == nil {
		return most
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed || k.none {
		return most
	}
	return firstWait
}

// refuted reports whether a try at t fell into an outage that was none.
func (k *Witnesses) refuted(t time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.spans {
		if t.After(s.from) && !t.After(s.to) {
			return true
		}
	}
	return false
}

// originOf is the scheme, host and port of a canonical URL.
func originOf(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// probe uses a permit that was drawn in an outage for an item that once landed, in place of the task, which goes back.
// False: the task itself is to be tried.
func (w *Worker) probe(t *task, slot Slot, permit Permit) bool {
	if w.Pace.State().Limit != harvest.LimitOutage {
		return false
	}
	item, ok := w.witnesses.next(w.feeding, t.request.URL)
	if !ok {
		return false
	}
	request, err := w.Upstream.Request([]harvest.Item{item})
	if err != nil || originOf(request.URL) != originOf(t.request.URL) {
		return false
	}
	if up, _, late := w.inquire(slot, permit, request); !late && w.sending.Err() == nil {
		w.witnesses.testified(up, time.Now())
	}
	w.push(t)
	return true
}

// forgiven reports whether a try at t fell into an outage of the upstream and costs its item nothing.
func (w *Worker) forgiven(t time.Time) bool { return w.Pace.Forgiven(t) && !w.witnesses.refuted(t) }

// doubted reports whether a permit of a call is to be used for something that once landed instead: in an outage, and before
// a call that was tried often enough is given up.
func (c *call) doubted() bool {
	return c.Witnesses != nil && (c.doubt || c.Pace.State().Limit == harvest.LimitOutage)
}

// probe uses the slot and the permit of a call for something that once landed; false where there is nothing.
func (c *call) probe(ctx context.Context, slot Slot, permit Permit) bool {
	item, ok := c.Witnesses.next(ctx, c.request.URL)
	if !ok {
		return false
	}
	c.requests++
	began := time.Now()
	c.Tally.sent(began)
	answer, err := slot.Send(ctx, &harvest.Request{Items: []harvest.Item{item}, Method: http.MethodGet, URL: item.URL}, permit.Usable)
	if c.unused(ctx, permit, err, began) {
		return true
	}
	defer answer.Release()
	up := answer != nil && answer.Status < http.StatusInternalServerError && (answer.Status >= 300 || !foreign(answer.Body))
	permit.Done(ctx, up)
	if answer != nil && answer.Status == http.StatusTooManyRequests {
		return true // that is about our rate
	}
	c.Witnesses.testified(up, time.Now())
	c.doubt = false
	return true
}

// forgiven reports whether a try at t fell into an outage of the upstream.
func (c *call) forgiven(t time.Time) bool {
	return c.Pace.Forgiven(t) && (c.Witnesses == nil || !c.Witnesses.refuted(t))
}
