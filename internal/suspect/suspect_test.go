package suspect

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

var quiet = slog.New(slog.DiscardHandler)

// memory is what a store remembers; a note takes it a while.
type memory struct {
	mu      sync.Mutex
	crashes map[harvest.Key]int
	notes   [][]harvest.Key
	calms   int
	err     error // of a note
}

func (m *memory) Load(context.Context) (map[harvest.Key]int, error) { return m.crashes, nil }

func (m *memory) Note(_ context.Context, keys []harvest.Key) error {
	<-time.After(10 * time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, slices.Clone(keys))
	return m.err
}

func (m *memory) Withdraw(context.Context, []harvest.Key) error { return nil }
func (m *memory) Clear(context.Context, []harvest.Key) error    { return nil }
func (m *memory) Calm(context.Context) error                    { m.calms++; return nil }

func once(do func() error) error { return do() }

func key(n byte) harvest.Key { return harvest.Key{15: n} }

func learnt(t *testing.T, m *memory, ours func(harvest.Key) bool) *Suspicion {
	t.Helper()
	s := New(m)
	if err := s.Learn(t.Context(), once, ours, quiet); err != nil {
		t.Fatalf("Learn() = %v", err)
	}
	return s
}

func TestNothingIsSuspectedWithoutACrash(t *testing.T) {
	s := New(nil)
	if err := errors.Join(s.Learn(t.Context(), once, nil, quiet), s.Note(t.Context(), once, key(1)), s.Withdraw(t.Context(), key(1)), s.Clear(t.Context(), key(1))); err != nil {
		t.Errorf("without a crash: %v", err)
	}
	leave, err := s.Exclusively(t.Context())
	if err != nil || s.On() || s.Crashes(key(1)) != 0 {
		t.Errorf("Exclusively() = %v, On() = %v, Crashes() = %d, want nil, false, 0", err, s.On(), s.Crashes(key(1)))
	}
	leave()
	s.Ended(key(1))
	s.Calm(t.Context(), true, quiet)
}

func TestNotesThatWaitAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		s := learnt(t, m, nil)
		var all sync.WaitGroup
		for n := range byte(40) {
			all.Go(func() {
				if err := s.Note(t.Context(), once, key(n)); err != nil {
					t.Errorf("Note() = %v", err)
				}
			})
		}
		all.Wait()
		noted := 0
		for _, keys := range m.notes {
			noted += len(keys)
		}
		if noted != 40 || len(m.notes) > 3 {
			t.Errorf("%d keys in %d writes, want 40 in at most 3", noted, len(m.notes))
		}
		m.err = errors.New("no room")
		if err := s.Note(t.Context(), once, key(1)); !errors.Is(err, m.err) {
			t.Errorf("Note() = %v, want %v", err, m.err)
		}
	})
}

func TestASuspectWaitsForAllAndAllForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := learnt(t, &memory{}, nil)
		var mu sync.Mutex
		beside, worst, alone := 0, 0, 0
		var all sync.WaitGroup
		for n := range 60 {
			enter, weight := s.Beside, 1
			if n%10 == 3 {
				enter, weight = s.Exclusively, 100
			}
			all.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				leave, err := enter(t.Context())
				if err != nil {
					t.Errorf("enter = %v", err)
					return
				}
				mu.Lock()
				if beside += weight; beside > 100 {
					t.Errorf("%d beside a suspect, want none", beside-100)
				}
				worst = max(worst, beside%100)
				alone += weight / 100
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
				mu.Lock()
				beside -= weight
				mu.Unlock()
				leave()
			})
		}
		all.Wait()
		if worst < 2 || alone != 6 {
			t.Errorf("%d side by side, %d suspects had no company, want several and 6", worst, alone)
		}
		leave, _ := s.Beside(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Exclusively(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Exclusively() beside another = %v, want ctx's end", err)
		}
		leave()
	})
}

func TestAllIsCalmWhenNoSuspectIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{crashes: map[harvest.Key]int{key(1): 1, key(2): 2}}
		s := learnt(t, m, func(k harvest.Key) bool { return k == key(1) })
		if s.Crashes(key(1)) != 1 || s.Crashes(key(2)) != 0 {
			t.Errorf("Crashes() = %d, %d, want 1, and 0 for what is of another shard", s.Crashes(key(1)), s.Crashes(key(2)))
		}
		time.Sleep(calmTime)
		s.Calm(t.Context(), true, quiet)
		if m.calms != 0 {
			t.Error("all is calm while a suspect is left, want not")
		}
		s.Ended(key(1))
		s.Calm(t.Context(), false, quiet)
		if m.calms != 0 {
			t.Error("all is calm before enough has landed, want not")
		}
		s.Calm(t.Context(), true, quiet)
		s.Calm(t.Context(), true, quiet)
		if m.calms != 1 || s.On() {
			t.Errorf("Calm was told %d times, On() = %v, want once and false", m.calms, s.On())
		}
	})
}
