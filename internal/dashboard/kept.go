package dashboard

import (
	"context"
	"sync"
	"time"
)

const (
	// minAge is how old an answer of the store is before it is asked again.
	minAge = 2 * time.Second
	// share is how many times as long as a question took the store is left in peace after it: all
	// who look at the page cost it one part in share, however large it is.
	share = 100
	// askLimit bounds a question.
	askLimit = 20 * time.Second
)

// kept is the latest answer to one question about the store, shared by all who look. It is asked
// again only when it is needed and old, by one caller at a time.
type kept[T any] struct {
	ask func(ctx context.Context) (T, error)
	// rests returns how long an answer holds for sure; nil: for no time.
	rests func(T) time.Duration
	turns sync.Locker // held while it is asked; nil: it waits for no other

	mu    sync.Mutex
	value T
	err   error
	at    time.Time     // when the question was asked; zero before the first answer
	cost  time.Duration // how long the answer took
	turn  uint64        // grows with each answer
	busy  chan struct{} // closed when the answer is there; nil while none is asked for
}

// get returns the latest answer and its turn. Without one, or with one that is very old, it waits
// for an answer for as long as patience; turn is 0 as long as there is none.
func (k *kept[T]) get(life context.Context, now time.Time, patience time.Duration) (value T, turn uint64, err error) {
	k.mu.Lock()
	age := now.Sub(k.at)
	least := max(minAge, share*k.cost)
	if k.rests != nil && !k.at.IsZero() && k.err == nil {
		least = max(least, k.rests(k.value))
	}
	if k.busy == nil && age >= least {
		k.busy = make(chan struct{})
		go k.refresh(life, now)
	}
	busy := k.busy
	stale := k.at.IsZero() || age > 2*least+minAge
	k.mu.Unlock()
	if stale && busy != nil {
		limit := time.NewTimer(patience)
		defer limit.Stop()
		select {
		case <-busy:
		case <-limit.C:
		case <-life.Done():
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, k.turn, k.err
}

func (k *kept[T]) refresh(life context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(life, askLimit)
	defer cancel()
	if k.turns != nil {
		k.turns.Lock()
		defer k.turns.Unlock()
	}
	began := time.Now()
	value, err := k.ask(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.cost, k.err = now, time.Since(began), err
	if err == nil {
		k.value = value
	}
	k.turn++
	close(k.busy)
	k.busy = nil
}

// void makes the next look ask again at once.
func (k *kept[T]) void() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = time.Time{}
}
