package fakeapi

import (
	"net/http"
	"testing"
	"time"
)

// A quota is true if exactly that many more are admitted before its reset, and one more at it.
func TestQuotaIsTrue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rate  float64
		burst int
	}{
		{"a window", 5, 0}, {"a fraction in a window", 2.5, 0}, {"less than one a second", 0.2, 0}, {"a bucket", 5, 3}, {"a slow bucket", 0.2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_800_000_000, 0)
			for requests := range 8 {
				var b budget
				at := now
				for range requests {
					at = at.Add(70 * time.Millisecond)
					b.take(at, c.rate, c.burst)
				}
				q := b.left(at, c.rate, c.burst)
				for i := range q.left {
					if _, ok := b.take(at, c.rate, c.burst); !ok {
						t.Fatalf("after %d, take() %d of %d left = false, want true", requests, i+1, q.left)
					}
				}
				if _, ok := b.take(later(at, q.reset.Add(-time.Millisecond)), c.rate, c.burst); ok {
					t.Errorf("after %d and %d more, take() before the reset = true, want false", requests, q.left)
				}
				if q.reset.Equal(at) {
					continue // a full budget waits for nothing
				}
				if _, ok := b.take(q.reset.Add(1), c.rate, c.burst); !ok {
					t.Errorf("after %d and %d more, take() at the reset = false, want true", requests, q.left)
				}
			}
		})
	}
	if got := new(budget).left(time.Now(), 0, 0); got != (quota{}) {
		t.Errorf("left() without a budget = %+v, want nothing", got)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func TestQuotaIsWrittenRoundedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		as   Reset
		at   time.Time
		want string
	}{
		{ResetDelta, time.Now().Add(1500 * time.Millisecond), "2"},
		{ResetDelta, time.Now().Add(-time.Second), "0"},
		{ResetEpoch, time.Unix(1_800_000_000, 1), "1800000001"},
		{ResetEpoch, time.Unix(1_800_000_000, 0), "1800000000"},
		{ResetEpochMS, time.Unix(1_800_000_000, 1_000_001), "1800000000002"},
	} {
		h := http.Header{}
		quota{limit: 5, left: 3, reset: c.at}.write(h, c.as)
		if h.Get("X-RateLimit-Limit") != "5" || h.Get("X-RateLimit-Remaining") != "3" || h.Get("X-RateLimit-Reset") != c.want {
			t.Errorf("write(%s as %q) = %v, want 5, 3, %s", c.at, c.as, h, c.want)
		}
	}
}
