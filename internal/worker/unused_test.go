package worker

import (
	"testing"
	"testing/synctest"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// A permit that came too late for its write is given back; its task comes again with another, and
// costs no try.
func TestPermitThatIsTooLateAtTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(20)...)
		r.Late = 30 // more than an item has tries
		counters := exchange.NewCounters()
		w := r.worker(t, r.config())
		w.client.Counters = counters
		if _, err := w.Drain(t.Context(), nil); err != nil {
			t.Fatalf("Drain() = %v", err)
		}
		if landed := r.outcomes()[harvest.Landed]; landed != 20 || r.sent() != 20 || r.Unused != 30 {
			t.Errorf("%d landed with %d requests, %d permits given back, want 20, 20, 30", landed, r.sent(), r.Unused)
		}
		if n, sum := w.client.Sent(), counters.Sum().Requests; n != 20 || sum != 20 {
			t.Errorf("%d and %d requests counted, want the 20 that were sent", n, sum)
		}
		for _, page := range r.pages {
			if page.Attempts != 1 {
				t.Errorf("%s landed in %d attempts, want 1", page.URL, page.Attempts)
			}
		}
	})
}

// A witness that was not asked does not prove an outage.
func TestPermitThatIsTooLateForAWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		item := harvest.Item{Key: harvest.KeyOf("http://api.test/items/1"), URL: "http://api.test/items/1"}
		r.Late = 3
		w := r.worker(t, r.config())
		w.feeding, w.sending = t.Context(), t.Context()
		landed := w.ask(item)
		if !landed || r.sent() != 1 || r.Unused != 3 {
			t.Errorf("ask() = %t after %d requests, %d permits given back, want true, 1, 3", landed, r.sent(), r.Unused)
		}
	})
}
