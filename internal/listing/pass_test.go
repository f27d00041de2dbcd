package listing

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// refusing makes no request.
type refusing struct {
	api

	err error
}

func (r refusing) ListRequest(string, string) (*harvest.Request, error) { return nil, r.err }

func TestChecked(t *testing.T) {
	t.Parallel()
	address := errors.New("it is not an address")
	for name, c := range map[string]struct {
		err    error
		next   string
		broken bool // else it is the operator's mistake
		says   string
	}{
		"a first step": {err: address, says: "it is not an address"},
		"a cursor":     {err: address, next: "c", broken: true, says: `the listing cannot be walked to its end: "seed": it is not an address`},
		"a seed that was none, found out later on": {err: harvest.ErrListing, next: "c", says: "is not a listing"},
	} {
		request, err := Checked{refusing{err: c.err}}.ListRequest("seed", c.next)
		if request != nil || err == nil || errors.Is(err, ErrBroken) != c.broken || errors.Is(err, harvest.ErrUsage) == c.broken || err.Error() != c.says {
			t.Errorf("%s: ListRequest() = %v, %v, want the error %q", name, request, err, c.says)
		}
	}
	if request, err := (Checked{api{}}).ListRequest("http://api.test/a", ""); err != nil || request.URL != "http://api.test/a" {
		t.Errorf("ListRequest(a listing) = %v, %v, want its request", request, err)
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	first := First{API: api{}, Seeds: []string{"http://api.test/a", "http://api.test/b"}}
	for _, c := range []struct {
		name, seed, body, next, more, reason string
	}{
		{"it continues", first.Seeds[0], "Lhttp://api.test/a2", "http://api.test/a2", "", ""},
		{"it ends", first.Seeds[1], "L", "", "", ""},
		{"it looks as if it continued", first.Seeds[1], "L+", "", "a field next", ""},
		{"it is not understood", first.Seeds[0], "<html>", "", "", "html"},
	} {
		request := &harvest.Request{URL: c.seed, Items: []harvest.Item{{Key: harvest.StepKey(c.seed, 1)}}}
		next, more, read := first.Next(request, &harvest.Answer{Body: []byte(c.body)})
		if next != c.next || more != c.more || read.Reason != c.reason {
			t.Errorf("%s: Next(%s) = %q, %q, %q, want %q, %q, %q", c.name, c.body, next, more, read.Reason, c.next, c.more, c.reason)
		}
	}
}

func TestPass(t *testing.T) {
	t.Parallel()
	rows := &Table{Seeds: []string{"s"}, Chains: &Memory{}}
	rows.size.Store(4)
	rows.read.Store(1)
	steps := func(yield func(harvest.Entry, error) bool) { yield(harvest.Entry{Item: harvest.Item{Line: 7}}, nil) }
	for name, c := range map[string]struct {
		pass Pass
		want float64
	}{
		"no run yet":       {Pass{At: "api.test"}, 0},
		"rows":             {Pass{At: "api.test", Table: rows}, 0.25},
		"steps of a chain": {Pass{At: "api.test", Steps: steps}, 0},
	} {
		if got := c.pass.Fraction(); got != c.want || c.pass.Host() != "api.test" || c.pass.Close() != nil {
			t.Errorf("%s: Fraction() = %v at %s, want %v at api.test", name, got, c.pass.Host(), c.want)
		}
	}
	pass := Pass{Steps: steps}
	for entry, err := range pass.Entries() {
		if entry.Item.Line != 7 || err != nil {
			t.Errorf("Entries() = %v, %v, want the step", entry, err)
		}
	}
}

// TestWhole states when the table holds all of a corpus.
func TestWhole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		seeds []string
		done  bool
	}{
		{"every chain ended", []string{"a", "b"}, true},
		{"one of them did not", []string{"a", "b", "c"}, false},
	} {
		chains := &Memory{}
		for _, seed := range []string{"a", "b"} {
			if err := chains.CommitStep(t.Context(), "r", harvest.Chain{Seed: seed, Step: 1, Done: true}, nil); err != nil {
				t.Fatal(err)
			}
		}
		table := &Table{Seeds: test.seeds, Chains: chains, Run: "r", Source: "coordinator run --run r"}
		if done, err := table.Listed(t.Context()); done != test.done || err != nil {
			t.Errorf("%s: Listed() = %v, %v, want %v", test.name, done, err, test.done)
		}
		err := table.Whole(t.Context())
		if errors.Is(err, harvest.ErrIncomplete) == test.done || err != nil && !strings.Contains(err.Error(), "start coordinator run --run r") {
			t.Errorf("%s: Whole() = %v", test.name, err)
		}
	}
}

// lines are a corpus that is not listed.
type lines []string

func (l lines) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for _, id := range l {
			if !yield(harvest.Entry{Item: harvest.Item{ID: id}}, nil) {
				return
			}
		}
	}
}

// TestLookEntries states what of each corpus is looked at first.
func TestLookEntries(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	seeds := []string{"http://api.test/a", "http://api.test/b"}
	for _, test := range []struct {
		name   string
		pages  bool
		corpus interface {
			Entries() iter.Seq2[harvest.Entry, error]
		}
		lister error // that there is none
		want   []string
		err    error
	}{
		{name: "lines", corpus: lines{"x", "y"}, lister: broken, want: []string{"x", "y"}},
		{name: "the steps of a listing", pages: true, corpus: &Pass{}, lister: broken, want: seeds},
		{name: "the items that a listing names", corpus: &Pass{}, want: []string{"0", "1", "2", "0", "1", "2"}},
		{name: "a listing that cannot be asked", corpus: &Pass{}, lister: broken, err: broken},
	} {
		look := Look{API: func() API { return api{} }, Seeds: seeds, Pages: test.pages, Lister: func() (Lister, error) { return &countdown{steps: 1}, test.lister }}
		entries, err := look.Entries(t.Context(), test.corpus)
		var got []string
		if err == nil {
			for entry, err := range entries {
				if err != nil {
					t.Errorf("%s: Entries() yields %v", test.name, err)
				}
				got = append(got, cmp.Or(entry.Item.ID, entry.Item.URL))
			}
		}
		if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
			t.Errorf("%s: Entries() = %q, %v, want %q, %v", test.name, got, err, test.want, test.err)
		}
	}
}
