package worker

import (
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Where a task goes after an attempt has four names: requeue, split, finish and abandon.
// docs/states.md shows when.

// requeue puts a task into the queue that it is for. It comes again when it is ready.
func (w *Worker) requeue(t *task) {
	if t.isolated {
		w.aside.push(t)
		return
	}
	w.queue.push(t)
}

// requeueUnsent is for a task whose attempt was not made: it comes again at once, unless the worker
// ends.
func (w *Worker) requeueUnsent(t *task) {
	if w.sending.Err() != nil {
		w.abandon(t)
		return
	}
	w.requeue(t)
}

// requeueFailed is for a task that failed: it comes again when the policy decides. A 401 renews the
// credential first, once for each task.
func (w *Worker) requeueFailed(t *task, x *exchange.Exchange) {
	d := x.Decision
	delay := d.Delay - d.Pause // pace waits for the silence, which an operator may end
	if d.Renew {
		_, err := w.parts.Fetch.Renew(w.sending)
		t.renewed = err == nil
		if err != nil { // the next 401 proves nothing about the credential
			w.parts.Log.Warn("credential not renewed", "error", err)
			delay = max(delay, time.Second)
		}
	}
	t.isolated = t.isolated || d.Isolated
	if x.Reading.Fault == harvest.FaultUnprocessed || x.Reading.Fault == harvest.FaultLost {
		t.free++
	}
	if d.Verb == retry.Pause {
		t.refusals.refused(x.At, w.accepted())
	}
	if !d.Free {
		t.tries = append(t.tries, x.Excusable())
		w.retries.Add(1)
		w.parts.Counters.Retried(d.Source)
		w.survived(t)
	}
	t.ready = x.At.Add(delay)
	w.requeue(t)
}

// split asks for the halves of a pack that keeps failing, until the item that makes it fail is by
// itself.
func (w *Worker) split(t *task, ready time.Time) {
	half := len(t.items) / 2
	w.dispatch(&task{items: t.items[:half:half], total: t.total, ready: ready, isolated: t.isolated, noted: t.noted})
	w.dispatch(&task{items: t.items[half:], total: t.total, ready: ready, isolated: t.isolated, noted: t.noted})
}

// finish ends all items of a task in the same way.
func (w *Worker) finish(t *task, hold bool, verdict harvest.Page) {
	for _, item := range t.items {
		page := verdict
		page.Key, page.URL, page.ID = item.Key, item.URL, item.ID
		page.Attempts += w.packer.before(item.Key)
		w.finishItem(hold, page)
	}
	w.settled(len(t.items))
}

// finishAccepted ends the items that an answer completed. What it left open is asked for by its
// continuation, where there is one, else it goes back to the packer.
func (w *Worker) finishAccepted(t *task, hold bool, x *exchange.Exchange) {
	reading := x.Reading
	exchange.Share(x.Answer, reading.Pages)
	for i := range reading.Pages {
		page := reading.Pages[i]
		page.Attempts, page.FetchedAt = t.total+w.packer.before(page.Key), x.At
		w.finishItem(hold && page.Outcome != harvest.Landed, page)
	}
	if reading.Next != nil {
		t.items, t.request, t.ready = reading.Next.Items, reading.Next, x.At
		t.tries = nil
		w.requeue(t)
	}
	w.repack(t, reading.Unfinished)
	w.settled(len(reading.Pages))
}

// abandon gives a task up because the worker ends. Nothing of it was recorded: the next start
// fetches its items.
func (w *Worker) abandon(t *task) { w.settled(len(t.items)) }
