package listing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

var one = []string{"seed"}

// countdown lists three items a step, for a number of steps.
type countdown struct {
	steps int
	asked []string
	fails error // of the next call
}

func (c *countdown) List(_ context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	next := at.Next
	c.asked = append(c.asked, next)
	if err := c.fails; err != nil {
		c.fails = nil
		return nil, "", err
	}
	n, _ := strconv.Atoi("0" + next)
	entries := make([]harvest.Entry, 3)
	for i := range entries {
		entries[i].Item.ID = fmt.Sprint(3*n + i)
	}
	if n+1 == c.steps {
		return entries, "", nil
	}
	return entries, strconv.Itoa(n + 1), nil
}

func read(t *testing.T, table *Table) (ids []string, err error) {
	t.Helper()
	for entry, err := range table.Entries(t.Context()) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, entry.Item.ID)
	}
	return ids, nil
}

func upTo(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

func TestATableIsEnumeratedWhileItIsRead(t *testing.T) {
	t.Parallel()
	lister := &countdown{steps: 4}
	table := &Table{Seeds: one, Chains: &Memory{}, Lister: lister}
	ids, err := read(t, table)
	if err != nil || !slices.Equal(ids, upTo(12)) || !slices.Equal(lister.asked, []string{"", "1", "2", "3"}) {
		t.Errorf("Entries() = %v, %v, listed %q, want 0 to 11 in four steps", ids, err, lister.asked)
	}
	if got := table.Fraction(); got != 1 {
		t.Errorf("Fraction() = %v, want 1", got)
	}
	again := &Table{Seeds: one, Chains: table.Chains, Lister: lister}
	if ids, err := read(t, again); err != nil || len(ids) != 12 || len(lister.asked) != 4 {
		t.Errorf("Entries() of a rerun = %d items, %v, %d steps, want 12 and no further step", len(ids), err, len(lister.asked))
	}
}

func TestAnEnumerationThatBrokeGoesOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	chains := &Memory{}
	lister := &countdown{steps: 3}
	table := &Table{Seeds: one, Chains: chains, Lister: lister}
	seen := 0
	for _, err := range table.Entries(t.Context()) {
		if seen++; seen == 3 {
			lister.fails = broken
		}
		if err != nil && !errors.Is(err, broken) {
			t.Fatalf("Entries() = %v, want %v", err, broken)
		}
	}
	ids, err := read(t, &Table{Seeds: one, Chains: chains, Lister: lister})
	if err != nil || !slices.Equal(ids, upTo(9)) {
		t.Errorf("Entries() of the second start = %v, %v, want 0 to 8", ids, err)
	}
}

// thief takes every other step before its owner commits it.
type thief struct {
	*Memory
	other countdown
	turn  int
}

func (th *thief) CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error {
	if th.turn++; th.turn%2 == 1 {
		chain, _ := th.Chain(ctx, run, to.Seed)
		stolen, then, _ := th.other.List(ctx, chain)
		_ = th.Memory.CommitStep(ctx, run, harvest.Chain{Seed: to.Seed, Step: chain.Step + 1, Next: then, Done: then == ""}, stolen)
	}
	return th.Memory.CommitStep(ctx, run, to, entries)
}

func TestTwoWhoEnumerateTakeEachStepOnce(t *testing.T) {
	t.Parallel()
	table := &Table{Seeds: one, Chains: &thief{Memory: &Memory{}, other: countdown{steps: 6}}, Lister: &countdown{steps: 6}}
	if ids, err := read(t, table); err != nil || !slices.Equal(ids, upTo(18)) {
		t.Errorf("Entries() = %v, %v, want 0 to 17", ids, err)
	}
}

func TestATableThatNobodyFillsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		chains := &Memory{}
		table := &Table{Seeds: one, Chains: chains, Run: "r", Patience: time.Minute, Say: func(s string) { said = append(said, s) }}
		time.AfterFunc(30*time.Second, func() {
			_ = chains.CommitStep(t.Context(), "r", harvest.Chain{Seed: one[0], Step: 1, Next: "1"}, []harvest.Entry{{Item: harvest.Item{ID: "0"}}})
		})
		began := time.Now()
		ids, err := read(t, table)
		if took := time.Since(began); !errors.Is(err, ErrStalled) || len(ids) != 1 || len(said) != 1 || took < 90*time.Second || took > 95*time.Second {
			t.Errorf("Entries() = %v, %v after %s, said %q, want one item and ErrStalled a minute after it", ids, err, took, said)
		}
	})
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	damage := errors.New("cut")
	entries := func(n int, end error) iter.Seq2[harvest.Entry, error] {
		return func(yield func(harvest.Entry, error) bool) {
			for i := range n {
				entry := harvest.Entry{Item: harvest.Item{ID: fmt.Sprint(i)}}
				if i%100 == 7 {
					entry = harvest.Entry{Rejected: &harvest.Rejection{Line: int64(i)}}
				}
				if !yield(entry, nil) {
					return
				}
			}
			if end != nil {
				yield(harvest.Entry{}, end)
			}
		}
	}
	chains := &Memory{}
	fill := func(n int, end error) (added int, err error) {
		s := NewStream(entries(n, end))
		defer s.Close()
		err = (&Table{Seeds: one, Chains: chains, Lister: s}).Fill(t.Context(), func(n int) { added += n })
		return added, err
	}
	if added, err := fill(7000, damage); !errors.Is(err, damage) || added != 7000 {
		t.Fatalf("Fill(a damaged corpus) = %d entries, %v, want 7000, %v", added, err, damage)
	}
	if _, err := fill(6000, nil); err == nil {
		t.Errorf("Fill(a shorter corpus) = nil, want an error")
	}
	if added, err := fill(8000, nil); err != nil || added != 1000 {
		t.Errorf("Fill(the whole corpus) = %d entries, %v, want 1000, nil", added, err)
	}
	items, rejected := 0, 0
	for entry, err := range (&Table{Seeds: one, Chains: chains}).Entries(t.Context()) {
		switch {
		case err != nil:
			t.Fatal(err)
		case entry.Rejected != nil:
			rejected++
		default:
			items++
		}
	}
	if items != 7920 || rejected != 80 {
		t.Errorf("Entries() = %d items and %d rejected, want 7920 and 80", items, rejected)
	}
}

// rows is how many rows a table has in a store.
type rows struct {
	n   int64
	err error
}

func (r rows) CorpusSize(context.Context, string) (int64, error) { return r.n, r.err }

// TestEnumerate states what fills a table, in whose turn, and how that ends.
func TestEnumerate(t *testing.T) {
	t.Parallel()
	away, broken := errors.New("away"), errors.New("broken")
	for _, test := range []struct {
		name   string
		lister *countdown // nil: a corpus of two entries is read
		size   rows
		turn   error // of a leader that does not lead; errNone: no leader is asked
		turns  int
		err    error
		said   string
	}{
		{name: "a listing", lister: &countdown{steps: 2}, size: rows{n: 6}, turn: errNone, said: "run r: 6 items enumerated now, 6 in all"},
		{name: "a listing, in the leader's turns", lister: &countdown{steps: 2}, size: rows{n: 9}, turns: 2, said: "run r: 6 items enumerated now, 9 in all"},
		{name: "a leader that has no turn", lister: &countdown{steps: 2}, size: rows{n: 9}, turn: away, turns: 1, err: away, said: "run r: 0 items enumerated now, 9 in all"},
		{name: "a corpus that is read once needs no turn", size: rows{n: 2}, turn: away, said: "run r: 2 items enumerated now, 2 in all"},
		{name: "a listing that breaks off", lister: &countdown{steps: 2, fails: broken}, size: rows{n: 1}, turn: errNone, err: broken, said: "run r: 0 items enumerated now, 1 in all"},
		{name: "a corpus without items", lister: &countdown{steps: 2}, turn: errNone, err: ErrEmpty, said: "run r: 6 items enumerated now, 0 in all"},
		{name: "a store that does not count", lister: &countdown{steps: 2}, size: rows{err: away}, turn: errNone},
	} {
		var said []string
		table := &Table{Seeds: one, Chains: &Memory{}, Run: "r", Say: func(s string) { said = append(said, s) }}
		if test.lister != nil {
			table.Lister = test.lister
		}
		turns := 0
		turn := func(context.Context) error { turns++; return test.turn }
		if errors.Is(test.turn, errNone) {
			turn = nil
		}
		entries := func() iter.Seq2[harvest.Entry, error] {
			return func(yield func(harvest.Entry, error) bool) {
				_ = yield(harvest.Entry{Item: harvest.Item{ID: "0"}}, nil) && yield(harvest.Entry{Item: harvest.Item{ID: "1"}}, nil)
			}
		}
		err := table.Enumerate(t.Context(), test.size, entries, turn)
		if got := strings.Join(said, "\n"); !errors.Is(err, test.err) || turns != test.turns || got != test.said {
			t.Errorf("%s: Enumerate() = %v after %d turns, said %q, want %v after %d, %q", test.name, err, turns, got, test.err, test.turns, test.said)
		}
	}
}

var errNone = errors.New("no leader")
