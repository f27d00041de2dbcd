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
	if w.parts.Suspects == nil {
		return nil
	}
	s := &w.suspicion
	var crashes map[harvest.Key]int
	err := w.persist(noteSuspects, func() (err error) {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		crashes, err = w.parts.Suspects.Load(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.learn(crashes)
	s.wary = w.started.Add(wariness + rand.N(wariness))
	s.on.Store(true)
	w.parts.Log.Warn("the worker that had this shard before crashed or was killed; if an item is the cause it will be found",
		"shard", w.config.Shard.String(), "suspects", len(crashes))
	return nil
}

// learn takes in what the store knows of crashes.
func (s *suspicion) learn(crashes map[harvest.Key]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashes = crashes
}

// crashedWith is in how many crashed leases the item was in flight.
func (s *suspicion) crashedWith(key harvest.Key) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes[key]
}

// forget drops items that have ended for good; left reports whether suspects are left.
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
		w.finishItem(false, poisonous(item, crashes))
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
	return w.handed.Load() != int64(w.config.Limit)
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
			w.packer.corpusDone() // nothing else comes
			w.closePack(anyPack)
			if !exchange.Sleep(w.feeding, wait) {
				return false
			}
		}
		item := s.later[0]
		s.later = s.later[1:]
		if !w.single(item) || w.handed.Load() == int64(w.config.Limit) {
			return false
		}
	}
	return true
}

// settle waits until nothing is in flight, as far as reached says; false when the work ends.
func (w *Worker) settle(reached func() bool) bool {
	for {
		w.closePack(anyPack)
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
func (w *Worker) quiet() bool { return w.suspicion.quiet(w.open.count.Load(), w.committed.Load()) }

func (s *suspicion) quiet(open, committed int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return open <= int64(len(s.lingering)) && s.delivered.Load() == committed
}

// survived takes note that a suspect is to be asked for again: others need not wait for it.
func (w *Worker) survived(t *task) {
	if t.suspect {
		w.suspicion.linger(t.items[0].Key)
		w.suspicion.move()
	}
}

func (s *suspicion) linger(key harvest.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lingering[key] = true
}

// noted has kept, before anything is sent, that the task's items are in flight; false when the work ends.
func (w *Worker) noted(t *task) bool {
	s := &w.suspicion
	if t.noted || !s.on.Load() {
		return true
	}
	n, first := s.join(t.items)
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

// join puts items into the notice that is written next; the first to do so writes it.
func (s *suspicion) join(items []harvest.Item) (n *notice, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.next
	first = len(n.keys) == 0
	for _, item := range items {
		n.keys = append(n.keys, item.Key)
	}
	return n, first
}

// cut ends a notice: what comes from now on is in the next one.
func (s *suspicion) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = &notice{done: make(chan struct{})}
}

// writeNotice notes what has gathered while the notice before it was written.
func (w *Worker) writeNotice(n *notice) {
	s := &w.suspicion
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	defer close(n.done)
	s.cut()
	n.err = w.persist(noteSuspects, func() error {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		return w.parts.Suspects.Note(ctx, n.keys)
	})
}

// finishedSuspect takes note that an item has ended. One whose page is held is not in flight any more, and not yet committed.
func (w *Worker) finishedSuspect(key harvest.Key, held bool) {
	if !w.suspicion.on.Load() {
		return
	}
	w.suspicion.finished(key, held)
	if !held {
		return
	}
	ctx, cancel := context.WithTimeout(w.landing, storeLimit)
	defer cancel()
	if err := w.parts.Suspects.Clear(ctx, []harvest.Key{key}); err != nil {
		w.parts.Log.Warn("an item that survived stays a suspect", "error", err)
	}
}

func (s *suspicion) finished(key harvest.Key, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lingering, key)
	if held {
		delete(s.crashes, key)
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
	if err := w.parts.Suspects.Calm(ctx); err != nil {
		w.parts.Log.Warn("the store was not told that all is calm", "error", err)
		return
	}
	s.on.Store(false)
	w.parts.Log.Info("no crash for a while: what is in flight is no longer noted")
}
