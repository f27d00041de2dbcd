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

// packer gathers items into requests. Those that an answer left open come back to it.
type packer struct {
	mu       sync.Mutex
	pack     []harvest.Item
	number   int // of the pack that fills
	last     bool
	returned map[harvest.Key]int // that came back: in how many requests they were before
}

func (p *packer) init() { p.returned = make(map[harvest.Key]int) }

// ended says that the corpus gives no more items; from now on only those that come back fill a pack.
func (p *packer) ended() {
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

// before is in how many requests an item was before it came back the last time.
func (p *packer) before(key harvest.Key) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.returned[key]
}

// forget is told of an item that has ended.
func (p *packer) forget(key harvest.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.returned, key)
}

// add puts an item into the pack that fills. A pack closes when the item does not fit into it, when it is packWait
// old, and when nothing can come any more.
func (w *Worker) add(item harvest.Item) {
	w.packer.mu.Lock()
	var full []harvest.Item
	if len(w.packer.pack) > 0 && !w.Upstream.Fits(w.packer.pack, item) {
		full = w.packer.take()
	}
	w.packer.pack = append(w.packer.pack, item)
	if number := w.packer.number; len(w.packer.pack) == 1 && w.Pack > 1 {
		time.AfterFunc(packWait, func() { w.closePack(number) })
	}
	var single []harvest.Item
	if len(w.packer.pack) >= min(max(1, w.Pack), w.open.allowed()) {
		single = w.packer.take()
	}
	w.packer.mu.Unlock()
	w.send(full, time.Now())
	w.send(single, time.Now())
}

// packEnded closes the pack whatever its number.
const packEnded = -1

// closePack sends the pack off if it is still the one of that number.
func (w *Worker) closePack(number int) {
	w.packer.mu.Lock()
	var pack []harvest.Item
	if number == packEnded || number == w.packer.number {
		pack = w.packer.take()
	}
	w.packer.mu.Unlock()
	w.send(pack, time.Now())
}

// drop says that n items are open no more. When all that are open are in the pack, nobody can fill it.
func (w *Worker) drop(n int) {
	w.open.drop(n)
	w.suspicion.move()
	w.packer.mu.Lock()
	alone := w.packer.last && len(w.packer.pack) > 0 && w.open.count.Load() <= int64(len(w.packer.pack))
	w.packer.mu.Unlock()
	if alone {
		w.closePack(packEnded)
	}
}

// giveBack packs what an answer left open: first with others, then alone, so that it is told from its neighbours.
func (w *Worker) giveBack(t *task, items []harvest.Item) {
	for _, item := range items {
		w.packer.mu.Lock()
		_, again := w.packer.returned[item.Key]
		w.packer.returned[item.Key] += t.total
		w.packer.mu.Unlock()
		if again {
			w.send([]harvest.Item{item}, time.Now())
		} else {
			w.add(item)
		}
	}
}

// split asks for the halves of a pack that keeps failing, until the item that makes it fail is alone.
func (w *Worker) split(t *task, ready time.Time) {
	half := len(t.items) / 2
	w.dispatch(&task{items: t.items[:half:half], total: t.total, ready: ready, alone: t.alone, noted: t.noted})
	w.dispatch(&task{items: t.items[half:], total: t.total, ready: ready, alone: t.alone, noted: t.noted})
}

// send makes a task of items that go into one request.
func (w *Worker) send(items []harvest.Item, ready time.Time) {
	if len(items) == 0 {
		return
	}
	w.dispatch(&task{items: items, ready: ready})
}

// dispatch queues a task, once it has a request.
func (w *Worker) dispatch(t *task) {
	items := t.items
	request, err := w.Upstream.Request(items)
	if err == nil {
		t.request = request
		w.push(t)
		return
	}
	if len(items) > 1 { // one of them is at fault, the others are not
		w.split(t, t.ready)
		return
	}
	d := retry.Decision{Verb: retry.Skip, Outcome: harvest.Skipped, Reason: "no_request", Class: retry.ClassEnded, Source: exchange.Text(err.Error())}
	verdict, _ := w.canary.Observe(items, d, harvest.Reading{})
	w.end(t, verdict.Hold, harvest.Page{Outcome: d.Outcome, Reason: d.Reason, Detail: d.Source, FetchedAt: time.Now()})
	if verdict.Stop != "" {
		w.fail(w.refusal(verdict.Stop, ""))
	}
}
