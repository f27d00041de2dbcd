package exchange

import (
	"context"
	"math/rand/v2"
	"time"
)

// FirstWait and LongWait bound the pauses between two tries at a dependency.
const (
	FirstWait = 250 * time.Millisecond
	LongWait  = 30 * time.Second
)

// PauseAfter returns a pause that doubles from [FirstWait] to [LongWait], with a quarter of it at
// random.
func PauseAfter(n int) time.Duration {
	wait := min(FirstWait<<min(n, 10), LongWait)
	return wait - rand.N(wait/4)
}

// Sleep waits for d, not at all if d is not positive. It reports whether ctx had not ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
