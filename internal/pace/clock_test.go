package pace

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestClockIsNeverEarly(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	const truth = int64(-1_700_000_000_000_000_000) // local − backend
	var c clock
	for i := range int64(1000) {
		sent := i * 10_000_000
		read := sent + r.Int64N(3_000_000)
		arrived := read + r.Int64N(3_000_000)
		c.add(sent, arrived, (read-truth)/nsPerMicro)
		if c.off < truth {
			t.Fatalf("difference after call %d = %d, want at least %d", i, c.off, truth)
		}
	}
	if got := c.off - truth; got > 500_000 {
		t.Errorf("lateness after 1000 calls = %d ns, want the fastest of the last 256", got)
	}
}

func TestClockFollowsAJump(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		jump  int64 // µs
		ahead bool
	}{
		{"an hour ahead", 3_600_000_000, true},
		{"an hour back", -3_600_000_000, false},
		{"drift of 2 ms", 2_000, false},
		{"drift back of 2 ms", -2_000, false},
	} {
		var c clock
		for i := range int64(300) {
			c.add(i*1_000_000, i*1_000_000+100_000, 1_700_000_000_000_000+i*1000)
		}
		ahead := c.add(301_000_000, 301_100_000, 1_700_000_000_000_000+301_000+row.jump)
		if ahead != row.ahead {
			t.Errorf("%s: add() = %v, want %v", row.name, ahead, row.ahead)
		}
		want := 301_100_000 - (1_700_000_000_000_000+301_000+row.jump)*nsPerMicro
		if got := c.off - want; math.Abs(float64(got)) > 200_000 {
			t.Errorf("%s: difference is off by %d ns, want at most one call's way", row.name, got)
		}
	}
}
