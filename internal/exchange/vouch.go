package exchange

import (
	"context"
	"time"
)

// maxVouches is how many listings of other shards may be requested before a shard in which nothing
// landed counts as a mistake in the settings.
const maxVouches = 10

// Vouched reports whether the upstream serves one of the listings that begin at seeds: those of
// other shards, where nothing of this shard's landed. It requests the first steps of at most ten of
// them, spread over all, until ask reports that one of them would land. The caller that ask gets
// ends soon, whatever the upstream answers.
func Vouched(ctx context.Context, c Caller, seeds []string, ask func(c *Caller, seed string) bool) bool {
	c.Client = c.Client.withRetries(min(c.Client.Policy.Retries, 1))
	c.Served = func(since time.Time) bool { return !since.IsZero() } // a caller that fails again is given up
	c.Witnesses = nil
	n := min(len(seeds), maxVouches)
	for i := range n {
		at := 0
		if n > 1 {
			at = i * (len(seeds) - 1) / (n - 1)
		}
		if ask(&c, seeds[at]) {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return false
}
