package worker

import (
	"context"
	"sync"
)

// liveSemaphore lets a number of fetchers in that may change at any time.
type liveSemaphore struct {
	mu     sync.Mutex
	inside int
	left   chan struct{} // closed when a fetcher has left
}

// acquire waits until fewer than most are inside; the error is ctx's.
func (s *liveSemaphore) acquire(ctx context.Context, most int) error {
	for {
		s.mu.Lock()
		if s.inside < most {
			s.inside++
			s.mu.Unlock()
			return nil
		}
		if s.left == nil {
			s.left = make(chan struct{})
		}
		left := s.left
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-left:
		}
	}
}

func (s *liveSemaphore) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
	if s.left != nil {
		close(s.left)
		s.left = nil
	}
}
