package exchange

import (
	"testing"
	"time"

	"shoal/internal/retry"
)

func TestNewPolicy(t *testing.T) {
	t.Parallel()
	for word, unit := range map[string]retry.Unit{
		"auto": retry.UnitGuess, "delta": retry.UnitDelta, "delta-ms": retry.UnitMilli, "epoch": retry.UnitEpoch, "epoch-ms": retry.UnitEpochMilli,
	} {
		got := NewPolicy(Settings{Retries: 3, MinPause: time.Second, ResetUnit: word, Slow: time.Minute, SlowPause: time.Hour})
		if want := (retry.Policy{Retries: 3, MinPause: time.Second, ResetUnit: unit, Slow: time.Minute, SlowPause: time.Hour}); got != want {
			t.Errorf("NewPolicy(%s) = %+v, want %+v", word, got, want)
		}
	}
}
