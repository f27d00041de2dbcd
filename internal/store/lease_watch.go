package store

import (
	"time"

	"shoal/internal/harvest"
)

// heldLease is a lease that was not given back, as one look found it.
type heldLease struct {
	holder
	token int64
	loose bool // it has lapsed, or nobody holds the lock of its token
}

// watch decides from repeated looks on one connection which leases are dead. One look is not enough:
// after a restart of the server, or a freeze of it, every lease is loose until its owner, who is well,
// has come back. So a lease is dead when two looks at least apart found the same token, loose each
// time and not renewed in between, and no look between them found otherwise.
type watch struct {
	apart time.Duration
	first map[harvest.Shard]sighting
}

// sighting is the first of an unbroken row of looks that found a lease loose.
type sighting struct {
	token   int64
	renewed time.Time
	at      time.Time // when the look's answer came
}

// look takes in what one look found, between asked and answered on a monotonic clock, and returns the
// leases that still stand in the way, and after how long the first of them could turn out to be dead
// (0: none of them is even loose).
func (w *watch) look(found []heldLease, asked, answered time.Time) (inWay []heldLease, again time.Duration) {
	next := make(map[harvest.Shard]sighting, len(found))
	for _, l := range found {
		if !l.loose {
			inWay = append(inWay, l)
			continue
		}
		s, ok := w.first[l.shard]
		// A look that was long under way may have been answered by a server that has just woken, before
		// it heard its owners: it counts as a first one.
		if !ok || s.token != l.token || !s.renewed.Equal(l.renewed) || answered.Sub(asked) > w.apart {
			s = sighting{l.token, l.renewed, answered}
		}
		next[l.shard] = s
		if rest := w.apart - asked.Sub(s.at); rest > 0 {
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
