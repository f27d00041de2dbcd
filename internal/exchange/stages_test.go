package exchange

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// TestStuck checks that a stage that nothing leaves for twice its limit is named; one that others
// leave is not, nor one that waits for the store.
func TestStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counters := NewCounters()
		counters.Limit(harvest.StageDecode, 10*time.Second)
		left := counters.Enter(harvest.StageDecode)
		time.Sleep(15 * time.Second)
		counters.Enter(harvest.StageDecode)() // another one comes and goes
		time.Sleep(15 * time.Second)
		if stuck := counters.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q while others pass, want nothing", stuck)
		}
		time.Sleep(10 * time.Second)
		if stuck := counters.Stuck(time.Now(), false); !strings.HasPrefix(stuck, "decode: ") {
			t.Errorf("Stuck() = %q, want the stage decode", stuck)
		}
		if stuck := counters.Stuck(time.Now(), true); stuck != "" {
			t.Errorf("Stuck() = %q while the store takes nothing, want nothing", stuck)
		}
		left()
		time.Sleep(time.Hour)
		if stuck := counters.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q of an empty stage, want nothing", stuck)
		}
	})
}
