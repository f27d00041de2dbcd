package worker

import (
	"testing"
	"time"
)

// The rate of a busy worker is right from its second second on, and that of a slow API is not 0 between two requests.
func TestRate(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(1_000_000+second, 0) }
	for _, test := range []struct {
		name  string
		sent  func(t *Tally)
		after int64
		want  float64
	}{
		{"nothing sent", func(*Tally) {}, 5, 0},
		{"two seconds old", func(t *Tally) { send(t, at(0), 50); send(t, at(1), 50) }, 2, 50},
		{"long at work", func(t *Tally) {
			for s := range int64(120) {
				send(t, at(s), 40)
			}
		}, 120, 40},
		{"six a minute", func(t *Tally) {
			for s := int64(0); s < 120; s += 10 {
				send(t, at(s), 1)
			}
		}, 115, 0.1},
	} {
		tally := NewTally()
		test.sent(tally)
		if got := tally.Rate(at(test.after)); got != test.want {
			t.Errorf("Rate(%s) = %g, want %g", test.name, got, test.want)
		}
	}
}

func send(t *Tally, at time.Time, n int) {
	for range n {
		t.sent(at)
	}
}
