package exchange

import (
	"slices"
	"time"

	"shoal/internal/harvest"
)

// maxQuiets is how many quiets wait for a store that is away; the oldest give way.
const maxQuiets = 1000

// briefStore is how long the store may be busy without a mark: a store that is only slow is so
// again and again.
const briefStore = 10 * time.Second

// quiets are the times in which a process was to be silent, or could not send, that are not stored
// yet.
type quiets struct {
	over []harvest.Quiet
	open harvest.Quiet // zero while it can send
}

func (q *quiets) add(one harvest.Quiet) {
	q.over = append(q.over, one)
	if more := len(q.over) - maxQuiets; more > 0 {
		q.over = slices.Delete(q.over, 0, more)
	}
}

// watch notes what prevents the process from sending at this moment. A silence that the upstream
// asked for is noted when it is asked for.
func (q *quiets) watch(p harvest.Progress) {
	kind := p.Limit
	switch kind {
	case harvest.LimitHold, harvest.LimitOutage, harvest.LimitPace, harvest.LimitStore:
	default:
		kind = ""
	}
	if q.open.Kind != "" && q.open.Kind != kind {
		q.open.Until = p.Now
		if q.lasts() {
			q.add(q.open)
		}
		q.open = harvest.Quiet{}
	}
	switch {
	case kind == "":
	case q.open.Kind == "":
		q.open = harvest.Quiet{From: p.Now, Until: p.Now, Kind: kind, Cause: harvest.Printable(p.Note)}
	default:
		q.open.Until = p.Now
	}
}

// lasts reports whether the open quiet is one to mark.
func (q *quiets) lasts() bool {
	least := time.Duration(1)
	if q.open.Kind == harvest.LimitStore {
		least = briefStore
	}
	return q.open.Until.Sub(q.open.From) >= least
}

// Quiets returns those that are not stored yet, or have become longer.
func (c *Counters) Quiets() []harvest.Quiet {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.quiets.over)
	if c.quiets.open.Kind != "" && c.quiets.lasts() {
		all = append(all, c.quiets.open)
	}
	return all
}

// SavedQuiets forgets those that are stored.
func (c *Counters) SavedQuiets(stored []harvest.Quiet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiets.over = slices.DeleteFunc(c.quiets.over, func(one harvest.Quiet) bool { return slices.Contains(stored, one) })
}
