package worker

import (
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// clock watches over a stage: whether anything leaves it while something is in it.
type clock struct {
	limit  time.Duration // what one passage may take
	inside int
	moved  time.Time // when something left, or entered while nothing was in it
}

// clocks are those of the stages that have a limit.
type clocks struct {
	mu sync.Mutex
	of map[string]*clock
}

// Limit says what one passage through a stage may take.
func (t *Tally) Limit(stage string, limit time.Duration) {
	t.clocks.mu.Lock()
	defer t.clocks.mu.Unlock()
	if t.clocks.of == nil {
		t.clocks.of = map[string]*clock{}
	}
	t.clocks.of[stage] = &clock{limit: limit}
}

// enter notes that something is in a stage now; left notes that it is not any more.
func (t *Tally) enter(stage string) (left func()) {
	if t == nil {
		return func() {}
	}
	t.clocks.mu.Lock()
	defer t.clocks.mu.Unlock()
	c := t.clocks.of[stage]
	if c == nil {
		return func() {}
	}
	if c.inside++; c.inside == 1 {
		c.moved = time.Now()
	}
	return func() {
		t.clocks.mu.Lock()
		defer t.clocks.mu.Unlock()
		c.inside--
		c.moved = time.Now()
	}
}

// Stuck says which stage nothing has left for twice its limit while something was in it; empty when there is none. With
// blocked, the store takes nothing, and the stages before it wait as they should.
func (t *Tally) Stuck(now time.Time, blocked bool) string {
	if t == nil {
		return ""
	}
	t.clocks.mu.Lock()
	defer t.clocks.mu.Unlock()
	for _, stage := range harvest.Stages() {
		c := t.clocks.of[stage]
		if c == nil || c.inside == 0 || blocked && stage != harvest.StageLand {
			continue
		}
		if since := now.Sub(c.moved); since > 2*c.limit {
			return fmt.Sprintf("%s: nothing has left this stage for %s", stage, since.Round(time.Second))
		}
	}
	return ""
}
