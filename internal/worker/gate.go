package worker

import (
	"context"
	"sync"
)

// gate lets a number of fetchers in that may change at any time.
type gate struct {
	mu     sync.Mutex
	inside int
	left   chan struct{} // closed when somebody has left
}

// enter waits until fewer than most are inside; the error is ctx's.
func (g *gate) enter(ctx context.Context, most int) error {
	for {
		g.mu.Lock()
		if g.inside < most {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		if g.left == nil {
			g.left = make(chan struct{})
		}
		left := g.left
		g.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-left:
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.left != nil {
		close(g.left)
		g.left = nil
	}
}
