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
