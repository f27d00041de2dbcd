package worker

import (
	"sync"
	"time"
)

// silences are those that the upstream asked for in a row, without an accepted answer between.
// Refusals that were in flight together are one.
type silences struct {
	mu    sync.Mutex
	count int
	quiet time.Time // refusals that come before are of the same incident
	first time.Time // when the first of them began
}

// incident returns how many refusals without hint there were in a row, this one included.
func (s *silences) incident(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.quiet) {
		return s.count + 1
	}
	return max(1, s.count)
}

// add notes the silence that an answer at now led to; it reports whether it is a new one, rather
// than another answer of the same burst.
func (s *silences) add(now time.Time, silence time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first.IsZero() {
		s.first = now
	}
	if !now.After(s.quiet) {
		return false
	}
	s.count++
	s.quiet = now.Add(silence)
	return true
}

// row is how many there were in a row.
func (s *silences) row() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// end handles an answer that was accepted.
func (s *silences) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count, s.first = 0, time.Time{}
}

// since returns when the first of them began; zero without one.
func (s *silences) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}
