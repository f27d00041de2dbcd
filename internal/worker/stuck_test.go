package worker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// TestStuck: a stage that nothing leaves for twice its limit is named; one that others leave is not, nor one that waits for the store.
func TestStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tally := NewTally()
		tally.Limit(harvest.StageDecode, 10*time.Second)
		left := tally.enter(harvest.StageDecode)
		time.Sleep(15 * time.Second)
		tally.enter(harvest.StageDecode)() // another one comes and goes
		time.Sleep(15 * time.Second)
		if stuck := tally.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q while others pass, want nothing", stuck)
		}
		time.Sleep(10 * time.Second)
		if stuck := tally.Stuck(time.Now(), false); !strings.HasPrefix(stuck, "decode: ") {
			t.Errorf("Stuck() = %q, want the stage decode", stuck)
		}
		if stuck := tally.Stuck(time.Now(), true); stuck != "" {
			t.Errorf("Stuck() = %q while the store takes nothing, want nothing", stuck)
		}
		left()
		time.Sleep(time.Hour)
		if stuck := tally.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q of an empty stage, want nothing", stuck)
		}
	})
}
