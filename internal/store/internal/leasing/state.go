package leasing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Ownership is one token of one shard.
type Ownership struct {
	Run   string
	Shard harvest.Shard
	Token int64

	Suspects bool // a crash is suspected: items in flight are noted
}

// Args returns the parameters $1 to $4 of a statement about the shard's row under this token, and
// those after them.
func (o Ownership) Args(more ...any) []any {
	return append([]any{o.Run, o.Shard.Index, o.Shard.Of, o.Token}, more...)
}

// Name returns an operation with its argument.
func (o Ownership) Name(operation string) string {
	return fmt.Sprintf("%s shard %s of run %s", operation, o.Shard, o.Run)
}

// State is what a lease knows of itself, whatever the store.
type State struct {
	Own Ownership
	TTL time.Duration

	lost   chan struct{}
	cancel context.CancelFunc // stops keepAlive
	ended  chan struct{}      // closed when keepAlive has ended

	mu      sync.Mutex
	over    error // set once: ErrFenced or errReleased
	gen     string
	since   time.Time // when renewing began to fail; zero while it works
	trouble error
}

// NewState is the state of a lease that was just taken. [State.KeepAlive] keeps it.
func NewState(own Ownership, ttl time.Duration, gen string) *State {
	return &State{Own: own, TTL: ttl, gen: gen, lost: make(chan struct{}), ended: make(chan struct{})}
}

// Lost implements [store.Keeper].
func (l *State) Lost() <-chan struct{} { return l.lost }

// Fingerprint implements [store.Keeper].
func (l *State) Fingerprint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gen
}

// Trouble implements [store.Keeper].
func (l *State) Trouble() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble == nil {
		return ""
	}
	return fmt.Sprintf("renewing the lease fails since %s: %v", l.since.UTC().Format(time.TimeOnly+" MST"), l.trouble)
}

// KeepAlive calls renew until the lease is over. An error does not make it give up: until another
// worker takes the shard, its token stays valid.
func (l *State) KeepAlive(renew func(ctx context.Context) (gen string, err error)) {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go func() {
		defer close(l.ended)
		next := l.TTL / 3
		for Pause(ctx, next) == nil {
			gen, err := renew(ctx)
			if ctx.Err() != nil || errors.Is(l.Seen(err), store.ErrFenced) {
				return
			}
			next = l.note(gen, err)
		}
	}()
}

// note stores the result of one renewal and returns when to renew next.
func (l *State) note(gen string, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = err
	if err == nil {
		l.gen, l.since = gen, time.Time{}
		return l.TTL / 3
	}
	if l.since.IsZero() {
		// Most likely the connection broke some time ago. Two looks give the owner ttl/2 to come
		// back, of which up to ttl/3 has passed: renew again at once, on a new connection.
		l.since = time.Now()
		return 0
	}
	return l.TTL / 6
}

// SetFingerprint keeps the generation of the ledger's keys as just read.
func (l *State) SetFingerprint(gen string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gen = gen
}

// Seen draws the conclusion from an error and returns it.
func (l *State) Seen(err error) error {
	if errors.Is(err, store.ErrFenced) {
		l.Finish(store.ErrFenced)
	}
	return err
}

// Finish notes once why the lease is over.
func (l *State) Finish(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over != nil {
		return
	}
	l.over = why
	if errors.Is(why, store.ErrFenced) {
		close(l.lost)
	}
}

// Check returns why the lease is over, or nil while it is not.
func (l *State) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// Stop ends the lease and waits until nothing renews it any more.
func (l *State) Stop() {
	l.Finish(ErrReleased)
	l.cancel()
	<-l.ended
}

// Pause waits for d.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
