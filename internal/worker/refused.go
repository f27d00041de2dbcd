package worker

import "time"

// refusals counts how often the items of a task were refused as too fast. While others are accepted in between, the rate
// is not the reason.
type refusals struct {
	last     time.Time // zero: never
	count    int
	outvoted int  // how often others were accepted between one and the next
	asked    bool // since the last one, something that once landed was asked for
}

// doubtful is after how many refusals something that once landed is asked for first: where nothing else is left to be asked
// for, nothing else could be accepted.
const doubtful = 3

// refused takes note of one at now; accepted is when something was last accepted.
func (r *refusals) refused(now, accepted time.Time) {
	r.outvoted, r.last, r.asked = r.votes(accepted), now, false
	r.count++
}

// votes is how often others were accepted after a refusal, the last one included.
func (r *refusals) votes(accepted time.Time) int {
	if !r.last.IsZero() && accepted.After(r.last) {
		return r.outvoted + 1
	}
	return r.outvoted
}

// needsWitness reports whether it is time to ask for something that once landed, which is so once for each refusal.
func (r *refusals) needsWitness(accepted time.Time) bool {
	if r.count < doubtful || r.asked || accepted.After(r.last) {
		return false
	}
	r.asked = true
	return true
}

// accepted is when this worker last had an answer that was accepted.
func (w *Worker) accepted() time.Time { return time.Unix(0, w.lastAccepted.Load()) }
