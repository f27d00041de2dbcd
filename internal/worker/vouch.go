package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

const (
	// maxNeighbours is how many items of other shards may be requested before a shard in which
	// nothing landed counts as a mistake in the settings.
	maxNeighbours = 10
	// maxWitnesses is how many landed items are kept to judge the upstream by.
	maxWitnesses = 5
)

// neighbours are a few items of other shards, as the pass over the corpus meets them.
type neighbours struct {
	mu    sync.Mutex
	items []harvest.Item
}

func (n *neighbours) add(item harvest.Item) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.items) < maxNeighbours {
		n.items = append(n.items, item)
	}
}

func (n *neighbours) take() []harvest.Item {
	n.mu.Lock()
	defer n.mu.Unlock()
	items := n.items
	n.items = nil
	return items
}

// conclude settles what is still held when no attempt is under way any more.
func (w *Worker) conclude() {
	if w.feeding.Err() != nil {
		return
	}
	if stop := w.canary.Unproven(); stop != "" && !w.vouched(stop) {
		w.fail(w.refusal(stop, ""))
		return
	}
	w.releaseHeld(w.canary.Rest())
}

// vouched reports whether the upstream and our settings are right although the items seen so far
// suggest otherwise: something of the run has landed elsewhere, or is served now. Then what is held
// is how its items ended.
func (w *Worker) vouched(stop retry.Stop) bool {
	if w.vouching.Acquire(w.feeding, 1) != nil { // one asks, the others take its answer
		return false
	}
	defer w.vouching.Release(1)
	switch stop {
	case retry.StopForeign:
		return w.canary.Expected() || len(w.landedItems(w.feeding)) > 0
	case retry.StopCanary:
		return w.canary.Proven() || len(w.landedItems(w.feeding)) > 0 || w.served(w.neighbours.take())
	case retry.StopRefused:
		return w.served(w.landedItems(w.feeding))
	case retry.StopLimited:
	}
	return false
}

// served requests one item after another until one lands. It keeps nothing of them.
func (w *Worker) served(items []harvest.Item) bool {
	for _, item := range items {
		if w.ask(item) {
			return true
		}
		if w.feeding.Err() != nil {
			return false
		}
	}
	return false
}

// landedItems returns a few items of the run that landed, by any worker; none if the store does not
// answer.
func (w *Worker) landedItems(ctx context.Context) []harvest.Item {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	items, err := w.parts.Store.Landed(ctx, w.config.Run.Name, maxWitnesses)
	if err != nil && w.feeding.Err() == nil {
		w.parts.Log.Warn("the store does not answer what has landed", "error", err)
	}
	return items
}

// ask makes one exchange outside of any task, with a permit of its own, to learn the upstream's
// state; it does not keep the answer.
func (w *Worker) ask(item harvest.Item) (landed bool) {
	request, err := w.question(item)
	if err != nil {
		return false
	}
	for {
		ready, err := w.client.Ready(w.feeding, request, false)
		if err == nil {
			if x := ready.Send(w.sending, w.parts.Upstream, w.asked()); x.Made {
				landed = w.learn(x)
				x.Answer.Release()
				return landed
			}
		} else if !errors.Is(err, harvest.ErrLate) {
			return false
		}
		if w.feeding.Err() != nil || w.sending.Err() != nil {
			return false
		}
	}
}

// question returns the request for one item.
func (w *Worker) question(item harvest.Item) (*harvest.Request, error) {
	return w.parts.Upstream.Request([]harvest.Item{item})
}

// asked is the past of a question.
type asked struct {
	exchange.Once

	silences *silences
}

// Facts implements [exchange.Past].
func (a asked) Facts(facts retry.Facts, excusable time.Time) retry.Facts {
	facts = a.Once.Facts(facts, excusable)
	facts.Incidents = a.silences.incident(facts.Now)
	return facts
}

func (w *Worker) asked() exchange.Past { return asked{exchange.Once{Trusted: true}, &w.silences} }

// learn notes what a question has shown; it reports whether its item would land.
func (w *Worker) learn(x exchange.Exchange) (landed bool) {
	if x.Healthy {
		w.lastGood.Store(x.At.UnixNano())
	}
	if x.Decision.Verb == retry.Accept {
		w.lastAccepted.Store(x.At.UnixNano())
		w.silences.end() // the upstream answers others
	}
	if x.Decision.Pause > 0 {
		w.pause(x.Decision, x.At)
	}
	return slices.ContainsFunc(x.Reading.Pages, func(page harvest.Page) bool { return page.Outcome == harvest.Landed })
}
