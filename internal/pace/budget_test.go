package pace

import (
	"fmt"
	"testing"
	"testing/synctest"
)

func TestBudgetIsUsedAndNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.1, 10.0 / 3, 50, 500, 5000} {
		for _, workers := range []int{1, 8, 64} {
			t.Run(fmt.Sprintf("%.2f/s by %d", rate, workers), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					n := int(max(30, min(1000, rate*20), rate*4))
					f := launch(t, NewLocal(), Settings{Rate: rate}, workers, 40, n, nil)
					sent := f.finish()
					s := f.state()
					if got, want := worst(sent), bound(rate); got > want {
						t.Errorf("worst second = %d requests, want at most %d", got, want)
					}
					if got := use(sent, rate); got < 0.98 {
						t.Errorf("use of the budget = %.4f, want at least 0.98", got)
					}
					t.Logf("use %.2f %%, worst second %d of %d, calls a permit %.3f, late %d", 100*use(sent, rate), worst(sent), bound(rate),
						float64(s.Calls)/float64(s.Used), s.Late)
				})
			})
		}
	}
}

func TestRedisBudgetIsUsedAndNeverExceeded(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	for _, c := range []struct {
		rate    float64
		workers int
		n       int
	}{{50, 4, 250}, {500, 8, 1500}, {5000, 8, 10000}} {
		t.Run(fmt.Sprintf("%.2f/s by %d", c.rate, c.workers), func(t *testing.T) {
			client.FlushAll(t.Context())
			f := launch(t, NewRedis(client), Settings{Rate: c.rate}, c.workers, 10, c.n, nil)
			sent := f.finish()
			s := f.state()
			if got, want := worst(sent), bound(c.rate); got > want {
				t.Errorf("worst second = %d requests, want at most %d", got, want)
			}
			// A busy machine wastes slots; they count as used here, for the budget was leased in full.
			leased := use(sent, c.rate) * float64(s.Used+s.Late) / float64(s.Used)
			if leased < 0.98 {
				t.Errorf("use of the budget = %.4f, want at least 0.98", leased)
			}
			t.Logf("use %.2f %%, worst second %d of %d, calls a permit %.3f, late %d", 100*use(sent, c.rate), worst(sent), bound(c.rate),
				float64(s.Calls)/float64(s.Used), s.Late)
		})
	}
}
