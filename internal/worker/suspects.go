package worker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

const (
	// maxCrashes is in how many crashed leases an item may be in flight: it is not asked for again.
	maxCrashes = 3
	// calmTime is how long the owner of a shard lives until the next crash is a first one again.
	calmTime = 2 * time.Minute
	// wariness is how long a worker has lived before it asks for an item that two crashes count for. A process that is
	// killed soon after each start, for whatever reason, must not take the next innocent item with it. A random part as
	// long is added.
	wariness = 4 * time.Second

	reasonPoison = "suspected_poison"
	noteSuspects = "noting what is in flight"
)

// suspicion is what a worker does while a crash of the shard's owner is not long ago: it has noted what it is about to ask
// for, and asks for what was in flight in a crash with nothing beside it.
type suspicion struct {
	on    atomic.Bool   // what is sent is noted first
	moved chan struct{} // has a token when something in flight may have ended
	hurry chan struct{} // has a token when a batch is to land although it is neither full nor old

	mu        sync.Mutex
	crashes   map[harvest.Key]int
	lingering map[harvest.Key]bool // asked for without company, and to be asked for again
	later     []harvest.Item       // that two crashes count for
	wary      time.Time            // they are asked for then

	delivered atomic.Int64  // pages that the batch has taken
	writing   chan struct{} // held by who writes a notice
	next      *notice       // to be written next; under mu
}

// notice is what one write notes.
type notice struct {
	keys []harvest.Key
	done chan struct{}
	err  error
}

func (s *suspicion) init() {
	s.writing = make(chan struct{}, 1)
	s.moved, s.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	s.lingering = make(map[harvest.Key]bool)
	s.next = &notice{done: make(chan struct{})}
}

