package exchange

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// Witnesses are items that landed, which tell an outage from items that always fail: where a probe
// of one succeeds, the upstream works, and what has only ever failed itself comes to its own end.
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

// NewWitnesses returns witnesses that know none yet: load returns a few items of the run that
// landed, and is called when they are needed.
func NewWitnesses(load func(ctx context.Context) []harvest.Item) *Witnesses {
	return &Witnesses{load: load}
}

// maxWitnesses is how many items that landed are asked for.
const maxWitnesses = 5

// Landed is what the store knows of items that landed.
type Landed interface {
	// Landed returns up to limit items of the run that landed, by any worker.
	Landed(ctx context.Context, run string, limit int) ([]harvest.Item, error)
}

// WitnessesOf returns the witnesses of a run in the store; without an answer there are none for
// now. It returns nil where there is no store.
func WitnessesOf(store Landed, run string, log *slog.Logger) *Witnesses {
	if store == nil {
		return nil
	}
	return NewWitnesses(func(ctx context.Context) []harvest.Item {
		items, err := store.Landed(ctx, run, maxWitnesses)
		if err != nil && ctx.Err() == nil {
			log.Warn("the store does not answer what has landed", "error", err)
		}
		return items
	})
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// maxSpans is how many mistaken outages are remembered: tries are older only if the queue is very
// long.
const maxSpans = 64

// next returns the item to probe with a permit that was drawn in an outage, on the connection of
// that origin; false if the failing request itself is to be made.
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

// Probe uses what is ready for something that once landed, in place of the request it was for.
// request makes a request of an item. It returns false if there is no such item; ready is then
// unused. load is called with ctx, the exchange ends with sending.
func (k *Witnesses) Probe(ctx, sending context.Context, ready Ready, request func(item harvest.Item) (*harvest.Request, error), reader Reader, past Past) (x Exchange, probed bool) {
	item, ok := k.next(ctx, ready.request.URL)
	if !ok {
		return x, false
	}
	instead, err := request(item)
	if err != nil || originOf(instead.URL) != originOf(ready.request.URL) {
		return x, false
	}
	x = ready.For(instead).Send(sending, reader, past)
	// A 429 is about our rate.
	if x.Made && sending.Err() == nil && (x.Answer == nil || x.Answer.Status != http.StatusTooManyRequests) {
		k.testified(x.Healthy, x.At)
	}
	x.Answer.Release()
	return x, true
}

// testified notes the result of a probe at now.
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

// Worked notes that the upstream worked at now.
func (k *Witnesses) Worked(now time.Time) {
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

// pause returns how long a call waits that was tried often enough: not at all if a witness can show
// at once what is wrong, the first time.
func (k *Witnesses) pause(most time.Duration) time.Duration {
	if k == nil {
		return most
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed || k.none {
		return most
	}
	return FirstWait
}

// Refuted reports whether a try at t fell into an outage that proved to be none.
func (k *Witnesses) Refuted(t time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.spans {
		if t.After(s.from) && !t.After(s.to) {
			return true
		}
	}
	return false
}

// originOf returns the scheme, host and port of a canonical URL.
func originOf(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}

// doubted reports whether a permit of a call is to be used for something that once landed instead:
// in an outage, and before a call that was tried often enough is given up.
func (c *call) doubted() bool {
	return c.Witnesses != nil && (c.doubt || c.Client.Pace.State().Limit == harvest.LimitOutage)
}

// probe uses what is ready for something that once landed; false if there is nothing.
func (c *call) probe(ctx context.Context, ready Ready) bool {
	get := func(item harvest.Item) (*harvest.Request, error) {
		return &harvest.Request{Items: []harvest.Item{item}, Method: http.MethodGet, URL: item.URL}, nil
	}
	x, probed := c.Witnesses.Probe(ctx, ctx, ready, get, reader(glance), Once{Trusted: true, Incidents: c.incidents + 1})
	if x.Sent {
		c.requests++
	}
	if x.Made && (x.Answer == nil || x.Answer.Status != http.StatusTooManyRequests) {
		c.doubt = false
	}
	return probed
}

// glance reads only whether an answer may be an API's.
func glance(answer *harvest.Answer) harvest.Reading {
	if foreign(answer.Body) {
		return harvest.Reading{Fault: harvest.FaultForeign}
	}
	return harvest.Reading{}
}

// forgiven reports whether a try at t fell into an outage of the upstream.
func (c *call) forgiven(t time.Time) bool {
	return c.Client.Pace.Forgiven(t) && (c.Witnesses == nil || !c.Witnesses.Refuted(t))
}
