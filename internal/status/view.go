package status

import (
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// sizeAfter is how many items must have ended before their mean size means something.
const sizeAfter = 1000

// view is a snapshot with what follows from it: what each form of progress shows.
type view struct {
	harvest.Progress
	done      int64 // of Total, earlier starts included
	eta       time.Duration
	etaKnown  bool
	itemBytes int64 // mean, 0 while unknown
	allBytes  int64 // expected of the whole shard, 0 while unknown
	silent    time.Duration
	elapsed   time.Duration
}

// totalText is the total, with a ~ where it is an estimate.
func totalText(total int64, guess bool) string {
	switch {
	case total <= 0:
		return "an unknown number"
	case guess:
		return "~" + humanize.Comma(total)
	}
	return humanize.Comma(total)
}

func viewOf(p harvest.Progress, itemsPerSecond float64) view {
	ended := p.Counts.Items()
	v := view{Progress: p, done: p.Already + ended, elapsed: max(0, p.Now.Sub(p.Started))}
	if ended >= sizeAfter {
		v.itemBytes = p.Counts.Bytes / ended
		v.allBytes = v.itemBytes * p.Total
	}
	if !p.SilentUntil.IsZero() {
		v.silent = max(0, p.SilentUntil.Sub(p.Now))
	}
	if p.Total > 0 {
		v.done = min(v.done, p.Total)
		v.eta, v.etaKnown = ETA(p.Total-v.done, itemsPerSecond)
		v.eta += v.silent
	}
	return v
}
