package worker

import (
	"bytes"
	"container/heap"
	"context"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// task is a request on its way, with the history of its items.
type task struct {
	items    []harvest.Item
	request  *harvest.Request
	ready    time.Time // not to be tried before
	order    uint64    // of entering the queue, among those that are ready at once
	tries    exchange.Tries
	total    int // all tries, free ones included
	free     int // tries that a refused stream or a lost connection cost nothing
	refusals refusals
	suspect  bool      // it was in flight in a crash, and is requested with nothing beside it
	noted    bool      // that its items are in flight
	isolated bool      // it has a connection of its own from now on
	renewed  bool      // the credential was renewed for it once
	failed   time.Time // when it failed first
	blamed   int       // how often it failed
}

// queue holds the tasks that wait for a fetcher. The task that was ready first leaves first, so
// that few tasks are open at a time.
type queue struct {
	mu     sync.Mutex
	tasks  taskHeap
	pushed uint64
	wake   chan struct{} // has a token when pop has something new to look at
	closed bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) push(t *task) {
	q.mu.Lock()
	q.pushed++
	t.order = q.pushed
	heap.Push(&q.tasks, t)
	q.mu.Unlock()
	q.signal()
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pop waits for a task that is ready; false when the queue is closed or ctx ends.
func (q *queue) pop(ctx context.Context) (*task, bool) {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			q.signal() // the next waiter must learn it too
			return nil, false
		}
		var due <-chan time.Time
		if len(q.tasks) > 0 {
			wait := time.Until(q.tasks[0].ready)
			if wait <= 0 {
				t := heap.Pop(&q.tasks).(*task)
				more := len(q.tasks) > 0
				q.mu.Unlock()
				if more {
					q.signal()
				}
				return t, true
			}
			due = time.After(wait)
		}
		q.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, false
		case <-q.wake:
		case <-due:
		}
	}
}

// popFresh returns a task that was never requested and suits; nil if none waits. Of several it is
// the one of the smallest key, which is a hash: two in a row are hardly neighbours in the corpus.
func (q *queue) popFresh(suits func(t *task) bool) *task {
	q.mu.Lock()
	defer q.mu.Unlock()
	best := -1
	for i, t := range q.tasks {
		if t.total == 0 && (best < 0 || bytes.Compare(t.items[0].Key[:], q.tasks[best].items[0].Key[:]) < 0) && suits(t) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return heap.Remove(&q.tasks, best).(*task)
}

type taskHeap []*task

func (h taskHeap) Len() int      { return len(h) }
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)   { *h = append(*h, x.(*task)) }

func (h taskHeap) Less(i, j int) bool {
	if h[i].ready.Equal(h[j].ready) {
		return h[i].order < h[j].order
	}
	return h[i].ready.Before(h[j].ready)
}

func (h *taskHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}

// waiting returns how many tasks wait for a fetcher.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.tasks)
}

// idle reports whether nothing waits for a fetcher.
func (q *queue) idle() bool { return q.waiting() == 0 }
