package worker

import (
	"context"

	"shoal/internal/harvest"
)

// claims are the keys that the ledger knows; none where it cannot be read.
func (w *Worker) claims(generation string, keys []harvest.Key) []bool {
	if w.parts.Ledger != nil {
		found, err := w.parts.Ledger.Known(w.feeding, generation, keys)
		if err == nil {
			return found
		}
		if w.feeding.Err() == nil {
			w.parts.Log.Warn("ledger not readable, asking the store", "error", err)
		}
	}
	return make([]bool, len(keys))
}

func count(claims []bool) (n int64) {
	for _, yes := range claims {
		if yes {
			n++
		}
	}
	return n
}

// doubts is ErrDoubt when a pass relied on the ledger, and the store has counted fewer rows than the pass met items: of the
// shard, and of the whole run, which may have been harvested under another N. Lines that the corpus holds twice are reason
// for doubt too, and are then asked of the store once.
func (w *Worker) doubts() error {
	if n := w.feeder.invented.Load(); n > 0 {
		w.parts.Log.Warn("Redis said of items that they had ended, and the store did not have them: they were asked for; does another program write to this Redis?", "items", n)
	}
	if !w.feeder.corpusDone || w.feeder.trusted.Load() == 0 {
		return nil
	}
	var ofShard, ofRun int64
	err := w.persist(noteAsking, func() (err error) {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		ofShard, ofRun, err = w.parts.Store.Rows(ctx, w.config.Run.Name, w.config.Shard)
		return err
	})
	if err != nil {
		return err
	}
	if ofShard < w.seen.Load() && ofRun < w.feeder.scan.digest.Count {
		return ErrDoubt
	}
	return nil
}
