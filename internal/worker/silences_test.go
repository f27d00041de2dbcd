package worker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// The first items of a fresh run are refused for ever: an item that was never requested is next,
// wherever it waits, and the first that is accepted ends the row.
func TestAFreshRunWhoseFirstItemsAreRefused(t *testing.T) {
	for _, c := range []struct{ bad, concurrency, row int }{{1, 1, 1}, {1, 40, 1}, {10, 1, 3}, {10, 40, 3}} {
		t.Run(fmt.Sprintf("%d of them, concurrency %d", c.bad, c.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(70)...)
				r.Gap = 20 * time.Millisecond // more than an answer takes: they come one by one
				row, landed := 0, false
				r.Answer = func(_ int, url string) (*harvest.Answer, error) {
					if number(url) < c.bad {
						if !landed {
							row++
						}
						return status(429), nil
					}
					landed = true
					return status(200), nil
				}
				config := r.config()
				config.Concurrency, config.Patience = c.concurrency, 4*time.Minute
				if _, err := drain(t, r, config); err != nil || r.outcomes()[harvest.Dead] != c.bad || r.outcomes()[harvest.Landed] != 70-c.bad {
					t.Fatalf("Drain() = %v with %v, want %d dead and the others landed", err, r.outcomes(), c.bad)
				}
				if row > c.row {
					t.Errorf("%d refusals before anything landed, want %d at most", row, c.row)
				}
			})
		})
	}
}

// Everything is refused: each permit is one request, each silence is as long as ever, and the run
// ends as soon.
func TestARunOfWhichEverythingIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(70)...)
		r.Answer = func(int, string) (*harvest.Answer, error) { return status(429), nil }
		config := r.config()
		config.Concurrency = 1
		if _, err := drain(t, r, config); err == nil {
			t.Fatal("Drain() = nil, want a refusal")
		}
		for i, silence := range r.Backoffs {
			if want := min(time.Second<<min(i, 20), 5*time.Minute); silence != want {
				t.Errorf("silence %d of %v, want %v", i, silence, want)
			}
		}
		if r.sent() != 20 || len(r.Sends) != 20 {
			t.Errorf("%d requests for %d items, want 20 for 20", r.sent(), len(r.Sends))
		}
	})
}
