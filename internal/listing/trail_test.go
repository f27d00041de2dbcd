package listing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// scroll answers step after step: "items>cursor", "-" for no items, an empty cursor for the end.
// The last answer repeats for ever; the answers after "…" repeat in turn.
type scroll struct {
	steps []string
	again int // the step that follows the last
	asked []string
	items string
	at    int
}

func newScroll(text string) *scroll {
	steps := strings.Fields(text)
	s := &scroll{again: len(steps) - 1}
	for _, step := range steps {
		if step == "…" {
			s.again = len(s.steps)
			continue
		}
		s.steps = append(s.steps, step)
	}
	s.again = min(s.again, len(s.steps)-1)
	return s
}

func (s *scroll) List(_ context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	s.asked = append(s.asked, at.Next)
	answer := s.steps[s.at]
	if s.at++; s.at == len(s.steps) {
		s.at = s.again
	}
	answer = strings.ReplaceAll(answer, "#", fmt.Sprint(len(s.asked))) // always another one
	items, then, _ := strings.Cut(answer, ">")
	s.items = items
	if items == "-" {
		s.items = ObservedNone
		return nil, then, nil
	}
	return []harvest.Entry{{Item: harvest.Item{ID: items, Key: harvest.KeyOf(items)}}}, then, nil
}

func (s *scroll) Observed(string) string { return s.items }

// TestListingsThatEndOrGoOn walks listings whose cursors come back, whole and killed after each of
// their steps.
func TestListingsThatEndOrGoOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answers string
		steps         int
		says          string // of the sentences or the error
	}{
		{"a scroll id that brings new items, then none", "1>S 2>S 3>S ->S", 4, "nothing any more"},
		{"a scroll id that brings new items, then ends", "1>S 2>S 3>S -> ", 4, ""},
		{"a scroll id that brings new items, then no id", "1>S 2>S 3>", 3, ""},
		{"a scroll id that brings the same items at last", "1>S 2>S 3>S 3>S", 4, "the same items again"},
		{"a cursor that is ignored", "1>S 1>S", 2, "the same items again"},
		{"a cursor that comes back with nothing at once", "->S ->S", 2, "nothing any more"},
		{"the last page names itself", "1>2 2>3 3>3 3>3", 4, "the same items again"},
		{"an empty answer with another cursor goes on", "1>a ->b ->c 2>d 3>", 5, ""},
		{"two cursors in turn, always new items", "1>a 2>b 3>a 4>b 5>a 6>b 7>a 8>b 9>", 9, ""},
		{"two cursors in turn, nothing new", "1>a 2>b … 3>a 2>b", 6, "bring nothing new"},
		{"two cursors in turn, no items", "1>a … ->b ->a", 4, "bring nothing new"},
		{"three cursors in turn, no items but new ones once", "1>a 2>b ->c ->a 3>b … ->c ->a ->b", 11, "bring nothing new"},
		{"five cursors in turn", "0>a … 1>b 2>c 3>d 4>e 5>a", 26, "bring nothing new"},
		{"empty for ever, always another cursor", "1>a ->#", 1001, "without items for ever: 1000 in a row"},
		{"the same for ever, always another cursor", "1>#", 21, "the same items again and again, though its cursor changes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScroll(c.answers)
			var said []string
			memory := &Memory{}
			table := func() *Table {
				return &Table{Run: "r", Seeds: []string{"seed"}, Chains: memory, Lister: s, Say: func(sentence string) { said = append(said, sentence) }}
			}
			err := table().Fill(t.Context(), func(int) {})
			if err != nil {
				if !errors.Is(err, ErrBroken) {
					t.Fatalf("Fill() = %v, want an end or ErrBroken", err)
				}
				said = append(said, err.Error())
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, c.says) || c.says == "" && all != "" {
				t.Errorf("Fill() says %q, want %q", all, c.says)
			}
			if len(s.asked) != c.steps {
				t.Errorf("Fill() took %d steps, want %d", len(s.asked), c.steps)
			}
			chain, _ := memory.Chain(t.Context(), "r", "seed")
			if wantDone := err == nil; chain.Done != wantDone {
				t.Errorf("Chain() = %+v, want done: %t", chain, wantDone)
			}
			steps := len(s.asked)
			if err != nil {
				steps-- // what stops a chain is not committed
			}
			killed(t, c.answers, steps, chain)
		})
	}
}

