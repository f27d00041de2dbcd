package pace

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cutAt is a budget of 50/s that was cut at the instants given, in seconds, by silences of a
// second.
func cutAt(seconds ...int64) (s *state, now func(second float64) int64) {
	const began = int64(1_700_000_000_000_000)
	now = func(second float64) int64 { return began + int64(second*microsPerSec) }
	s = &state{}
	s.acquire(began, "a", ask{worker: "w", rate: 50})
	for _, second := range seconds {
		s.backoff(now(float64(second)), "a", s.epoch, 1_000_000, true)
	}
	return s, now
}

func TestRampIsBackWithinTenSeconds(t *testing.T) {
	t.Parallel()
	s, now := cutAt(100)
	for _, c := range []struct {
		name        string
		at          float64
		least, most float64
	}{
		{"at the end of the silence", 101, 0.5, 0.5},
		{"a second later", 102, 0.51, 0.6},
		{"ten seconds later", 111, 0.95, 0.99},
		{"half a minute later", 131, 1, 1},
	} {
		if got := s.share(now(c.at)); got < c.least || got > c.most {
			t.Errorf("share %s = %.3f, want %v to %v", c.name, got, c.least, c.most)
		}
	}
}

func TestRefusedAgainAtTheSameRateLowersTheCeiling(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cuts        []int64
		least, most float64 // of the share two minutes after the last cut
	}{
		"once":                                {[]int64{100}, 1, 1},
		"twice, soon":                         {[]int64{100, 130}, 0.94, 0.97},
		"three times":                         {[]int64{100, 130, 160}, 0.90, 0.93},
		"twice, an hour between":              {[]int64{100, 3700}, 1, 1},
		"in the middle of the way back":       {[]int64{100, 103}, 1, 1},
		"a burst of one incident, long after": {[]int64{4000, 4000, 4000}, 1, 1},
	} {
		s, now := cutAt(c.cuts...)
		last := float64(c.cuts[len(c.cuts)-1])
		if got := s.share(now(last + 120)); got < c.least || got > c.most {
			t.Errorf("%s: share two minutes later = %.3f, want %v to %v", name, got, c.least, c.most)
		}
	}
	s, now := cutAt(100, 130)
	s.enter(now(200), "a")
	s.setRate(now(200), 40, "ann")
	if got := s.ceiling(now(200)); got != 1 {
		t.Errorf("ceiling after an operator set another rate = %.3f, want 1", got)
	}
}

// Where the ceiling came is known as long as the budget is the one that it is about.
func TestStateKnowsWhereItWasLowered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		local := NewLocal()
		p := New(Settings{Host: host, Worker: "a", Rate: 50}, local)
		defer p.Close(t.Context())
		state := func(after string, low, high float64) {
			t.Helper()
			for range 2 { // the second permit comes with what the first call learned
				permit, err := p.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.Done(t.Context(), permit, true)
				time.Sleep(2 * time.Second)
			}
			if got := p.State().Lowered; got < low || got > high {
				t.Errorf("Lowered after %s = %v, want %v to %v", after, got, low, high)
			}
		}
		refused := func() {
			permit, err := p.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Backoff(t.Context(), permit, time.Second, true); err != nil {
				t.Fatal(err)
			}
		}
		state("the start", 0, 0)
		refused()
		state("one refusal", 0, 0)
		time.Sleep(30 * time.Second)
		refused()
		state("another at the same rate", 46, 48.1)
		if err := local.SetRate(t.Context(), host, 40, "ann"); err != nil {
			t.Fatal(err)
		}
		state("an operator's rate", 0, 0)
	})
}

// bucket is an upstream that admits rate requests/s and depth at once, and answers when to come
// back.
type bucket struct {
	mu          sync.Mutex
	rate, depth float64
	tokens      float64
	last        time.Time
	admitted    int
	refused     int
}

func (b *bucket) answer(t *testing.T) upstream {
	return func(p *Pacer, permit Permit, _ int) {
		b.mu.Lock()
		now := time.Now()
		if b.last.IsZero() {
			b.tokens = b.depth
		} else {
			b.tokens = min(b.depth, b.tokens+b.rate*now.Sub(b.last).Seconds())
		}
		b.last = now
		ok := b.tokens >= 1
		if ok {
			b.tokens--
			b.admitted++
		} else {
			b.refused++
		}
		b.mu.Unlock()
		if !ok {
			if err := p.Backoff(t.Context(), permit, time.Second, true); err != nil {
				t.Errorf("Backoff(1s) = %v, want nil", err)
			}
		}
		p.Done(t.Context(), permit, true)
	}
}

// Five minutes against an upstream that allows a part of our rate: that part is used, and the
// upstream rarely refuses.
func TestBudgetIsUsedAgainstATokenBucket(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rate, depth float64
		use         float64 // of what the upstream allows, or of our rate where that is less
		refused     int
	}{
		"at our own rate, no burst": {50, 1, 0.93, 12},
		"a little below":            {49, 10, 0.93, 12},
		"nine tenths":               {45, 45, 0.90, 12},
		"half":                      {25, 25, 0.80, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &bucket{rate: c.rate, depth: c.depth}
				n := int(c.rate * 300)
				f := launch(t, NewLocal(), Settings{Rate: 50}, 4, 10, n, b.answer(t))
				sent := f.finish()
				took := sent[len(sent)-1].Sub(sent[0]).Seconds()
				use := float64(b.admitted) / took / min(c.rate, 49.5)
				if s := f.pacers[0].State(); s.Ceiling < 1 && (s.Lowered <= 0 || s.Lowered >= 50) {
					t.Errorf("State() = lowered to %v with a ceiling of %v, want what the budget was lowered to", s.Lowered, s.Ceiling)
				}
				t.Logf("used %.1f %% of what it allows, refused %d times in %.0f s, ceiling %.2f", 100*use, b.refused, took, f.pacers[0].State().Ceiling)
				if use < c.use || b.refused > c.refused {
					t.Errorf("used %.3f of what it allows, refused %d times in %.0f s, want at least %v and at most %d", use, b.refused, took, c.use, c.refused)
				}
			})
		})
	}
}
