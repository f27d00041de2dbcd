package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// What only waits for its next try is not a corpus that gives too little.
func TestAWaitForTheNextTryIsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(2)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if url == "http://api.test/items/1" {
				return status(500), nil
			}
			return status(200), nil
		}
		w := r.worker(t, r.config())
		seen := map[harvest.Limit]time.Duration{}
		stop := make(chan struct{})
		go func() {
			const every = 10 * time.Millisecond
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					seen[w.Progress().Limit] += every
				}
			}
		}()
		if _, err := w.Drain(t.Context(), make(chan struct{})); err != nil {
			t.Fatal(err)
		}
		close(stop)
		synctest.Wait()
		if seen[harvest.LimitRetry] < 200*time.Millisecond || seen[harvest.LimitCorpus] > seen[harvest.LimitRetry]/2 {
			t.Errorf("limits while an item is asked for again = %v, want mostly retry", seen)
		}
	})
}
