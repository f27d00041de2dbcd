package leasing

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestTwoLooksTellADeadLeaseFromALivingOne(t *testing.T) {
	t.Parallel()
	const apart = 3 * time.Second
	mine, other := harvest.Shard{Index: 0, Of: 2}, harvest.Shard{Index: 1, Of: 3}
	at := func(s harvest.Shard, token int64, loose bool) HeldLease {
		return HeldLease{Holder: Holder{Shard: s}, Token: token, Loose: loose}
	}
	renewed := func(l HeldLease) HeldLease {
		l.Renewed = l.Renewed.Add(time.Second)
		return l
	}
	type glance struct {
		at, took time.Duration
		found    []HeldLease
		inWay    int
		again    time.Duration
	}
	for _, test := range []struct {
		name    string
		glances []glance
	}{
		{"nobody has it: free at once", []glance{{0, 0, nil, 0, 0}}},
		{"its owner lives: never free", []glance{
			{0, 0, []HeldLease{at(mine, 1, false)}, 1, 0},
			{9 * time.Second, 0, []HeldLease{at(mine, 1, false)}, 1, 0},
		}},
		{"loose twice, ttl/2 apart: free", []glance{
			{0, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{2 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 1, time.Second},
			{3 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 0, 0},
		}},
		{"its owner came back between: from the beginning", []glance{
			{0, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{time.Second, 0, []HeldLease{at(mine, 1, false)}, 1, 0},
			{3 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{6 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 0, 0},
		}},
		{"its owner renewed between, unseen, and is away again: from the beginning", []glance{
			{0, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{3 * time.Second, 0, []HeldLease{renewed(at(mine, 1, true))}, 1, apart},
			{6 * time.Second, 0, []HeldLease{renewed(at(mine, 1, true))}, 0, 0},
		}},
		{"somebody else took it between: from the beginning", []glance{
			{0, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{3 * time.Second, 0, []HeldLease{at(mine, 2, true)}, 1, apart},
			{6 * time.Second, 0, []HeldLease{at(mine, 2, true)}, 0, 0},
		}},
		{"the time between counts from the answer to the next question", []glance{
			{0, time.Second, []HeldLease{at(mine, 1, true)}, 1, 4 * time.Second},
			{3 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 1, time.Second},
			{4 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 0, 0},
		}},
		{"an answer that took long may come from a server that just woke: a first look", []glance{
			{0, 0, []HeldLease{at(mine, 1, true)}, 1, apart},
			{3 * time.Second, 20 * time.Second, []HeldLease{at(mine, 1, true)}, 1, 23 * time.Second},
			{26 * time.Second, 0, []HeldLease{at(mine, 1, true)}, 0, 0},
		}},
		{"each lease has its own two looks", []glance{
			{0, 0, []HeldLease{at(mine, 1, true), at(other, 5, false)}, 2, apart},
			{3 * time.Second, 0, []HeldLease{at(mine, 1, true), at(other, 5, true)}, 1, apart},
			{6 * time.Second, 0, []HeldLease{at(mine, 1, true), at(other, 5, true)}, 0, 0},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, start := Watch{Apart: apart}, time.Now()
			for i, g := range test.glances {
				asked := start.Add(g.at)
				inWay, again := w.Look(g.found, asked, asked.Add(g.took))
				if len(inWay) != g.inWay || again != g.again {
					t.Errorf("look %d after %s = %d in the way, again in %s, want %d, %s", i, g.at, len(inWay), again, g.inWay, g.again)
				}
			}
		})
	}
}
