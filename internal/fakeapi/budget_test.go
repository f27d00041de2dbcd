package fakeapi

import (
	"testing"
	"time"
)

func TestBudgetTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rate  float64
		burst int
		every time.Duration
		n     int
		want  int
	}{
		{"whole rate, all at once", 50, 0, 0, 60, 50},
		{"whole rate, evenly spread", 50, 0, 20 * time.Millisecond, 500, 500},
		{"whole rate, a little too fast: the window fills, then lets in as it slides", 50, 0, 19 * time.Millisecond, 500, 473}, // 50 of each 53
		{"3.33/s admits 4 in a second", 3.33, 0, 0, 10, 4},
		{"0.1/s admits one in ten seconds", 0.1, 0, time.Second, 21, 3},
		{"a burst, then its rate", 10, 5, 10 * time.Millisecond, 101, 15},
		{"no budget", 0, 0, 0, 1000, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b budget
			got := 0
			now := time.Unix(1_800_000_000, 0)
			for i := range c.n {
				if _, ok := b.take(now.Add(time.Duration(i)*c.every), c.rate, c.burst); ok {
					got++
				}
			}
			if got != c.want {
				t.Errorf("take() admitted %d of %d at %v/s, want %d", got, c.n, c.rate, c.want)
			}
		})
	}
}

func TestBudgetWaitIsExact(t *testing.T) {
	t.Parallel()
	for _, burst := range []int{0, 3} {
		var b budget
		now := time.Unix(1_800_000_000, 0)
		for range 3 {
			b.take(now, 3, burst)
		}
		at := now.Add(100 * time.Millisecond)
		wait, ok := b.take(at, 3, burst)
		if ok {
			t.Fatalf("take() of a fourth with burst %d = true, want false", burst)
		}
		if _, ok := b.take(at.Add(wait-time.Millisecond), 3, burst); ok {
			t.Errorf("take() with burst %d a millisecond before the end of the wait = true, want false", burst)
		}
		if _, ok := b.take(at.Add(wait+1), 3, burst); !ok {
			t.Errorf("take() with burst %d after the wait of %s = false, want true", burst, wait)
		}
	}
}

func TestWorstWindowIsHalfOpenAndSlides(t *testing.T) {
	t.Parallel()
	base := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		at   []int
		want int
	}{
		{nil, 0},
		{[]int{0}, 1},
		{[]int{0, 1000}, 1},
		{[]int{0, 999}, 2},
		{[]int{0, 600, 900, 1599, 1600, 3000}, 3},
		{[]int{0, 600, 900, 1599, 1599, 3000}, 4},
	} {
		var arrivals []Arrival
		for _, ms := range c.at {
			arrivals = append(arrivals, Arrival{At: base.Add(time.Duration(ms) * time.Millisecond)})
		}
		if got := worst(arrivals, time.Second); got != c.want {
			t.Errorf("worst(arrivals at %v ms, 1s) = %d, want %d", c.at, got, c.want)
		}
	}
}

func TestShareHitsThatShare(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.01, 0.1, 0.5} {
		f := Fault{Kind: KindStatus, Share: share}
		hit := 0
		for n := range 100_000 {
			if f.hits(&Arrival{N: n + 1}, 1, 0) {
				hit++
			}
		}
		if got := float64(hit) / 100_000; got < share*0.95 || got > share*1.05 {
			t.Errorf("a share of %v hit %v of 100,000 arrivals", share, got)
		}
	}
}
