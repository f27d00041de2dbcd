package worker

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Decode reads an exchange: a failed one becomes a Reading with its fault, a
// redirect one with the next request. What has neither is for its status alone to decide.
func Decode(upstream Reader, fetch Fetcher, request *harvest.Request, answer *harvest.Answer, err error) harvest.Reading {
	switch {
	case err != nil:
	case answer.Status >= 200 && answer.Status < 300 && answer.Status != 202:
		reading := upstream.Read(request, answer)
		if reading.Fault == harvest.FaultUndecodable && foreign(answer.Body) {
			reading.Fault = harvest.FaultForeign
		}
		return reading
	case answer.Status >= 300 && answer.Status < 400 && answer.Status != 304:
		var next *harvest.Request
		if next, err = fetch.Redirect(request, answer); err == nil {
			return harvest.Reading{Next: next}
		}
	}
	if err == nil {
		return harvest.Reading{}
	}
	fault := harvest.FaultReset
	if failure := (*harvest.Failure)(nil); errors.As(err, &failure) {
		fault = failure.Fault
	}
	return harvest.Reading{Fault: fault, Reason: string(fault), Cause: err}
}

// foreign reports whether a body does not even begin as JSON: an address of something else answers so, again and again,
// where a broken API answers with half of what it means.
func foreign(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	return len(body) == 0 || !strings.ContainsRune(`{["`, rune(body[0]))
}

// healthy tells whether the upstream works: it answered, with something that can
// be used or with a refusal that is about the item.
func healthy(answer *harvest.Answer, reading harvest.Reading) bool {
	return answer != nil && answer.Status < 500 && reading.Fault != harvest.FaultCalm && reading.Fault != harvest.FaultUndecodable && !unexpected(reading)
}

// unexpected reports whether the upstream works and yet gives what our settings do not expect: other JSON, or HTML where
// the address is wrong. That says nothing about it: a mistake of ours must not look like an outage, in which nothing would
// ever end.
func unexpected(reading harvest.Reading) bool {
	return reading.Fault == harvest.FaultUnexpected || reading.Fault == harvest.FaultForeign
}

// mistaken tells whether our settings may be what is wrong: until something of the run has landed. From then on an answer
// that they do not expect is one of an upstream that is out, such as {"error": "maintenance"}.
func (w *Worker) mistaken(reading harvest.Reading) bool {
	return unexpected(reading) && !w.proof.expected()
}

// excusable is when a try ended, which pace compares with outages: never, where the upstream worked.
func (w *Worker) excusable(reading harvest.Reading, now time.Time) time.Time {
	if w.mistaken(reading) {
		return time.Time{}
	}
	return now
}

// mostBlame is how many failures of one item may count as signs of an outage.
const mostBlame = 2

// report tells pace how the upstream is. An item that fails while others succeed,
// or fails again and again, says nothing about the upstream: a few such items at
// the end of a corpus must not look like an outage.
func (w *Worker) report(t *task, permit Permit, answer *harvest.Answer, reading harvest.Reading, why string, now time.Time) {
	switch {
	case w.mistaken(reading):
		permit.Neutral(w.sending, true)
		return
	case healthy(answer, reading):
		w.lastGood.Store(now.UnixNano())
		w.witnesses.worked(now)
		permit.Done(w.sending, true)
		return
	}
	w.lastBad.Store(&why)
	if t.failed.IsZero() {
		t.failed = now
	}
	t.blamed++
	if t.blamed > mostBlame || w.lastGood.Load() > t.failed.UnixNano() {
		permit.Neutral(w.sending, false)
		return
	}
	permit.Done(w.sending, false)
}
