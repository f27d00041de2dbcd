package worker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// leftOver is a run of 100 items of which all except the last n have landed, in an earlier start.
func leftOver(n int) (*rig, Config) {
	r := newRig(numbered(100)...)
	for _, entry := range r.items[:100-n] {
		r.pages[entry.Item.Key] = harvest.Page{Key: entry.Item.Key, URL: entry.Item.URL, Outcome: harvest.Landed}
	}
	r.Detects = true
	c := r.config()
	c.Fresh = false
	c.Retry.Retries = 5
	return r, c
}

// number returns the item's place in the corpus.
func number(url string) (n int) {
	_, _ = fmt.Sscanf(url, "http://api.test/items/%d", &n)
	return n
}

func TestWhatHasOnlyEverFailedItselfComesToItsEnd(t *testing.T) {
	for _, left := range []int{1, 5, 6, 20, 70} {
		t.Run(fmt.Sprint(left, " left"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, c := leftOver(left)
				r.Answer = func(_ int, url string) (*harvest.Answer, error) {
					if number(url) >= 100-left {
						return status(500), nil
					}
					return status(200), nil
				}
				began := time.Now()
				if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Dead] != left {
					t.Errorf("Drain() = %v with %v, want %d dead", err, r.outcomes(), left)
				}
				if took := time.Since(began); took > 10*time.Minute {
					t.Errorf("it took %v, want minutes at most", took)
				}
			})
		})
	}
}

func TestAnOutageThatAWitnessSeesTooKillsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := leftOver(20)
		back := time.Now().Add(10 * time.Minute)
		r.Answer = func(int, string) (*harvest.Answer, error) {
			if time.Now().Before(back) {
				return status(503), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Landed] != 100 {
			t.Errorf("Drain() = %v with %v, want all 20 landed once the upstream is back", err, r.outcomes())
		}
	})
}

func TestAWitnessThatFailsForGoodHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := leftOver(20)
		back := time.Now().Add(time.Minute)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if time.Now().Before(back) || number(url) < 80 { // what landed is gone since
				return status(500), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Landed] != 100 {
			t.Errorf("Drain() = %v with %v, want all 20 landed: the failing items are probed in turn", err, r.outcomes())
		}
	})
}
