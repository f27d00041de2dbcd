package worker

import (
	"math/rand/v2"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// decide asks the policy what the attempt means, and does it.
func (w *Worker) decide(t *task, permit Permit, answer *harvest.Answer, reading harvest.Reading, now time.Time) {
	t.total++
	reading = w.lone(t, reading)
	if reading.Next != nil && answer.Status >= 300 {
		permit.Done(w.sending, true)
		answer.Release()
		t.request, t.ready = reading.Next, now
		w.push(t)
		return
	}
	decision := w.judge(t, answer, reading, now)
	w.report(t, permit, answer, reading, decision.Source, now)
	w.Tally.misread(decision.Hint.Malformed)
	if decision.Pause > 0 {
		w.pause(permit, decision, now)
	}
	verdict, released := w.proof.observe(t.items, decision, reading)
	w.pass(released)
	if verdict.Stop != "" && w.vouched(verdict.Stop) {
		w.pass(w.proof.vouch())
		verdict = retry.Verdict{Release: true}
	}
	if verdict.Release {
		w.open.widen()
	}
	switch {
	case verdict.Stop != "" || decision.Verb == retry.Abort:
		answer.Release()
		w.drop(len(t.items))
		w.fail(w.proof.refusal(verdict.Stop, decision.Reason))
	case decision.Verb == retry.Accept:
		w.accept(t, verdict.Hold, answer, reading, now)
	case decision.Verb == retry.Skip:
		w.end(t, verdict.Hold, w.verdict(t, answer, reading, decision, now))
		answer.Release()
	case decision.Verb == retry.Split:
		answer.Release()
		w.retries.Add(1)
		w.Tally.retried(decision.Source)
		t.alone = t.alone || decision.Alone
		w.split(t, now.Add(decision.Delay))
	default: // Again, and Pause, which says Again for the item
		answer.Release()
		w.again(t, decision, reading, now)
	}
}

// judge is what the policy says. An answer that no API gives, before anything of the run has landed, is soon a mistake in
// the address rather than an outage: it is asked for again twice.
func (w *Worker) judge(t *task, answer *harvest.Answer, reading harvest.Reading, now time.Time) retry.Decision {
	policy := w.Retry
	strange := w.mistaken(reading) && reading.Fault == harvest.FaultForeign
	if strange {
		policy.Retries = min(policy.Retries, maxForeign-1)
	}
	facts := w.facts(t, answer, reading, now)
	d := retry.Decide(facts, policy)
	if strange && facts.Tries > 1 {
		d.Class = retry.ClassForeign
	}
	return d
}

// maxForeign is how often an item is asked for whose answers are nothing that an API gives.
const maxForeign = 3

func (w *Worker) facts(t *task, answer *harvest.Answer, reading harvest.Reading, now time.Time) retry.Facts {
	facts := retry.Facts{
		Fault: reading.Fault, Reason: reading.Reason, Wait: reading.Wait,
		Items: len(t.items), Tries: w.tries(t, w.excusable(reading, now)), Free: t.free, Renewed: t.renewed, Incidents: w.proof.incident(now), Now: now, Jitter: rand.Float64(),
	}
	if answer != nil {
		facts.Status, facts.Header, facts.Took = answer.Status, answer.Header, answer.Took
	}
	return facts
}

// tries is how many tries the task has used, the one that ended last included.
// Those that fell into an outage of the upstream are given back for good.
func (w *Worker) tries(t *task, ended time.Time) int {
	t.tries = slices.DeleteFunc(t.tries, w.forgiven)
	if w.forgiven(ended) {
		return max(1, len(t.tries))
	}
	return len(t.tries) + 1
}
