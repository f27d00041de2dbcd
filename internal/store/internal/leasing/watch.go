package leasing

import (
	"time"

	"shoal/internal/harvest"
)

// HeldLease is a lease that was not given back, as one look found it.
type HeldLease struct {
	Holder
	Token int64
	Loose bool // it has lapsed, or no connection holds the lock of its token
}

// Watch decides from repeated looks on one connection which leases are dead. One look is not
// enough: after a restart of the server, or a freeze of it, every lease is loose until its owner,
// who is well, has come back. So a lease is dead if two looks at least apart found the same token,
// loose each time and not renewed in between, and no look between them found otherwise.
type Watch struct {
	Apart time.Duration
	first map[harvest.Shard]sighting
}

// sighting is the first of an unbroken row of looks that found a lease loose.
type sighting struct {
	token   int64
	renewed time.Time
	at      time.Time // when the look's answer came
}

// Look takes what one look found, between asked and answered on a monotonic clock, and returns the
// leases that are still in the way, and after how long the first of them could turn out to be dead
// (0: none of them is even loose).
func (w *Watch) Look(found []HeldLease, asked, answered time.Time) (inWay []HeldLease, again time.Duration) {
	next := make(map[harvest.Shard]sighting, len(found))
	for _, l := range found {
		if !l.Loose {
			inWay = append(inWay, l)
			continue
		}
		s, ok := w.first[l.Shard]
		// A look that was long under way may have been answered by a server that has just woken,
		// before its owners' renewals: it counts as a first one.
		if !ok || s.token != l.Token || !s.renewed.Equal(l.Renewed) || answered.Sub(asked) > w.Apart {
			s = sighting{l.Token, l.Renewed, answered}
		}
		next[l.Shard] = s
		if rest := w.Apart - asked.Sub(s.at); rest > 0 {
			l.silent = true
			inWay = append(inWay, l)
			if again == 0 || rest < again {
				again = rest
			}
		}
	}
	w.first = next
	return inWay, again
}
