package worker

import (
	"cmp"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// finishItem sends a page on to the batch, or holds it while it may be a mistake of ours.
func (w *Worker) finishItem(hold bool, page harvest.Page) {
	if page.Reason != "" {
		page.Reason = harvest.Word(page.Reason, "unknown")
	}
	if page.Outcome == harvest.Skipped || page.Outcome == harvest.Dead {
		w.parts.Counters.Failed(string(page.Outcome)+": "+page.Reason, cmp.Or(page.ID, page.URL))
	}
	w.finishedSuspect(page.Key, hold)
	if hold {
		w.canary.Hold(page)
	} else {
		w.deliver(page)
	}
}

// deliver gives a page to the batch. After the end no batch takes it: it is fetched again. What is
// held until a refusal is not logged: the error has examples, and nothing of it is recorded.
func (w *Worker) deliver(page harvest.Page) {
	if page.Outcome == harvest.Skipped || page.Outcome == harvest.Dead {
		w.unkept.log(w.parts.Log, &page)
	}
	select {
	case w.finished <- page:
		w.suspicion.delivered.Add(1)
	case <-w.over:
		page.Answer.Release()
	}
}

// releaseHeld sends pages that were held on to the batch.
func (w *Worker) releaseHeld(pages []harvest.Page) {
	for i := range pages {
		w.deliver(pages[i])
	}
}

// verdict returns the page of an item that did not land, without its name.
func (w *Worker) verdict(t *task, x *exchange.Exchange) harvest.Page {
	page := harvest.Page{Outcome: x.Decision.Outcome, Reason: x.Decision.Reason, Attempts: t.total, FetchedAt: x.At}
	if x.Answer != nil {
		page.Status, page.Detail = x.Answer.Status, w.parts.Upstream.Detail(x.Answer)
	}
	page.Detail = exchange.Detailed(x.Reading, page.Detail)
	return page
}

// pause notes the silence that the upstream asked for.
func (w *Worker) pause(d retry.Decision, now time.Time) {
	if w.silences.add(now, d.Pause) {
		w.pauses.Add(1)
		w.parts.Counters.Paused(now, d.Source, d.Pause, d.Cut)
		w.parts.Log.Info("upstream asks for silence", "for", d.Pause, "because", d.Source)
	}
	if err := exchange.Bounded(d, now, w.config.MaxSilence, w.config.Patience); err != nil {
		w.fail(err)
	}
}