// suspect learns what crashes of the shard's owners have left; it comes before the first item.
func (w *Worker) suspect() error {
	if w.Suspects == nil {
		return nil
	}
	s := &w.suspicion
	err := w.persist(noteSuspects, func() (err error) {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		s.crashes, err = w.Suspects.Load(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.wary = w.started.Add(wariness + rand.N(wariness))
	s.on.Store(true)
	w.Log.Warn("the worker that had this shard before crashed or was killed; if an item is the cause it will be found",
		"shard", w.Shard.String(), "suspects", len(s.crashes))
	return nil
}

// crashedWith is in how many crashed leases the item was in flight.
func (s *suspicion) crashedWith(key harvest.Key) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes[key]
}

// forget is told of items that have ended for good; left reports whether suspects are left.
func (s *suspicion) forget(pages []harvest.Page) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range pages {
		delete(s.crashes, pages[i].Key)
	}
	return len(s.crashes) > 0
}

func (s *suspicion) move() {
	if s.on.Load() {
		signal(s.moved)
	}
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// give hands one new item out, in the way that its past asks for; false when the work ends.
func (w *Worker) give(item harvest.Item) bool {
	switch crashes := w.suspicion.crashedWith(item.Key); {
	case crashes >= maxCrashes:
		w.handed.Add(1)
		w.finish(false, poisonous(item, crashes))
	case crashes == maxCrashes-1:
		w.suspicion.later = append(w.suspicion.later, item)
		return true
	case crashes > 0:
		if !w.single(item) {
			return false
		}
	default:
		if !w.open.take(w.feeding) {
			return false
		}
		w.add(item)
		w.handed.Add(1)
	}
	return w.handed.Load() != int64(w.Limit)
}

// poisonous is the page of an item that is not asked for again.
func poisonous(item harvest.Item, crashes int) harvest.Page {
	return harvest.Page{
		Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Dead, Reason: reasonPoison, Attempts: crashes, FetchedAt: time.Now(),
		Detail: fmt.Sprintf("%d workers crashed or were killed while this item was in flight, the last of them with nothing else in flight; it was not asked for again", crashes),
	}
}

// single hands an item out with nothing beside it in flight, and waits until it is committed, or is to be asked for again:
// what it may do to the process, its first exchange has done.
func (w *Worker) single(item harvest.Item) bool {
	if !w.settle(w.quiet) || !w.open.take(w.feeding) {
		return false
	}
	w.handed.Add(1)
	w.dispatch(&task{items: []harvest.Item{item}, ready: time.Now(), suspect: true})
	return w.settle(func() bool { return w.quiet() })
}

// giveLater hands out what two crashes count for, once the process has lived for a while; at the corpus' end it waits for that.
func (w *Worker) giveLater(end bool) bool {
	s := &w.suspicion
	for len(s.later) > 0 {
		if wait := time.Until(s.wary); wait > 0 {
			if !end {
				return true
			}
			w.packer.ended() // nothing else comes
			w.closePack(packEnded)
			if !exchange.Sleep(w.feeding, wait) {
				return false
			}
		}
		item := s.later[0]
		s.later = s.later[1:]
		if !w.single(item) || w.handed.Load() == int64(w.Limit) {
			return false
		}
	}
	return true
}

// settle waits until nothing is in flight, as far as reached says; false when the work ends.
func (w *Worker) settle(reached func() bool) bool {
	for {
		w.closePack(packEnded)
		if reached() {
			return true
		}
		signal(w.suspicion.hurry)
		select {
		case <-w.suspicion.moved:
		case <-w.feeding.Done():
			return false
		}
	}
}

// quiet reports whether no item is in flight but those that survived being asked for, and all that have ended are committed.
func (w *Worker) quiet() bool {
	s := &w.suspicion
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.open.count.Load() <= int64(len(s.lingering)) && s.delivered.Load() == w.committed.Load()
}

// survived takes note that a suspect is to be asked for again: others need not wait for it.
func (w *Worker) survived(t *task) {
	if !t.suspect {
		return
	}
	w.suspicion.mu.Lock()
	w.suspicion.lingering[t.items[0].Key] = true
	w.suspicion.mu.Unlock()
	w.suspicion.move()
}

// noted has kept, before anything is sent, that the task's items are in flight; false when the work ends.
func (w *Worker) noted(t *task) bool {
	s := &w.suspicion
	if t.noted || !s.on.Load() {
		return true
	}
	s.mu.Lock()
	n := s.next
	for _, item := range t.items {
		n.keys = append(n.keys, item.Key)
	}
	first := len(n.keys) == len(t.items)
	s.mu.Unlock()
	if first {
		w.writeNotice(n)
	}
	<-n.done
	if n.err != nil {
		w.fail(n.err)
		return false
	}
	t.noted = true
	return true
}

// writeNotice notes what has gathered while the notice before it was written.
func (w *Worker) writeNotice(n *notice) {
	s := &w.suspicion
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	defer close(n.done)
	s.mu.Lock()
	s.next = &notice{done: make(chan struct{})}
	s.mu.Unlock()
	n.err = w.persist(noteSuspects, func() error {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		return w.Suspects.Note(ctx, n.keys)
	})
}

// ended takes note that an item has ended. One whose page is held is not in flight any more, and not yet committed.
func (w *Worker) endedSuspect(key harvest.Key, held bool) {
	s := &w.suspicion
	if !s.on.Load() {
		return
	}
	s.mu.Lock()
	delete(s.lingering, key)
	if held {
		delete(s.crashes, key)
	}
	s.mu.Unlock()
	if !held {
		return
	}
	ctx, cancel := context.WithTimeout(w.landing, storeLimit)
	defer cancel()
	if err := w.Suspects.Clear(ctx, []harvest.Key{key}); err != nil {
		w.Log.Warn("an item that survived stays a suspect", "error", err)
	}
}

// calm ends the suspicion of a worker that has lived for long and landed as much as can have been in flight in a crash.
func (w *Worker) calm(pages []harvest.Page) {
	s := &w.suspicion
	if !s.on.Load() {
		return
	}
	left := s.forget(pages)
	s.move()
	if left || time.Since(w.started) < calmTime || w.committed.Load() < w.open.most {
		return
	}
	ctx, cancel := context.WithTimeout(w.landing, storeLimit)
	defer cancel()
	if err := w.Suspects.Calm(ctx); err != nil {
		w.Log.Warn("the store was not told that all is calm", "error", err)
		return
	}
	s.on.Store(false)
	w.Log.Info("no crash for a while: what is in flight is no longer noted")
}
