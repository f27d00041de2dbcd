package dashboard

import (
	"context"
	"sync"
	"time"
)

const (
	// minAge is how old an answer of the store is before it is asked again.
	minAge = 2 * time.Second
	// share is how many times as long as a question took the store is left in peace after it by
	// the questions of the same purse. There are two purses: all who look at the page cost the
	// store one part in a hundred, however large it is.
	share = 200
	// askLimit bounds a question.
	askLimit = 20 * time.Second
)

// purse bounds what questions cost that are asked again. A first answer is free: each run has only
// one.
type purse struct {
	mu    sync.Mutex
	until time.Time // nothing is asked again before
}

func (p *purse) open(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.until)
}

func (p *purse) spend(now time.Time, cost time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.Before(now) {
		p.until = now
	}
	p.until = p.until.Add(share * cost)
}

// kept is the latest answer to one question about the store, shared by all who look. It is asked
// again only when it is needed and old, by one caller at a time.
type kept[T any] struct {
	ask func(ctx context.Context) (T, error)
	// rests returns how long an answer holds for sure; nil: for no time.
	rests func(T) time.Duration
	turns sync.Locker // held while it is asked; nil: it waits for no other
	purse *purse      // shared with other questions

	mu    sync.Mutex
	value T
	err   error
	at    time.Time     // when the question was asked; zero before the first answer
	turn  uint64        // grows with each answer
	busy  chan struct{} // closed when the answer is there; nil while none is asked for
}

// get returns the latest answer and its turn. Without one, or with one that is very old, it waits
// for an answer for as long as patience; turn is 0 as long as there is none.
func (k *kept[T]) get(life context.Context, now time.Time, patience time.Duration) (value T, turn uint64, err error) {
	k.mu.Lock()
	age, first := now.Sub(k.at), k.at.IsZero()
	least := minAge
	if k.rests != nil && !k.at.IsZero() && k.err == nil {
		least = max(least, k.rests(k.value))
	}
	if k.busy == nil && (first || age >= least && k.purse.open(now)) {
		k.busy = make(chan struct{})
		go k.refresh(life, now, !first)
	}
	busy := k.busy
	stale := first || age > 2*least+minAge
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

func (k *kept[T]) refresh(life context.Context, now time.Time, pays bool) {
	ctx, cancel := context.WithTimeout(life, askLimit)
	defer cancel()
	if k.turns != nil {
		k.turns.Lock()
		defer k.turns.Unlock()
	}
	began := time.Now()
	value, err := k.ask(ctx)
	if pays {
		k.purse.spend(time.Now(), time.Since(began))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.err = now, err
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
