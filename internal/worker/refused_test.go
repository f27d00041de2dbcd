package worker

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// Some items only ever get an answer that asks for silence, others land: the items end, and their
// silences do not grow.
func TestSilencesOfAFewItemsDoNotGrow(t *testing.T) {
	for _, c := range []struct {
		bad     int
		answer  func() *harvest.Answer
		reason  string
		longest time.Duration // of the silences
		within  time.Duration
	}{
		{1, func() *harvest.Answer { return status(429) }, "http_429", 4 * time.Second, time.Minute},
		{10, func() *harvest.Answer { return status(429) }, "http_429", 16 * time.Second, 5 * time.Minute},
		{60, func() *harvest.Answer { return status(429) }, "http_429", 32 * time.Second, 10 * time.Minute},
		{3, func() *harvest.Answer {
			a := status(503)
			a.Header.Set("Retry-After", "2")
			return a
		}, "http_503", 2 * time.Second, 5 * time.Minute},
	} {
		t.Run(fmt.Sprint(c.bad, " ", c.reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(100)...)
				r.Answer = func(_ int, url string) (*harvest.Answer, error) {
					if number(url) >= 100-c.bad {
						return c.answer(), nil
					}
					return status(http.StatusOK), nil
				}
				began := time.Now()
				if _, err := drain(t, r, r.config()); err != nil || r.outcomes()[harvest.Dead] != c.bad || r.outcomes()[harvest.Landed] != 100-c.bad {
					t.Fatalf("Drain() = %v with %v, want %d dead and the others landed", err, r.outcomes(), c.bad)
				}
				if page := r.pages[r.items[99].Item.Key]; page.Reason != c.reason {
					t.Errorf("reason %q, want %q", page.Reason, c.reason)
				}
				for _, silence := range r.Backoffs {
					if silence > c.longest {
						t.Errorf("a silence of %v, want %v at most", silence, c.longest)
						break
					}
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %v for %d silences, want %v at most", took, len(r.Backoffs), c.within)
				}
			})
		})
	}
}

// An item that landed is rejected too: it is our rate, and each silence without a hint is twice as
// long as the one before.
func TestSilencesOfAllGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := leftOver(10)
		back := time.Now().Add(20 * time.Minute)
		r.Answer = func(int, string) (*harvest.Answer, error) {
			if time.Now().Before(back) {
				return status(429), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Landed] != 100 {
			t.Errorf("Drain() = %v with %v, want all landed after the silence", err, r.outcomes())
		}
		longest := time.Duration(0)
		for _, silence := range r.Backoffs {
			longest = max(longest, silence)
		}
		if longest != 5*time.Minute || len(r.Backoffs) > 200 {
			t.Errorf("%d answers that silence for up to %v, want a few for up to 5m", len(r.Backoffs), longest)
		}
	})
}
