package exchange

import (
	"context"
	"fmt"
	"shoal/internal/retry"
	"testing"
	"time"
)

func TestVouchedAsksAFewListingsOfOtherShards(t *testing.T) {
	for _, c := range []struct {
		seeds, served int // the index of the one that is served, -1 for none
		asked         int
		vouched       bool
	}{
		{0, -1, 0, false}, {1, 0, 1, true}, {1, -1, 1, false}, {3, 2, 3, true}, {1000, 0, 1, true}, {1000, 999, maxVouches, true}, {1000, -1, maxVouches, false}, {12, 1, maxVouches, true},
	} {
		seeds, asked := make([]string, c.seeds), map[string]bool{}
		for i := range seeds {
			seeds[i] = fmt.Sprint(i)
		}
		caller := Caller{Client: &Client{Policy: retry.Policy{Retries: 5}}, Witnesses: NewWitnesses(nil)}
		got := Vouched(t.Context(), caller, seeds, func(c2 *Caller, seed string) bool {
			asked[seed] = true
			if c2.Client.Policy.Retries != 1 || c2.Witnesses != nil || !c2.Served(time.Now()) || c2.Served(time.Time{}) {
				t.Error("the caller that ask is given may ask for ever")
			}
			return seed == fmt.Sprint(c.served)
		})
		if c.seeds == 12 { // only ten of them are requested
			c.vouched = asked["1"]
		}
		if got != c.vouched || len(asked) != c.asked && !got {
			t.Errorf("Vouched() of %d listings, %d served = %t after %d, want %t after %d", c.seeds, c.served, got, len(asked), c.vouched, c.asked)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	n := 0
	if Vouched(ended, Caller{Client: new(Client)}, []string{"a", "b"}, func(*Caller, string) bool { n++; return false }) || n != 1 {
		t.Errorf("Vouched() of an ended context asks for %d listings, want it to end after the first", n)
	}
}
