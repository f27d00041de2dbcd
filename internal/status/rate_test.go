package status

import (
	"math"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// feed adds a sample every step until total, with perSecond items each second.
func feed(s *Speed, from time.Time, step, total time.Duration, before int64, perSecond float64) (time.Time, int64) {
	var items int64
	for at := time.Duration(0); at <= total; at += step {
		items = before + int64(at.Seconds()*perSecond)
		s.Add(from.Add(at), items)
	}
	return from.Add(total), items
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		perSecond float64
		during    time.Duration
		want      float64
	}{
		{"steady", 50, time.Minute, 50},
		{"slow: the window grows until it holds a few items", 0.1, 5 * time.Minute, 0.1},
		{"just started", 50, 2 * time.Second, 50},
		{"nothing", 0, time.Minute, 0},
	} {
		var s Speed
		feed(&s, start, 200*time.Millisecond, test.during, 0, test.perSecond)
		if got := s.PerSecond(); math.Abs(got-test.want) > 0.06*test.want {
			t.Errorf("%s: PerSecond() = %v, want about %v", test.name, got, test.want)
		}
	}
}

func TestSpeedFollowsAChange(t *testing.T) {
	t.Parallel()
	var s Speed
	at, items := feed(&s, start, 200*time.Millisecond, time.Minute, 0, 10)
	feed(&s, at.Add(200*time.Millisecond), 200*time.Millisecond, 11*time.Second, items, 50)
	if got := s.PerSecond(); math.Abs(got-50) > 3 {
		t.Errorf("PerSecond() 11 s after a change from 10 to 50 = %v, want about 50", got)
	}
}

func TestSpeedAtTheStart(t *testing.T) {
	t.Parallel()
	var s Speed
	if got := s.PerSecond(); got != 0 {
		t.Errorf("PerSecond() of nothing = %v, want 0", got)
	}
	s.Add(start, 5)
	if got := s.PerSecond(); got != 0 {
		t.Errorf("PerSecond() of one sample = %v, want 0", got)
	}
	s.Add(start, 500)
	s.Add(start.Add(-time.Hour), 900)
	if got := s.PerSecond(); got != 0 {
		t.Errorf("PerSecond() of samples that stand still = %v, want 0", got)
	}
	s.Add(start.Add(time.Second), 1)
	if got := s.PerSecond(); got != 0 {
		t.Errorf("PerSecond() of a falling count = %v, want 0", got)
	}
}

func TestSpeedForgets(t *testing.T) {
	t.Parallel()
	var s Speed
	feed(&s, start, time.Second, time.Hour, 0, 1)
	if most := int(maxWindow/time.Second) + 2; len(s.samples) > most {
		t.Errorf("after an hour Speed holds %d samples, want at most %d", len(s.samples), most)
	}
}

func TestETA(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		left      int64
		perSecond float64
		want      time.Duration
		ok        bool
	}{
		{100, 50, 2 * time.Second, true},
		{0, 50, 0, true},
		{-5, 50, 0, true},
		{100, 0, 0, false},
		{0, 0, 0, false},
		{100, -1, 0, false},
		{math.MaxInt64, 1e-9, 0, false},
		{1, math.SmallestNonzeroFloat64, 0, false},
		{20_000_000, 50, 400_000 * time.Second, true},
	} {
		got, ok := ETA(test.left, test.perSecond)
		if got != test.want || ok != test.ok {
			t.Errorf("ETA(%d, %v) = %v, %v, want %v, %v", test.left, test.perSecond, got, ok, test.want, test.ok)
		}
	}
}
