package fetch

import (
	"context"
	"sync"
)

// budget counts the bytes of bodies and lets nobody in while they are used up.
type budget struct {
	limit int64

	mu     sync.Mutex
	used   int64
	opened chan struct{} // closed when used falls; nil while nobody waits
}

// take waits until n bytes fit, then counts them. An empty budget takes any n,
// so that one body larger than the whole budget still passes, alone.
func (b *budget) take(ctx context.Context, n int64) error {
	for {
		b.mu.Lock()
		if b.used <= 0 || b.used+n <= b.limit {
			b.used += n
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

// add counts n bytes more, or less, without waiting.
func (b *budget) add(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	if n < 0 && b.opened != nil {
		close(b.opened)
		b.opened = nil
	}
}

func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
