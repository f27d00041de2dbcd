package worker

import (
	"context"
	"slices"
	"sync"
)

// liveSemaphore lets a number of fetchers in that may change at any time. They enter in the order
// in which they came: else a fetcher that always comes back could keep the others out, and its task
// would be the only one that is ever tried.
type liveSemaphore struct {
	mu      sync.Mutex
	inside  int
	most    int             // as the last fetcher to come has it
	waiting []chan struct{} // closed when its fetcher is inside
}

// acquire waits until fewer than most are inside; the error is ctx's.
func (s *liveSemaphore) acquire(ctx context.Context, most int) error {
	entered := make(chan struct{})
	s.mu.Lock()
	s.most = most
	s.waiting = append(s.waiting, entered)
	s.admit()
	s.mu.Unlock()
	select {
	case <-entered:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, entered); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return ctx.Err()
	}
	return nil // it was let in meanwhile
}

// admit lets in as many as there is room for. The lock is held.
func (s *liveSemaphore) admit() {
	for len(s.waiting) > 0 && s.inside < s.most {
		s.inside++
		close(s.waiting[0])
		s.waiting = slices.Delete(s.waiting, 0, 1)
	}
}

func (s *liveSemaphore) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
	s.admit()
}
