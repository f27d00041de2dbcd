package worker

import (
	"time"

	"shoal/internal/exchange"
)

// refusals counts how often an answer to a task asked for silence. While others are accepted in
// between, the rate is not the reason.
type refusals struct {
	last     time.Time // zero: never
	count    int
	row      int  // of them since others were accepted
	outvoted int  // how often others were accepted between one and the next
	asked    bool // since the last one, something that once landed was requested
}

// doubtful is the number of refusals after which something that once landed is requested first: if
// nothing else is left to request, nothing else could be accepted.
const doubtful = 3

// refused notes a refusal at now; accepted is when something was last accepted.
func (r *refusals) refused(now, accepted time.Time) {
	if r.refuted(accepted) {
		r.outvoted++
		r.row = 0
	}
	r.last, r.asked = now, false
	r.count++
	r.row++
}

// refuted reports whether others were accepted since the last one.
func (r *refusals) refuted(accepted time.Time) bool {
	return !r.last.IsZero() && accepted.After(r.last)
}

// votes returns how often others were accepted after a refusal, the last one included.
func (r *refusals) votes(accepted time.Time) int {
	if r.refuted(accepted) {
		return r.outvoted + 1
	}
	return r.outvoted
}

// incidents is how many silences in a row the next one continues, itself included; all is that
// number for the whole worker. What is refused again and again while others are accepted does not
// lengthen the silences of all.
func (r *refusals) incidents(all int, accepted time.Time) int {
	switch {
	case r.votes(accepted) < doubtful:
		return all
	case r.refuted(accepted):
		return 1
	}
	return min(all, r.row+1)
}

// needsWitness reports whether it is time to ask for something that once landed, which is so once
// for each refusal; row is how many silences the upstream has asked for in a row, which a witness
// may end whatever the task is.
func (r *refusals) needsWitness(accepted time.Time, row int) bool {
	if r.asked || row < doubtful && (r.count < doubtful || r.refuted(accepted)) {
		return false
	}
	r.asked = true
	return true
}

// accepted returns when this worker last had an answer that was accepted.
func (w *Worker) accepted() time.Time { return time.Unix(0, w.lastAccepted.Load()) }

// fresher returns the task that a permit in a row of silences is used for: one from the queue that
// was never requested, in place of the task at hand, which goes back. The first items of a run may
// all be among the few that are refused.
func (w *Worker) fresher(t *task, ready exchange.Ready) (*task, exchange.Ready) {
	if w.silences.row() == 0 || t.isolated || w.parts.Suspects.On() {
		return t, ready
	}
	other := w.queue.popFresh(func(t *task) bool { return ready.Suits(t.request) })
	if other == nil {
		return t, ready
	}
	w.requeue(t)
	return other, ready.For(other.request)
}
