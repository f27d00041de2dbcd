package worker

import (
	"context"

	"shoal/internal/harvest"
)

// claims returns the keys that the ledger knows; none if it cannot be read.
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

// doubts returns ErrDoubt if a pass relied on the ledger, and the store has counted fewer rows than
// the pass met items: of the shard, and of the whole run, which may have been harvested under
// another N. Repeated lines in the corpus are a reason for doubt too, and cost one query to the
// store.
func (w *Worker) doubts() error {
	if n := w.feeder.invented.Load(); n > 0 {
		w.parts.Log.Warn("Redis claimed that items had ended, but the store did not have them: they were fetched; does another program write to this Redis?", "items", n)
	}
	if !w.feeder.corpusDone || w.feeder.trusted.Load() == 0 {
		return nil
	}
	var shards []harvest.ShardState
	err := w.persist(noteAsking, func() (err error) {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		shards, err = w.parts.Store.ListShards(ctx, w.config.Run.Name)
		return err
	})
	if err != nil {
		return err
	}
	if ofShard, ofRun := harvest.RowsOf(shards, w.config.Shard); ofShard < w.seen.Load() && ofRun < w.feeder.scan.digest.Count {
		return ErrDoubt
	}
	return nil
}
