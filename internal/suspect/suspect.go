// Package suspect finds what makes its worker crash: an item, or a step of a listing, that is in
// flight each time.
//
// What is about to be asked for goes in, and what the store remembers of crashed leases; out comes
// how to ask for it: as always, with nothing beside it, later, or not any more. The package never
// sends anything, and is of no effect and no cost while no crash is suspected.
package suspect

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"shoal/internal/harvest"
)

const (
	// MaxCrashes is in how many crashed leases an item may be in flight: it is not asked for again.
	MaxCrashes = 3
	// Reason is the stored one of what is not asked for again.
	Reason = "suspected_poison"

	// Wariness is how long a worker has lived before it asks for an item that two crashes count
	// for. A process that is killed soon after each start, for whatever reason, must not take the
	// next innocent item with it. A random part as long is added.
	Wariness = 4 * time.Second
	// calmTime is how long the owner of a shard must live before the next crash counts as a first
	// one.
	calmTime = 2 * time.Minute

	loadLimit = 30 * time.Second // of one question to the store
	everyone  = 1 << 30          // the weight of one who must have no company
)

// Store remembers what was in flight when an owner of the shard crashed. An error that [Again]
// repeats may go away by itself.
type Store interface {
	// Load returns, for each suspect, in how many crashed leases it was in flight.
	Load(ctx context.Context) (map[harvest.Key]int, error)
	// Note keeps that the items are in flight, until they land, are withdrawn or cleared, or the
	// lease is given back.
	Note(ctx context.Context, keys []harvest.Key) error
	// Withdraw keeps that the items are not in flight now. What is counted for them stays.
	Withdraw(ctx context.Context, keys []harvest.Key) error
	// Clear forgets the items and what is counted for them.
	Clear(ctx context.Context, keys []harvest.Key) error
	// Calm ends the suspicion.
	Calm(ctx context.Context) error
}

// Again repeats do while the store is unreachable and patience lasts.
type Again func(do func() error) error

// Suspicion is what the owner of a shard knows while a crash of an earlier owner is not long ago. A
// nil one suspects nothing. It is safe for concurrent use.
type Suspicion struct {
	store   Store
	on      atomic.Bool
	company *semaphore.Weighted
	writing chan struct{} // held by the writer of a notice

	mu      sync.Mutex
	began   time.Time
	wary    time.Time // what two crashes count for is asked for then
	crashes map[harvest.Key]int
	next    *notice // to be written next
}

// notice is what one write notes.
type notice struct {
	keys []harvest.Key
	done chan struct{}
	err  error
}

// New makes one of what the lease has; nil of nil.
func New(store Store) *Suspicion {
	if store == nil {
		return nil
	}
	return &Suspicion{
		store: store, company: semaphore.NewWeighted(everyone), writing: make(chan struct{}, 1),
		began: time.Now(), next: &notice{done: make(chan struct{})},
	}
}

// Learn loads the suspects, of which ours reports which are of this shard; nil: all. It comes
// before the first request.
func (s *Suspicion) Learn(ctx context.Context, again Again, ours func(harvest.Key) bool, log *slog.Logger) error {
	if s == nil {
		return nil
	}
	var crashes map[harvest.Key]int
	err := again(func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, loadLimit)
		defer cancel()
		crashes, err = s.store.Load(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if ours != nil {
		maps.DeleteFunc(crashes, func(key harvest.Key, _ int) bool { return !ours(key) })
	}
	s.mu.Lock()
	s.began, s.crashes = time.Now(), crashes
	s.wary = s.began.Add(Wariness + rand.N(Wariness))
	s.mu.Unlock()
	s.on.Store(true)
	log.Warn("the worker that had this shard before crashed or was killed; if an item is the cause it will be found", "suspects", len(crashes))
	return nil
}

// On reports whether what is in flight is noted.
func (s *Suspicion) On() bool { return s != nil && s.on.Load() }

// Crashes is in how many crashed leases the item was in flight.
func (s *Suspicion) Crashes(key harvest.Key) int {
	if !s.On() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes[key]
}

// Wary is how long an item waits that two crashes count for.
func (s *Suspicion) Wary() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Until(s.wary)
}

// Poisonous is the page of an item that is not asked for again: all but its name.
func Poisonous(crashes int) harvest.Page {
	return harvest.Page{
		Outcome: harvest.Dead, Reason: Reason, Attempts: crashes, FetchedAt: time.Now(),
		Detail: Sentence(crashes, "item"),
	}
}

// Sentence explains why an item, by whatever name, is not requested again.
func Sentence(crashes int, called string) string {
	return fmt.Sprintf("%d workers crashed or were killed while this %s was in flight, the last of them with nothing else in flight; it was not asked for again", crashes, called)
}

// Beside waits until nothing is in flight that must have no company; nothing of the kind begins
// before leave is called. The error is ctx's.
func (s *Suspicion) Beside(ctx context.Context) (leave func(), err error) { return s.enter(ctx, 1) }

// Exclusively is [Beside] for a suspect: it has no company.
func (s *Suspicion) Exclusively(ctx context.Context) (leave func(), err error) {
	return s.enter(ctx, everyone)
}

func (s *Suspicion) enter(ctx context.Context, weight int64) (leave func(), err error) {
	if !s.On() {
		return func() {}, nil
	}
	if err := s.company.Acquire(ctx, weight); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { s.company.Release(weight) }, nil
}

// Note has kept, when it returns, that the items are in flight. What gathers while a note is
// written is one write.
func (s *Suspicion) Note(ctx context.Context, again Again, keys ...harvest.Key) error {
	if !s.On() {
		return nil
	}
	s.mu.Lock()
	n := s.next
	n.keys = append(n.keys, keys...)
	first := len(n.keys) == len(keys)
	s.mu.Unlock()
	if first {
		s.write(ctx, again, n)
	}
	<-n.done
	return n.err
}

// write notes what has gathered while the notice before it was written.
func (s *Suspicion) write(ctx context.Context, again Again, n *notice) {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	defer close(n.done)
	s.mu.Lock()
	s.next = &notice{done: make(chan struct{})}
	s.mu.Unlock()
	n.err = again(func() error {
		ctx, cancel := context.WithTimeout(ctx, loadLimit)
		defer cancel()
		return s.store.Note(ctx, n.keys)
	})
}

// Withdraw takes note that something that has not ended is not in flight now.
func (s *Suspicion) Withdraw(ctx context.Context, key harvest.Key) error {
	if !s.On() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	return s.store.Withdraw(ctx, []harvest.Key{key})
}

// Clear takes note that something was answered whose page does not land now: it is not a suspect
// any more.
func (s *Suspicion) Clear(ctx context.Context, key harvest.Key) error {
	if !s.On() {
		return nil
	}
	s.Ended(key)
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	return s.store.Clear(ctx, []harvest.Key{key})
}

// Ended takes note of what has ended for good, or has survived.
func (s *Suspicion) Ended(keys ...harvest.Key) {
	if !s.On() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.crashes, key)
	}
}

// Calm ends the suspicion where no suspect is left and the process has lived for long, if enough
// has landed: as much as can have been in flight in a crash.
func (s *Suspicion) Calm(ctx context.Context, enough bool, log *slog.Logger) {
	if !s.On() || !enough || !s.quiet() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	if err := s.store.Calm(ctx); err != nil {
		log.Warn("the store did not record that all is calm", "error", err)
		return
	}
	s.on.Store(false)
	log.Info("no crash for a while: what is in flight is no longer noted")
}

func (s *Suspicion) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.crashes) == 0 && time.Since(s.began) >= calmTime
}
