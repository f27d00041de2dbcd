package exchange

import (
	"slices"
	"time"

	"shoal/internal/retry"
)

// Tries are the counted tries at a request, by when each ended.
type Tries []time.Time

// Used returns how many tries were used, the one that ended last included. It drops for good those
// that fell into an outage of the upstream.
func (t *Tries) Used(ended time.Time, forgiven func(time.Time) bool) int {
	*t = slices.DeleteFunc(*t, forgiven)
	if forgiven(ended) {
		return max(1, len(*t))
	}
	return len(*t) + 1
}

// Once is the past of a request that is made once, to see what comes of it.
type Once struct {
	Trusted   bool // our settings are known to be right
	Renewed   bool // the credential was renewed for it
	Items     int  // in the request; 0 means 1
	Incidents int  // consecutive refusals without hint, this one included
}

// Proven implements [Past].
func (o Once) Proven() bool { return o.Trusted }

// Facts implements [Past].
func (o Once) Facts(facts retry.Facts, _ time.Time) retry.Facts {
	facts.Items, facts.Tries, facts.Renewed, facts.Incidents = max(1, o.Items), 1, o.Renewed, o.Incidents
	return facts
}

// Blames implements [Past].
func (o Once) Blames(time.Time) bool { return true }
