package worker

import (
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// accept ends the items that an answer completed. What it left open is asked for by its continuation, where there is
// one, else it goes back to the packer.
func (w *Worker) accept(t *task, hold bool, answer *harvest.Answer, reading harvest.Reading, now time.Time) {
	Share(answer, reading.Pages)
	for i := range reading.Pages {
		page := reading.Pages[i]
		page.Attempts, page.FetchedAt = t.total+w.packer.before(page.Key), now
		w.finish(hold && page.Outcome != harvest.Landed, page)
	}
	if reading.Next != nil {
		t.items, t.request, t.ready = reading.Next.Items, reading.Next, now
		t.tries = nil
		w.push(t)
	}
	w.giveBack(t, reading.Unfinished)
	w.drop(len(reading.Pages))
}

// Share makes each page a holder of what its answer counts for: what was made of it, and its body where a page keeps that.
// The last page that lands gives it back. Without a page the answer is released.
func Share(answer *harvest.Answer, pages []harvest.Page) {
	if len(pages) == 0 || answer == nil {
		answer.Release()
		return
	}
	body, own := false, int64(0)
	for i := range pages {
		own += int64(pages[i].Size())
		if pages[i].Answer != nil {
			body = true
			own -= int64(len(pages[i].Body) + len(pages[i].Raw))
		}
	}
	answer.Settle(body, own)
	answer.Hold(len(pages) - 1)
	for i := range pages {
		pages[i].Answer = answer
	}
}

// end ends all items of a task in the same way.
func (w *Worker) end(t *task, hold bool, verdict harvest.Page) {
	for _, item := range t.items {
		page := verdict
		page.Key, page.URL, page.ID = item.Key, item.URL, item.ID
		page.Attempts += w.packer.before(item.Key)
		w.finish(hold, page)
	}
	w.drop(len(t.items))
}

// finish sends a page on to the batch, or holds it while it may be a mistake of ours.
func (w *Worker) finish(hold bool, page harvest.Page) {
	if page.Reason != "" {
		page.Reason = harvest.Word(page.Reason, "unknown")
	}
	if page.Outcome == harvest.Skipped || page.Outcome == harvest.Dead {
		w.losses.log(w.Log, &page)
		w.Tally.failed(string(page.Outcome) + ": " + page.Reason)
	}
	w.endedSuspect(page.Key, hold)
	if hold {
		w.proof.hold(page)
	} else {
		w.deliver(page)
	}
}

// deliver gives a page to the batch. After the end nothing takes it: it is fetched again.
func (w *Worker) deliver(page harvest.Page) {
	select {
	case w.ended <- page:
		w.suspicion.delivered.Add(1)
	case <-w.over:
		page.Answer.Release()
	}
}

// pass sends pages that were held on to the batch.
func (w *Worker) pass(pages []harvest.Page) {
	for i := range pages {
		w.deliver(pages[i])
	}
}

// verdict is the page of an item that did not land, but for its name.
func (w *Worker) verdict(t *task, answer *harvest.Answer, reading harvest.Reading, d retry.Decision, now time.Time) harvest.Page {
	page := harvest.Page{Outcome: d.Outcome, Reason: d.Reason, Attempts: t.total, FetchedAt: now}
	if answer != nil {
		page.Status, page.Detail = answer.Status, w.Upstream.Detail(answer)
	}
	page.Detail = detailed(reading, page.Detail)
	return page
}

// detailed is a page's detail: what is wrong with the answer, in words, and the beginning of the answer.
func detailed(reading harvest.Reading, beginning string) string {
	if reading.Cause == nil {
		return beginning
	}
	why := text(reading.Cause.Error())
	if beginning == "" {
		return why
	}
	return text(why + "\n" + beginning)
}

// text is what a store takes as text, at most harvest.MaxDetail bytes of it.
func text(s string) string {
	return harvest.Printable(s[:min(len(s), harvest.MaxDetail)])
}

// again puts a task back. A 401 renews the credential first, once for each task.
func (w *Worker) again(t *task, d retry.Decision, reading harvest.Reading, now time.Time) {
	delay := d.Delay - d.Pause // pace waits for the silence, which an operator may end
	if d.Renew {
		_, err := w.Fetch.Renew(w.sending)
		t.renewed = err == nil
		if err != nil { // the next 401 proves nothing about the credential
			w.Log.Warn("credential not renewed", "error", err)
			delay = max(delay, time.Second)
		}
	}
	t.alone = t.alone || d.Alone
	if reading.Fault == harvest.FaultUnprocessed || reading.Fault == harvest.FaultLost {
		t.free++
	}
	if !d.Free {
		t.tries = append(t.tries, w.excusable(reading, now))
		w.retries.Add(1)
		w.Tally.retried(d.Source)
		w.survived(t)
	}
	t.ready = now.Add(delay)
	w.push(t)
}

// pause reports the silence that the upstream asked for to the whole fleet.
func (w *Worker) pause(permit Permit, d retry.Decision, now time.Time) {
	permit.Backoff(w.sending, d.Pause, d.Cut)
	if w.proof.silenced(now, d.Pause) {
		w.pauses.Add(1)
		w.Tally.paused(d.Source, d.Pause, d.Cut)
		w.Log.Info("upstream asks for silence", "for", d.Pause, "because", d.Source)
	}
	if w.MaxSilence > 0 && d.Pause > w.MaxSilence {
		w.fail(tooLong(d, w.MaxSilence))
	}
	if w.Patience > 0 && d.Pause > w.Patience {
		w.fail(fmt.Errorf("%w: the upstream asked for silence until %s; start again then", ErrPatience, now.Add(d.Pause).Format(time.DateTime)))
	}
}
