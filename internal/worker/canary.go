package worker

import (
	"context"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

const (
	// maxNeighbours is how many items of other shards may be asked for before a shard in which nothing landed counts as a
	// mistake in the settings.
	maxNeighbours = 10
	// maxWitnesses is how many landed items are known by which the upstream can be judged.
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
	if stop := w.proof.unproven(); stop != "" && !w.vouched(stop) {
		w.fail(w.proof.refusal(stop, ""))
		return
	}
	w.pass(w.proof.rest())
}

// vouched reports whether the upstream and our settings are right although the items seen so far say otherwise: something
// of the run has landed elsewhere, or is served now. Then what is held is how its items ended.
func (w *Worker) vouched(stop retry.Stop) bool {
	if w.vouching.Acquire(w.feeding, 1) != nil { // one asks, the others take its answer
		return false
	}
	defer w.vouching.Release(1)
	switch stop {
	case retry.StopForeign:
		return w.proof.expected() || len(w.landedItems(w.feeding)) > 0
	case retry.StopCanary:
		return w.proof.proven() || len(w.landedItems(w.feeding)) > 0 || w.served(w.neighbours.take())
	case retry.StopRefused:
		return w.served(w.landedItems(w.feeding))
	case retry.StopLimited:
	}
	return false
}

// served asks for one item after another until one lands. Nothing of it is kept.
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

// landedItems are a few items of the run that landed, by whichever worker; none where the store does not answer.
func (w *Worker) landedItems(ctx context.Context) []harvest.Item {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	items, err := w.Store.Landed(ctx, w.Run.Name, maxWitnesses)
	if err != nil && w.feeding.Err() == nil {
		w.Log.Warn("the store does not say what has landed", "error", err)
	}
	return items
}

// ask makes one exchange outside of any task, with a permit of its own: to learn how the upstream is, not to keep what
// it answers.
func (w *Worker) ask(item harvest.Item) (landed bool) {
	request, err := w.Upstream.Request([]harvest.Item{item})
	if err != nil {
		return false
	}
	for {
		landed, late := w.askOnce(request)
		if !late || w.feeding.Err() != nil {
			return landed
		}
	}
}

// askOnce makes at most one exchange; late says that its permit could not be used, and nothing is learnt.
func (w *Worker) askOnce(request *harvest.Request) (landed, late bool) {
	slot, err := w.Fetch.Reserve(w.feeding, request.URL)
	if err != nil {
		return false, false
	}
	permit, err := w.Pace.Wait(w.feeding)
	if err != nil {
		slot.Release()
		return false, false
	}
	if alive := slot.Alive(); !alive || !permit.Usable() {
		slot.Release()
		permit.Unused()
		return false, alive
	}
	_, landed, late = w.inquire(slot, permit, request)
	return landed, late
}

// inquire makes the exchange of askOnce: up says that the upstream works, landed that the item would land.
func (w *Worker) inquire(slot Slot, permit Permit, request *harvest.Request) (up, landed, late bool) {
	w.requests.Add(1)
	w.inFlight.Add(1)
	began := time.Now()
	w.Tally.sent(began)
	answer, err := slot.Send(w.sending, request, permit.Usable)
	w.inFlight.Add(-1)
	now := time.Now()
	if w.unused(permit, err, began) {
		return false, false, w.sending.Err() == nil
	}
	defer answer.Release()
	w.received(answer)
	reading := Decode(w.Upstream, w.Fetch, request, answer, err)
	up = healthy(answer, reading)
	if up {
		w.lastGood.Store(now.UnixNano())
	}
	permit.Done(w.sending, up)
	facts := retry.Facts{Fault: reading.Fault, Reason: reading.Reason, Wait: reading.Wait, Items: 1, Tries: 1, Incidents: w.proof.incident(now), Now: now}
	if answer != nil {
		facts.Status, facts.Header, facts.Took = answer.Status, answer.Header, answer.Took
	}
	if d := retry.Decide(facts, w.Retry); d.Pause > 0 {
		w.pause(permit, d, now)
	}
	for i := range reading.Pages {
		landed = landed || reading.Pages[i].Outcome == harvest.Landed
	}
	return up, landed, false
}
