package memory

import (
	"math"
	"testing"
)

// The parts stay within the limit, whatever it is, and each part is large enough to work with.
func TestShare(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{48 * mib, 96 * mib, 345 * mib, 690 * mib, gib, 6 * gib, 60 * gib} {
		for _, processors := range []int{1, 2, 64} {
			p := share(limit, processors)
			if sum := p.Answers + p.Largest; sum > limit*2/3 && sum > limit-base {
				t.Errorf("share(%d MiB, %d) = %+v: answers may take %d MiB", limit/mib, processors, p, sum/mib)
			}
			if all := p.Aside * int64(p.Asides); all > limit/3 || p.Asides < 1 || p.Asides > processors {
				t.Errorf("share(%d MiB, %d) = %+v: processes may take %d MiB, want a third of that at most", limit/mib, processors, p, all/mib)
			}
			if p.Yield > p.Largest || p.Yield < mib {
				t.Errorf("share(%d MiB, %d).Yield = %d, want at least 1 MiB within %d", limit/mib, processors, p.Yield, p.Largest)
			}
		}
	}
	if p := share(math.MaxInt64, 4); p.Asides != 4 || p.Aside != gib {
		t.Errorf("share(no limit, 4) = %+v, want four processes of 1 GiB", p)
	}
}
