package exchange

import (
	"fmt"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// clock watches a stage: whether anything leaves it while something is in it.
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

// landLimit is what one landing may take.
const landLimit = time.Minute

// LimitAll sets what one passage through each stage of an item may take.
func (c *Counters) LimitAll(fetch, decode time.Duration) {
	c.Limit(harvest.StageFetch, fetch)
	c.Limit(harvest.StageDecode, decode)
	c.Limit(harvest.StageLand, landLimit)
}

// Limit sets how long one passage through a stage may take.
func (c *Counters) Limit(stage string, limit time.Duration) {
	c.clocks.mu.Lock()
	defer c.clocks.mu.Unlock()
	if c.clocks.of == nil {
		c.clocks.of = map[string]*clock{}
	}
	c.clocks.of[stage] = &clock{limit: limit}
}

// Enter notes that something is in a stage now; left notes that it has left, and adds the time in
// between.
func (c *Counters) Enter(stage string) (left func()) {
	if c == nil {
		return func() {}
	}
	began := time.Now()
	c.pass(stage, began, 1)
	return func() {
		now := time.Now()
		c.pass(stage, now, -1)
		if c.timer != nil {
			c.timer.Took(stage, now.Sub(began))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stages[stage] += now.Sub(began)
	}
}

// pass changes how many are in a stage that has a limit.
func (c *Counters) pass(stage string, now time.Time, change int) {
	c.clocks.mu.Lock()
	defer c.clocks.mu.Unlock()
	at := c.clocks.of[stage]
	if at == nil {
		return
	}
	if at.inside += change; change < 0 || at.inside == 1 {
		at.moved = now
	}
}

// Stuck names the stage that nothing has left for twice its limit while something was in it; empty
// if there is none. With blocked, the store takes nothing, and the stages before it wait as they
// should.
func (c *Counters) Stuck(now time.Time, blocked bool) string {
	if c == nil {
		return ""
	}
	c.clocks.mu.Lock()
	defer c.clocks.mu.Unlock()
	for _, stage := range harvest.Stages() {
		at := c.clocks.of[stage]
		if at == nil || at.inside == 0 || blocked && stage != harvest.StageLand {
			continue
		}
		if since := now.Sub(at.moved); since > 2*at.limit {
			return fmt.Sprintf("%s: nothing has left this stage for %s", stage, since.Round(time.Second))
		}
	}
	return ""
}
