package worker

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// landAll commits batch after batch. After the first that cannot be committed it only drains the
// rest: those pages are fetched again another day.
func (w *Worker) landAll(batches <-chan batch) {
	broken := false
	for b := range batches {
		if !broken {
			if err := w.land(b); err != nil {
				broken = true
				w.fail(err)
				w.parts.Log.Warn("a batch did not land; its pages will be fetched again", "pages", len(b.pages), "error", err)
			}
		}
		w.dismiss(b)
	}
}

// land commits a batch and then marks it in the ledger. The context outlives the first signal: to
// cancel a COPY would throw away work that is already paid for.
func (w *Worker) land(b batch) error {
	var landed harvest.Counts
	var generation string
	var began time.Time
	w.kept.Store(int64(len(b.pages)))
	err := w.persist(noteLanding, func() (err error) {
		// It is read before the commit: a key marked under an older generation is only forgotten,
		// one under a newer generation might have been lost in between.
		generation = w.parts.Lease.Fingerprint()
		defer w.parts.Counters.Enter(harvest.StageLand)()
		began = time.Now()
		landed, err = w.parts.Lease.Land(w.landing, b.pages)
		return err
	})
	if err != nil {
		return err
	}
	w.committed.Add(int64(len(b.pages)))
	if w.parts.Tracer != nil {
		w.parts.Tracer.Landed(b.pages, began, time.Now())
	}
	w.meter.landed(landed)
	w.parts.Counters.Landed(landed)
	w.parts.Counters.Recorded(b.pages)
	keys := make([]harvest.Key, len(b.pages))
	for i := range b.pages {
		keys[i] = b.pages[i].Key
	}
	w.mark(generation, keys)
	w.calm(b.pages)
	return nil
}

// dismiss gives back the memory and the claims of a batch.
func (w *Worker) dismiss(b batch) {
	for i := range b.pages {
		b.pages[i].Answer.Release()
		w.feeder.release(b.pages[i].Key)
		w.packer.forget(b.pages[i].Key)
	}
}

// mark marks committed keys in the ledger. The ledger may forget, so a failure only costs a query
// to the store later.
func (w *Worker) mark(generation string, keys []harvest.Key) {
	if w.parts.Ledger == nil || len(keys) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(w.landing, 2*time.Second)
	defer cancel()
	if err := w.parts.Ledger.Mark(ctx, generation, keys); err != nil {
		w.parts.Log.Warn("ledger not marked", "keys", len(keys), "error", err)
	}
}
