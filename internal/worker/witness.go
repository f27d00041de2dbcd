package worker

import (
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// witnesses are items that landed, by which an outage is told from items that always fail: where a probe of one succeeds,
// the upstream works, and what has only ever failed itself comes to its own end.
type witnesses struct {
	mu     sync.Mutex
	asked  bool // the store was asked for items
	items  []harvest.Item
	turn   int       // probes so far: of the items and of what failed, in turns
	failed bool      // a probe of an item failed since the last success
	spans  []span    // of outages that were none
	good   time.Time // when the upstream last worked, as far as this worker has seen
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// maxSpans is how many mistaken outages are remembered: tries are older only where the queue is very long.
const maxSpans = 64

// next is the item to probe with a permit that was drawn in an outage, on the connection of that origin; false where the
// failing request itself is to be made.
func (k *witnesses) next(url string, load func() []harvest.Item) (harvest.Item, bool) {
	k.mu.Lock()
	ask := !k.asked
	k.asked = true
	k.mu.Unlock()
	var loaded []harvest.Item
	if ask {
		loaded = load()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, item := range loaded {
		if originOf(item.URL) == originOf(url) {
			k.items = append(k.items, item)
		}
	}
	if ask && len(k.items) == 0 {
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
func (k *witnesses) testified(up bool, now time.Time) {
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
func (k *witnesses) worked(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed, k.good, k.turn = false, now, 0
}

// refuted reports whether a try at t fell into an outage that was none.
func (k *witnesses) refuted(t time.Time) bool {
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
	item, ok := w.witnesses.next(t.request.URL, w.landedItems)
	if !ok {
		return false
	}
	request, err := w.Upstream.Request([]harvest.Item{item})
	if err != nil || originOf(request.URL) != originOf(t.request.URL) {
		return false
	}
	up, _ := w.inquire(slot, permit, request)
	if w.sending.Err() == nil {
		w.witnesses.testified(up, time.Now())
	}
	w.queue.push(t)
	return true
}

// forgiven reports whether a try at t fell into an outage of the upstream and costs its item nothing.
func (w *Worker) forgiven(t time.Time) bool { return w.Pace.Forgiven(t) && !w.witnesses.refuted(t) }
