package worker

import (
	"time"

	"shoal/internal/harvest"
)

// batch is what one transaction lands.
type batch struct {
	pages []harvest.Page
	bytes int
}

// collect gathers pages into batches. It takes no more while a full batch waits for the store: that
// back-pressure stops the fetchers.
func (w *Worker) collect(out chan<- batch) {
	defer close(out)
	var b batch
	flush := time.NewTimer(time.Hour)
	defer flush.Stop()
	due := false
	for {
		in, over, to := w.finished, w.over, out
		full := len(b.pages) >= w.config.Batch || b.bytes >= w.config.BatchBytes
		if full {
			in, over = nil, nil
		}
		if !full && !due {
			to = nil
		}
		w.storeBlocks.Store(full)
		select {
		case <-over:
			if len(b.pages) > 0 {
				out <- b
			}
			return
		case page := <-in:
			if len(b.pages) == 0 {
				flush.Reset(w.config.Flush)
			}
			b.pages = append(b.pages, page)
			b.bytes += page.Size()
		case to <- b:
			b, due = batch{}, false
		case <-w.suspicion.hurry:
			due = len(b.pages) > 0
		case <-flush.C:
			due = len(b.pages) > 0
		}
	}
}
