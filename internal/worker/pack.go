package worker

import (
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// packWait is how long a pack may wait to fill, from its first item on.
const packWait = 5 * time.Second

// packer gathers items into requests. Items that an answer left open come back to it.
type packer struct {
	mu       sync.Mutex
	pack     []harvest.Item
	number   int // of the pack that fills
	last     bool
	returned map[harvest.Key]int // those that came back: in how many requests they were before
}

func (p *packer) init() { p.returned = make(map[harvest.Key]int) }

// corpusDone records that the corpus has no more items; from now on only those that come back fill
// a pack.
func (p *packer) corpusDone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = true
}

// take empties the pack that fills.
func (p *packer) take() []harvest.Item {
	pack := p.pack
	p.pack = nil
	p.number++
	return pack
}

// add puts an item into the pack that fills, of at most so many items. It returns the packs that
// are full now; first reports that the item began a pack, of that number.
func (p *packer) add(item harvest.Item, fits func(pack []harvest.Item, next harvest.Item) bool, most int) (full [2][]harvest.Item, first bool, number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pack) > 0 && !fits(p.pack, item) {
		full[0] = p.take()
	}
	p.pack = append(p.pack, item)
	first, number = len(p.pack) == 1, p.number
	if len(p.pack) >= most {
		full[1] = p.take()
	}
	return full, first, number
}

// anyPack is the number of the pack that fills, whichever it is.
const anyPack = -1

// close takes the pack that fills, if it is still the one of that number.
func (p *packer) close(number int) []harvest.Item {
	p.mu.Lock()
	defer p.mu.Unlock()
	if number != anyPack && number != p.number {
		return nil
	}
	return p.take()
}

// holdsAll reports whether all items that are open are in the pack that fills, and no more come to
// fill it.
func (p *packer) holdsAll(open int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last && len(p.pack) > 0 && open <= int64(len(p.pack))
}

// giveBack notes an item that comes back after so many requests; again reports that it did before.
func (p *packer) giveBack(key harvest.Key, requests int) (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, again = p.returned[key]
	p.returned[key] += requests
	return again
}

// before returns in how many requests an item was before it came back the last time.
func (p *packer) before(key harvest.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.returned[key]
}

// forget drops what is known of an item that has ended.
func (p *packer) forget(key harvest.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.returned, key)
}

// add packs an item. A pack closes when the item does not fit into it, when it is packWait
// old, and when nothing can come any more.
func (w *Worker) add(item harvest.Item) {
	full, first, number := w.packer.add(item, w.parts.Upstream.Fits, min(max(1, w.config.Pack), w.open.allowed()))
	if first && w.config.Pack > 1 {
		time.AfterFunc(packWait, func() { w.closePack(number) })
	}
	for _, pack := range full {
		w.dispatchItems(pack)
	}
}

// closePack sends the pack off if it still has that number.
func (w *Worker) closePack(number int) { w.dispatchItems(w.packer.close(number)) }

// settled takes note that n items are open no more. When all that are open are in the pack, nothing
// can fill it.
func (w *Worker) settled(n int) {
	w.open.settle(n)
	w.move()
	if w.packer.holdsAll(w.open.count.Load()) {
		w.closePack(anyPack)
	}
}

// repack packs what an answer left open: first with others, then by itself, so that its neighbours
// are not blamed for it.
func (w *Worker) repack(t *task, items []harvest.Item) {
	for _, item := range items {
		if w.packer.giveBack(item.Key, t.total) {
			w.dispatchItems([]harvest.Item{item})
		} else {
			w.add(item)
		}
	}
}

// dispatchItems makes a task of items that go into one request.
func (w *Worker) dispatchItems(items []harvest.Item) {
	if len(items) > 0 {
		w.dispatch(&task{items: items, ready: time.Now()})
	}
}

// dispatch queues a task, once it has a request.
func (w *Worker) dispatch(t *task) {
	items := t.items
	request, err := w.parts.Upstream.Request(items)
	if err == nil {
		t.request = request
		w.requeue(t)
		return
	}
	if len(items) > 1 { // one of them is at fault, the others are not
		w.split(t, t.ready)
		return
	}
	d := retry.Decision{Verb: retry.Skip, Outcome: harvest.Skipped, Reason: "no_request", Class: retry.ClassEnded, Source: exchange.Text(err.Error())}
	verdict, _ := w.canary.Observe(items, d, harvest.Reading{})
	w.finish(t, verdict.Hold, harvest.Page{Outcome: d.Outcome, Reason: d.Reason, Detail: d.Source, FetchedAt: time.Now()})
	if verdict.Stop != "" {
		w.fail(w.refusal(verdict.Stop, ""))
	}
}
