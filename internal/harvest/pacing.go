package harvest

import "time"

// Pacing is pace as a person and --patience see it.
type Pacing struct {
	Budget float64   // requests/s of the whole fleet now
	Share  float64   // the part of it that is for this worker
	Limit  Limit     // what pace waits for; LimitBudget when nothing is wrong
	Until  time.Time // end of a backoff or hold; zero without one
	Since  time.Time // since when Redis or the upstream is away; zero when they are there

	Lowered float64 // requests/s that the fleet does not exceed, because the upstream refused repeatedly above it; 0: no such rate
}

// PaceOrder is what the store has about the pace of a host.
type PaceOrder struct {
	Asked   time.Time     // when the store was asked, with a monotonic reading
	Rate    float64       // requests/s that an operator set; 0: none did
	By      string        // the operator who set it
	Hold    time.Duration // left of the operator's silence; negative: it has no end
	Silence time.Duration // left of the upstream's silence
	Lifted  time.Time     // when an operator last ended all silences: another value than before ends them here too
}
