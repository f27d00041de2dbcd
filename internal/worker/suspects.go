package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/suspect"
)

const noteSuspects = "noting what is in flight"

// suspicion is how items are handed out while a crash of the shard's owner is not long ago: what
// was in flight in a crash is asked for with nothing beside it.
type suspicion struct {
	moved chan struct{} // has a token when something in flight may have ended
	hurry chan struct{} // has a token when a batch is to land although it is neither full nor old

	mu        sync.Mutex
	lingering map[harvest.Key]bool // requested without company, and to be requested again
	later     []harvest.Item       // that two crashes count for

	delivered atomic.Int64 // pages that the batch has taken
}

func (s *suspicion) init() {
	s.moved, s.hurry = make(chan struct{}, 1), make(chan struct{}, 1)
	s.lingering = make(map[harvest.Key]bool)
}

// keep repeats a note while the store is away.
func (w *Worker) keep(do func() error) error { return w.persist(noteSuspects, do) }

// suspect learns what crashes of the shard's owners have left; it comes before the first item.
func (w *Worker) suspect() error {
	return w.parts.Suspects.Learn(w.feeding, w.keep, w.config.Shard.Owns, w.parts.Log.With("shard", w.config.Shard.String()))
}

func (w *Worker) move() {
	if w.parts.Suspects.On() {
		signal(w.suspicion.moved)
	}
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// give hands one new item out, as its past requires; false when the work ends.
func (w *Worker) give(item harvest.Item) bool {
	switch crashes := w.parts.Suspects.Crashes(item.Key); {
	case crashes >= suspect.MaxCrashes:
		w.handed.Add(1)
		w.finishItem(false, poisonous(item, crashes))
	case crashes == suspect.MaxCrashes-1:
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

// poisonous returns the page of an item that is not requested again.
func poisonous(item harvest.Item, crashes int) harvest.Page {
	page := suspect.Poisonous(crashes)
	page.Key, page.URL, page.ID = item.Key, item.URL, item.ID
	return page
}

// single hands an item out with nothing beside it in flight, and waits until it is committed or is
// to be requested again: after its first exchange the process has survived it.
func (w *Worker) single(item harvest.Item) bool {
	if !w.settle(w.quiet) {
		return false
	}
	leave, err := w.parts.Suspects.Exclusively(w.feeding) // beside no step of a listing either
	if err != nil {
		return false
	}
	defer leave()
	if !w.open.take(w.feeding) {
		return false
	}
	w.handed.Add(1)
	w.dispatch(&task{items: []harvest.Item{item}, ready: time.Now(), suspect: true})
	return w.settle(func() bool { return w.quiet() })
}

// giveLater hands out what two crashes count for, once the process has lived for a while; at the
// corpus' end it waits for that.
func (w *Worker) giveLater(end bool) bool {
	s := &w.suspicion
	for len(s.later) > 0 {
		if wait := w.parts.Suspects.Wary(); wait > 0 {
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

// settle waits until reached reports that nothing is in flight; false when the work ends.
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

// quiet reports whether no item is in flight except those that the process survived, and all that
// have ended are committed.
func (w *Worker) quiet() bool { return w.suspicion.quiet(w.open.count.Load(), w.committed.Load()) }

func (s *suspicion) quiet(open, committed int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return open <= int64(len(s.lingering)) && s.delivered.Load() == committed
}

// survived notes that a suspect is to be requested again: others need not wait for it.
func (w *Worker) survived(t *task) {
	if t.suspect {
		w.suspicion.linger(t.items[0].Key)
		w.move()
	}
}

func (s *suspicion) linger(key harvest.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lingering[key] = true
}

// noted stores, before anything is sent, that the task's items are in flight; false when the work
// ends.
func (w *Worker) noted(t *task) bool {
	if t.noted || !w.parts.Suspects.On() {
		return true
	}
	keys := make([]harvest.Key, len(t.items))
	for i, item := range t.items {
		keys[i] = item.Key
	}
	if err := w.parts.Suspects.Note(w.feeding, w.keep, keys...); err != nil {
		w.fail(err)
		return false
	}
	t.noted = true
	return true
}

// finishedSuspect takes note that an item has ended. One whose page is held is not in flight any
// more, and not yet committed.
func (w *Worker) finishedSuspect(key harvest.Key, held bool) {
	if !w.parts.Suspects.On() {
		return
	}
	w.suspicion.finished(key)
	if !held {
		return
	}
	if err := w.parts.Suspects.Clear(w.landing, key); err != nil {
		w.parts.Log.Warn("an item that survived stays a suspect", "error", err)
	}
}

func (s *suspicion) finished(key harvest.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lingering, key)
}

// calm takes note of what has landed, and ends the suspicion of a worker that has lived for long
// and landed as much as can have been in flight in a crash.
func (w *Worker) calm(pages []harvest.Page) {
	if !w.parts.Suspects.On() {
		return
	}
	for i := range pages {
		w.parts.Suspects.Ended(pages[i].Key)
	}
	w.move()
	w.parts.Suspects.Calm(w.landing, w.committed.Load() >= w.open.most, w.parts.Log)
}
