package fetch

import (
	"context"
	"fmt"
	"sync"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// budget counts the bytes of answers and makes callers wait while they are used up.
//
// An answer that grows waits too. To prevent a deadlock, one of them is the first: it grows as it
// needs, up to largest beyond the limit, until it is removed from the account; then another answer
// becomes the first.
type budget struct {
	limit   int64
	largest int64 // what one answer may hold

	mu     sync.Mutex
	used   int64
	first  *account
	opened chan struct{} // closed when used falls or the first has ended; nil while no caller waits
}

// take waits until n bytes fit, then counts them. An empty budget admits any n, so that one body
// larger than the whole budget still passes, by itself.
func (b *budget) take(ctx context.Context, n int64) error {
	return b.wait(ctx, func() bool { return b.used <= 0 || b.used+n <= b.limit }, func() { b.used += n })
}

// wait calls then as soon as fits, both with the lock held.
func (b *budget) wait(ctx context.Context, fits func() bool, then func()) error {
	for {
		b.mu.Lock()
		if fits() {
			then()
			b.mu.Unlock()
			return nil
		}
		if b.opened == nil {
			b.opened = make(chan struct{})
		}
		opened := b.opened
		b.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// add counts n bytes more, or fewer, without waiting.
func (b *budget) add(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	if n < 0 {
		b.wake()
	}
}

func (b *budget) wake() {
	if b.opened != nil {
		close(b.opened)
		b.opened = nil
	}
}

func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// account is what one answer holds of the budget. It implements [harvest.Memory].
type account struct {
	b    *budget
	ctx  context.Context //nolint:containedctx // for as long as the answer is needed, which is beyond the call that made it
	rest func() func()   // called when the answer has to wait; the function it returns is called when the wait is over; nil for nothing

	held   int64 // guarded by the budget's lock
	closed bool
}

// Grow implements [harvest.Memory].
func (a *account) Grow(n int64) error {
	b := a.b
	b.mu.Lock()
	switch {
	case a.held+n > b.largest:
		b.mu.Unlock()
		return fmt.Errorf("%w: it needs %s, one answer may take %s", harvest.ErrMemory, humanize.IBytes(uint64(a.held+n)), humanize.IBytes(uint64(b.largest)))
	case a.fits(n):
		a.count(n)
		b.mu.Unlock()
		return nil
	}
	b.mu.Unlock()
	if a.rest != nil {
		defer a.rest()()
	}
	return b.wait(a.ctx, func() bool { return a.fits(n) }, func() { a.count(n) })
}

// fits reports whether the answer may grow now. An answer that would have to wait becomes the
// first, if there is none.
func (a *account) fits(n int64) bool {
	if a.b.used+n > a.b.limit && a.b.first == nil {
		a.b.first = a
	}
	return a.b.first == a || a.b.used+n <= a.b.limit
}

func (a *account) count(n int64) {
	if !a.closed {
		a.held += n
		a.b.used += n
	}
}

// Add implements [harvest.Memory].
func (a *account) Add(n int64) {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	a.count(n)
	if n < 0 {
		a.b.wake()
	}
}

// Close implements [harvest.Memory].
func (a *account) Close() {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	a.b.used -= a.held
	a.held, a.closed = 0, true
	if a.b.first == a {
		a.b.first = nil
	}
	a.b.wake()
}
