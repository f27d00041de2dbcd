package worker

import (
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// history is what a task has gone through, in the form that the exchange needs.
type history struct {
	*Worker
	task *task
}

// Proven implements [exchange.Past]: something of the run has landed. From then on an answer that
// our settings do not expect comes from an upstream that is out, such as {"error": "maintenance"}.
func (h *history) Proven() bool { return h.canary.Expected() }

// Facts implements [exchange.Past].
func (h *history) Facts(facts retry.Facts, excusable time.Time) retry.Facts {
	t := h.task
	t.total++
	facts.Items, facts.Tries, facts.Free, facts.Renewed = len(t.items), t.tries.Used(excusable, h.forgiven), t.free, t.renewed
	facts.Outvoted = t.refusals.votes(h.accepted())
	facts.Incidents = t.refusals.incidents(h.silences.incident(facts.Now), h.accepted())
	return facts
}

// maxBlame is how many failures of one item may count as signs of an outage.
const maxBlame = 2

// Blames implements [exchange.Past]. An item that fails while others succeed, or fails again and
// again, is no evidence about the upstream: a few such items at the end of a corpus must not look
// like an outage.
func (h *history) Blames(now time.Time) bool {
	t := h.task
	if t.failed.IsZero() {
		t.failed = now
	}
	t.blamed++
	return t.blamed <= maxBlame && h.lastGood.Load() <= t.failed.UnixNano()
}

// act does with a task what its exchange means.
func (w *Worker) act(t *task, x *exchange.Exchange) {
	if next := x.Redirected(); next != nil {
		t.total++
		x.Answer.Release()
		t.request, t.ready = next, x.At
		w.requeue(t)
		return
	}
	d := x.Decision
	w.noteHealth(x)
	if d.Verb == retry.Accept {
		w.lastAccepted.Store(x.At.UnixNano())
	}
	if d.Pause > 0 {
		w.pause(d, x.At)
	}
	verdict, released := w.canary.Observe(t.items, d, x.Reading)
	w.releaseHeld(released)
	if verdict.Stop != "" && w.vouched(verdict.Stop) {
		w.releaseHeld(w.canary.Vouch())
		verdict = retry.Verdict{Release: true}
	}
	if verdict.Release {
		w.silences.end()
		w.open.widen()
	}
	switch {
	case verdict.Stop != "" || d.Verb == retry.Abort:
		x.Answer.Release()
		w.abandon(t)
		w.fail(w.refusal(verdict.Stop, d.Reason))
	case d.Verb == retry.Accept:
		w.finishAccepted(t, verdict.Hold, x)
	case d.Verb == retry.Skip:
		w.finish(t, verdict.Hold, w.verdict(t, x))
		x.Answer.Release()
	case d.Verb == retry.Split:
		x.Answer.Release()
		w.retries.Add(1)
		w.parts.Counters.Retried(d.Source)
		t.isolated = t.isolated || d.Isolated
		w.split(t, x.At.Add(d.Delay))
	default: // Again, and Pause, which means Again for the item
		x.Answer.Release()
		w.requeueFailed(t, x)
	}
}

// noteHealth remembers the upstream's state.
func (w *Worker) noteHealth(x *exchange.Exchange) {
	switch {
	case x.Mistaken:
	case x.Healthy:
		w.lastGood.Store(x.At.UnixNano())
		w.witnesses.Worked(x.At)
	default:
		why := x.Decision.Source // of its own memory: the exchange stays on its stack
		w.lastBad.Store(&why)
	}
}

// forgiven reports whether a try at t fell into an outage of the upstream and costs its item
// nothing.
func (w *Worker) forgiven(t time.Time) bool {
	return w.parts.Pace.Forgiven(t) && !w.witnesses.Refuted(t)
}

// failIfLeftOpen counts an answer that leaves its only item open as a failed try: otherwise nothing
// would ever end the item.
type failIfLeftOpen struct{ exchange.Reader }

// reasonUnfinished is why an item is tried again that was the only one in its request and is
// missing from the answer.
const reasonUnfinished = "unfinished"

// Read implements [exchange.Reader].
func (f failIfLeftOpen) Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading {
	reading := f.Reader.Read(request, answer)
	if len(request.Items) == 1 && len(reading.Unfinished) == 1 && reading.Fault == harvest.FaultNone {
		return harvest.Reading{Fault: harvest.FaultUnexpected, Reason: reasonUnfinished}
	}
	return reading
}
