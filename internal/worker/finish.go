package worker

import (
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// accept ends the items that an answer completed. What it left open is asked for by its continuation, where there is
// one, else it goes back to the packer.
func (w *Worker) accept(t *task, hold bool, x exchange.Exchange) {
	reading := x.Reading
	exchange.Share(x.Answer, reading.Pages)
	for i := range reading.Pages {
		page := reading.Pages[i]
		page.Attempts, page.FetchedAt = t.total+w.packer.before(page.Key), x.At
		w.finish(hold && page.Outcome != harvest.Landed, page)
	}
	if reading.Next != nil {
		t.items, t.request, t.ready = reading.Next.Items, reading.Next, x.At
		t.tries = nil
		w.push(t)
	}
	w.giveBack(t, reading.Unfinished)
	w.drop(len(reading.Pages))
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
		w.Counters.Failed(string(page.Outcome) + ": " + page.Reason)
	}
	w.endedSuspect(page.Key, hold)
	if hold {
		w.canary.Hold(page)
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
func (w *Worker) verdict(t *task, x exchange.Exchange) harvest.Page {
	page := harvest.Page{Outcome: x.Decision.Outcome, Reason: x.Decision.Reason, Attempts: t.total, FetchedAt: x.At}
	if x.Answer != nil {
		page.Status, page.Detail = x.Answer.Status, w.Upstream.Detail(x.Answer)
	}
	page.Detail = exchange.Detailed(x.Reading, page.Detail)
	return page
}

// again is for a task whose attempt was not made: it comes again at once, unless the worker ends.
func (w *Worker) again(t *task) {
	if w.sending.Err() != nil {
		w.drop(len(t.items))
		return
	}
	w.push(t)
}

// retry puts a task back that failed. A 401 renews the credential first, once for each task.
func (w *Worker) retry(t *task, x exchange.Exchange) {
	d := x.Decision
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
	if x.Reading.Fault == harvest.FaultUnprocessed || x.Reading.Fault == harvest.FaultLost {
		t.free++
	}
	if d.Verb == retry.Pause {
		t.refusals.refused(x.At, w.accepted())
	}
	if !d.Free {
		t.tries = append(t.tries, x.Excusable())
		w.retries.Add(1)
		w.Counters.Retried(d.Source)
		w.survived(t)
	}
	t.ready = x.At.Add(delay)
	w.push(t)
}

// pause takes note of the silence that the upstream asked for.
func (w *Worker) pause(d retry.Decision, now time.Time) {
	if w.silences.add(now, d.Pause) {
		w.pauses.Add(1)
		w.Counters.Paused(d.Source, d.Pause, d.Cut)
		w.Log.Info("upstream asks for silence", "for", d.Pause, "because", d.Source)
	}
	if err := exchange.Bounded(d, now, w.MaxSilence, w.Patience); err != nil {
		w.fail(err)
	}
}
