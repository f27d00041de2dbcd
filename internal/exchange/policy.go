package exchange

import (
	"time"

	"shoal/internal/retry"
)

// Settings are what an operator, or a profile, sets about the answers of an upstream.
type Settings struct {
	Retries   int           // tries after the first
	MinPause  time.Duration // the shortest silence after a refusal without a hint
	ResetUnit string        // of X-RateLimit-Reset: delta, delta-ms, epoch or epoch-ms; any other word: to be guessed
	Slow      time.Duration // an answer that takes longer means that the upstream is busy; 0: never
	SlowPause time.Duration // the silence after such an answer
}

// NewPolicy returns the policy that these settings mean.
func NewPolicy(s Settings) retry.Policy {
	units := map[string]retry.Unit{"delta": retry.UnitDelta, "delta-ms": retry.UnitMilli, "epoch": retry.UnitEpoch, "epoch-ms": retry.UnitEpochMilli}
	return retry.Policy{Retries: s.Retries, MinPause: s.MinPause, ResetUnit: units[s.ResetUnit], Slow: s.Slow, SlowPause: s.SlowPause}
}
