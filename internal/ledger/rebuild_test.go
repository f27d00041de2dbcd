package ledger_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/testenv"
)

var errSource = errors.New("the store is away")

// aSource is a store of some keys, of which one step may fail.
type aSource struct {
	keys  []harvest.Key
	fails string
	gen   string
	asked int
}

func (s *aSource) Fingerprint(context.Context, string) (string, error) {
	s.asked++
	if s.fails == "old" && s.asked == 1 || s.fails == "fresh" && s.asked == 2 {
		return "", errSource
	}
	return s.gen, nil
}

func (s *aSource) NewGeneration(context.Context, string) error {
	if s.fails == "generation" {
		return errSource
	}
	s.gen = "fresh"
	return nil
}

func (s *aSource) Keys(context.Context, string) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		for _, key := range s.keys {
			if !yield(key, nil) {
				return
			}
		}
		if s.fails == "keys" {
			yield(harvest.Key{}, errSource)
		}
	}
}

// TestRebuild states what each step leaves behind: whatever fails, the old sets stay until the new
// ones hold all keys, and no worker believes sets that were only begun.
func TestRebuild(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t).Client(t)
	for _, test := range []struct {
		fails      string
		gen        string // that workers believe in the end
		fresh, old int    // keys of the generations in Redis
	}{
		{fails: "", gen: "fresh", fresh: 300},
		{fails: "old", gen: "before", old: 100},
		{fails: "generation", gen: "before", old: 100},
		{fails: "fresh", gen: "fresh", old: 100},
		{fails: "keys", gen: "fresh", old: 100},
	} {
		keys := keysOf(11, 300)
		l := ledger.New(client, "rebuilt"+test.fails, 0)
		mark(t, l, "before", keys[:100])
		s := &aSource{keys: keys, fails: test.fails, gen: "before"}
		n, err := l.Rebuild(t.Context(), s)
		if failed := test.fails != ""; errors.Is(err, errSource) != failed || !failed && n != 300 {
			t.Errorf("Rebuild() where %q fails = %d, %v", test.fails, n, err)
		}
		if fresh, old := known(t, l, "fresh", keys), known(t, l, "before", keys); s.gen != test.gen || fresh != test.fresh || old != test.old {
			t.Errorf("after a rebuild where %q fails, generation %s counts: %d keys of the new one and %d of the old, want %s, %d and %d", test.fails, s.gen, fresh, old, test.gen, test.fresh, test.old)
		}
	}
}