// killed walks the listing anew, by a walker that is killed after every step, and expects the same
// end.
func killed(t *testing.T, answers string, steps int, want harvest.Chain) {
	t.Helper()
	s, memory := newScroll(answers), &Memory{}
	for range steps {
		w := &walk{seed: "seed"}
		if _, err := w.take(t.Context(), &Table{Run: "r", Seeds: []string{"seed"}, Chains: memory, Lister: s}); err != nil {
			break
		}
	}
	if got, _ := memory.Chain(t.Context(), "r", "seed"); got != want || len(s.asked) != steps {
		t.Errorf("killed after every step: %+v after %d steps, want %+v after %d", got, len(s.asked), want, steps)
	}
}

// Another start may continue a listing that was stopped for its empty answers, for as many.
func TestAStoppedListingIsWalkedOnByAnotherStart(t *testing.T) {
	t.Parallel()
	s, memory := newScroll("1>a ->#"), &Memory{}
	for start := 1; start <= 2; start++ {
		err := (&Table{Run: "r", Seeds: []string{"seed"}, Chains: memory, Lister: s}).Fill(t.Context(), func(int) {})
		if !errors.Is(err, ErrBroken) {
			t.Fatalf("Fill() = %v, want ErrBroken", err)
		}
		if want := start * maxEmpty; len(s.asked) < want || len(s.asked) > want+2 {
			t.Errorf("after start %d: %d steps, want about %d", start, len(s.asked), want)
		}
	}
}

// shelves are books, some of which have a sign that they continue.
type shelves struct {
	scroll
	doubt *Doubt
	more  map[string]string // by seed
	pages map[string]int
}

func (s *shelves) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	then := ""
	if at.Step < int64(s.pages[at.Seed]) {
		then = fmt.Sprint(at.Step)
	}
	if err := s.doubt.Step(ctx, at.Seed, then, s.more[at.Seed]); err != nil {
		return nil, "", err
	}
	s.items = fmt.Sprint(at.Seed, at.Step)
	return []harvest.Entry{{Item: harvest.Item{ID: s.items}}}, then, nil
}

func (s *shelves) Release(ctx context.Context) bool { return s.doubt.Release(ctx) }

func TestAMisspeltNextIsNoEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		more   map[string]string
		pages  map[string]int
		off    bool
		proven bool
		done   int
		says   string
	}{
		{"every listing looks as if it went on", map[string]string{"a": "next 2", "b": "next 3"}, nil, false, false, 0, "a has next 2\n  b has next 3"},
		{"one does, the other ends", map[string]string{"a": "next 2"}, nil, false, false, 1, "a has next 2"},
		{"one goes on", map[string]string{"a": "cursor x"}, map[string]int{"b": 2}, false, false, 2, ""},
		{"none does", nil, nil, false, false, 2, ""},
		{"--no-canary", map[string]string{"a": "next 2", "b": "next 3"}, nil, true, false, 2, ""},
		{"another start has gone on", map[string]string{"a": "next 2", "b": "next 3"}, nil, false, true, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			memory := &Memory{}
			s := &shelves{more: c.more, pages: c.pages, doubt: &Doubt{Off: c.off, Proven: func(context.Context) (bool, error) { return c.proven, nil }}}
			err := (&Table{Run: "r", Seeds: []string{"a", "b"}, Chains: memory, Lister: s, Abreast: 1}).Fill(t.Context(), func(int) {})
			if walked, _ := memory.Walked(t.Context(), "r"); walked.Done != c.done {
				t.Errorf("%d listings done, want %d", walked.Done, c.done)
			}
			if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("Fill() = %v, want %q", err, c.says)
			}
		})
	}
}
