package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// ownership is one token of one shard.
type ownership struct {
	run   string
	shard harvest.Shard
	token int64

	suspects bool // a crash is suspected: items in flight are noted
}

// args are the parameters $1 to $4 of a statement about the shard's row under this token, and those after them.
func (o ownership) args(more ...any) []any {
	return append([]any{o.run, o.shard.Index, o.shard.Of, o.token}, more...)
}

// wrap names what was done to the shard. That a lease is over, or held by another, is no trouble of
// the store's and not classified as such.
func (o ownership) wrap(operation string, err error) error {
	if errors.Is(err, ErrHeld) || errors.Is(err, errReleased) {
		return fmt.Errorf("%s: %w", o.name(operation), err)
	}
	return classify(o.name(operation), err)
}

// name is an operation with its argument.
func (o ownership) name(operation string) string {
	return fmt.Sprintf("%s shard %s of run %s", operation, o.shard, o.run)
}

// leaseState is what a lease knows of itself, whatever the store.
type leaseState struct {
	own ownership
	ttl time.Duration

	lost   chan struct{}
	cancel context.CancelFunc // stops keepAlive
	ended  chan struct{}      // closed when keepAlive has ended

	mu      sync.Mutex
	over    error // set once: ErrFenced or errReleased
	gen     string
	since   time.Time // when renewing began to fail; zero while it works
	trouble error
}

func newLeaseState(own ownership, ttl time.Duration, gen string) *leaseState {
	return &leaseState{own: own, ttl: ttl, gen: gen, lost: make(chan struct{}), ended: make(chan struct{})}
}

// Token implements Lease.
func (l *leaseState) Token() int64 { return l.own.token }

// Lost implements Lease.
func (l *leaseState) Lost() <-chan struct{} { return l.lost }

// Fingerprint implements Lease.
func (l *leaseState) Fingerprint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gen
}

// Trouble implements Lease.
func (l *leaseState) Trouble() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble == nil {
		return ""
	}
	return fmt.Sprintf("renewing the lease fails since %s: %v", l.since.UTC().Format(time.TimeOnly+" MST"), l.trouble)
}

// keepAlive calls renew until the lease is over. An error is no reason to give up: as long as nobody
// took the shard, its token stays good.
func (l *leaseState) keepAlive(renew func(ctx context.Context) (gen string, err error)) {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go func() {
		defer close(l.ended)
		next := l.ttl / 3
		for pause(ctx, next) == nil {
			gen, err := renew(ctx)
			if ctx.Err() != nil || errors.Is(l.seen(err), ErrFenced) {
				return
			}
			next = l.note(gen, err)
		}
	}()
}

// note keeps the result of one renewal and returns when to renew next.
func (l *leaseState) note(gen string, err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble = err
	if err == nil {
		l.gen, l.since = gen, time.Time{}
		return l.ttl / 3
	}
	if l.since.IsZero() {
		// Most likely the connection broke some time ago. Two lookers give the owner ttl/2 to come back,
		// of which up to ttl/3 has passed: again at once, on a new connection.
		l.since = time.Now()
		return 0
	}
	return l.ttl / 6
}

func (l *leaseState) setFingerprint(gen string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gen = gen
}

// seen draws the conclusion from an error and returns it.
func (l *leaseState) seen(err error) error {
	if errors.Is(err, ErrFenced) {
		l.finish(ErrFenced)
	}
	return err
}

// finish notes once why the lease is over.
func (l *leaseState) finish(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over != nil {
		return
	}
	l.over = why
	if errors.Is(why, ErrFenced) {
		close(l.lost)
	}
}

// check returns why the lease is over, or nil while it is not.
func (l *leaseState) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// stop ends the lease and waits until nothing renews it any more.
func (l *leaseState) stop() {
	l.finish(errReleased)
	l.cancel()
	<-l.ended
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
