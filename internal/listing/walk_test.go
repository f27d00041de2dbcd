package listing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// book has two items on each page of each seed. A request is "seed next".
type book struct {
	pages  int
	refuse map[string]int           // a cursor is refused so often
	fail   map[string]error         // always
	slow   map[string]time.Duration // else a millisecond
	back   map[string]string        // where it continues instead

	mu      sync.Mutex
	asked   []string
	abreast int
	most    int
	ended   []string // by End
}

func (b *book) List(_ context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	what := at.Seed + at.Next
	b.mu.Lock()
	b.asked = append(b.asked, what)
	b.abreast++
	b.most = max(b.most, b.abreast)
	refused := b.refuse[what] > 0
	if refused {
		b.refuse[what]--
	}
	b.mu.Unlock()
	time.Sleep(max(time.Millisecond, b.slow[what])) // in a bubble: all that are asked together are under way together
	b.mu.Lock()
	b.abreast--
	b.mu.Unlock()
	if err := b.fail[what]; err != nil {
		return nil, "", err
	}
	if refused {
		return nil, "", ErrCursor
	}
	n, _ := strconv.Atoi("0" + at.Next)
	entries := []harvest.Entry{{Item: harvest.Item{ID: fmt.Sprint(at.Seed, n, "a")}}, {Item: harvest.Item{ID: fmt.Sprint(at.Seed, n, "b")}}}
	if then, ok := b.back[what]; ok {
		return entries, then, nil
	}
	if n+1 == b.pages {
		return entries, "", nil
	}
	return entries, strconv.Itoa(n + 1), nil
}

// walked reads all items of the seeds, without repeats.
func (b *book) walked(t *testing.T, seeds ...string) (ids []string, err error) {
	t.Helper()
	ids, err = read(t, &Table{Seeds: seeds, Chains: &Memory{}, Lister: b})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

func TestSeedsAreWalkedSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{pages: 3}
		ids, err := b.walked(t, strings.Split("abcdefghijkl", "")...)
		if err != nil || len(ids) != 12*3*2 || len(b.asked) != 12*3 || b.most != abreast {
			t.Errorf("Entries() = %d items, %v, in %d steps, %d side by side, want 72 in 36 steps, %d side by side", len(ids), err, len(b.asked), b.most, abreast)
		}
	})
}

func TestNoChainWaitsForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{pages: 20, slow: map[string]time.Duration{}}
		for i := range 20 { // a different one of the five is slow at each step
			b.slow[fmt.Sprint(string("abcde"[i%5]), map[bool]string{false: fmt.Sprint(i)}[i == 0])] = time.Second
		}
		began := time.Now()
		ids, err := b.walked(t, "a", "b", "c", "d", "e")
		if took := time.Since(began); err != nil || len(ids) != 200 || took > 4500*time.Millisecond {
			t.Errorf("Entries() = %d items, %v after %v, want 200 after about 4 s, as long as the slowest chain takes alone", len(ids), err, took)
		}
	})
}

func TestARefusedCursorStartsTheChainAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{pages: 4, refuse: map[string]int{"a2": 1}}
		ids, err := b.walked(t, "a")
		if got, want := strings.Join(b.asked, " "), "a a1 a2 a a1 a2 a3"; err != nil || got != want || len(ids) != 8 {
			t.Errorf("Entries() = %d items, %v, asked %s, want 8, asked %s", len(ids), err, got, want)
		}
		never := &book{pages: 4, refuse: map[string]int{"a2": 100}}
		if _, err := never.walked(t, "a"); !errors.Is(err, ErrCursor) || !errors.Is(err, ErrBroken) || never.refuse["a2"] != 100-maxRestarts-1 {
			t.Errorf("Entries() = %v after %d refusals, want ErrBroken and ErrCursor after %d", err, 100-never.refuse["a2"], maxRestarts+1)
		}
		first := &book{pages: 4, refuse: map[string]int{"a": 1}}
		if _, err := first.walked(t, "a"); !errors.Is(err, ErrCursor) || len(first.asked) != 1 {
			t.Errorf("Entries() = %v after %d steps, want ErrCursor at once: the first step has no cursor", err, len(first.asked))
		}
	})
}

// ending is a book whose chains may end where they are refused.
type ending struct{ *book }

func (e ending) End(at harvest.Chain, _ error) error {
	e.ended = append(e.ended, fmt.Sprint(at.Seed, at.Step))
	return ErrEnded
}

func TestACursorThatIsRefusedForGoodMayBeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := ending{&book{pages: 4, refuse: map[string]int{"a2": 100}}}
		chains := &Memory{}
		err := (&Table{Seeds: []string{"a", "b"}, Chains: chains, Lister: b}).Fill(t.Context(), func(int) {})
		if walked, _ := chains.Walked(t.Context(), ""); err != nil || walked.Done != 2 || !slices.Equal(b.ended, []string{"a3"}) {
			t.Errorf("Fill() = %v, %d chains done, ended at %s, want nil, 2, a3", err, walked.Done, b.ended)
		}
	})
}

func TestABrokenChainKeepsNoOtherFromItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{pages: 5, fail: map[string]error{"b2": fmt.Errorf("%w: foreign", ErrBroken)}}
		ids, err := b.walked(t, "a", "b", "c")
		if !errors.Is(err, ErrBroken) || len(ids) != 2*10+2*2 {
			t.Errorf("Entries() = %d items, %v, want 24 and then ErrBroken", len(ids), err)
		}
		all := &book{pages: 5, fail: map[string]error{}}
		var seeds []string
		for i := range 1000 {
			seeds = append(seeds, fmt.Sprint("s", i, "-"))
			all.fail[seeds[i]] = ErrBroken
		}
		if _, err := all.walked(t, seeds...); !errors.Is(err, ErrBroken) || len(all.asked) > maxBroken+abreast {
			t.Errorf("Entries() = %v after %d steps, want ErrBroken after about %d: what breaks them all is no matter of one", err, len(all.asked), maxBroken)
		}
	})
}

func TestAParkedChainGoesOnWhenAnotherHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alone := &book{pages: 2, fail: map[string]error{"a": fmt.Errorf("%w: first", ErrParked), "b": fmt.Errorf("%w: second", ErrParked)}}
		if _, err := alone.walked(t, "a", "b"); !errors.Is(err, ErrParked) || len(alone.asked) != 2 {
			t.Errorf("Entries() = %v after %d steps, want ErrParked after 2", err, len(alone.asked))
		}
		freed := &parking{book: &book{pages: 3, slow: map[string]time.Duration{"b": time.Second}}}
		ids, err := read(t, &Table{Seeds: []string{"a", "b"}, Chains: &Memory{}, Lister: freed})
		if got := strings.Join(freed.asked, " "); err != nil || len(ids) != 12 || !strings.HasPrefix(got, "b ") {
			t.Errorf("Entries() = %d items, %v, asked %s, want 12, and a only after b", len(ids), err, got)
		}
	})
}

// parking keeps a at its first step until b has taken one.
type parking struct{ *book }

func (p *parking) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	p.mu.Lock()
	free := at.Seed != "a" || slices.Contains(p.asked, "b") && p.abreast == 0
	p.mu.Unlock()
	if !free {
		return nil, "", ErrParked
	}
	return p.book.List(ctx, at)
}

func TestAChainThatRunsInACircleIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for length := 1; length <= 20; length++ {
			for lead := range 5 {
				b := &book{pages: 1000, back: map[string]string{fmt.Sprint("a", lead+length): fmt.Sprint(lead + 1)}}
				_, err := b.walked(t, "a")
				if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "comes back") || len(b.asked) > 2*(lead+1)+3*length+2 {
					t.Errorf("Entries() = %v after %d steps of a circle of %d after %d, want ErrBroken soon", err, len(b.asked), length, lead)
				}
			}
		}
	})
}

// shelf keeps pages by their places, as a store does: what is there already stays.
type shelf struct {
	Memory
	pages map[harvest.Key]string
}

func (s *shelf) CommitStep(_ context.Context, _ string, to harvest.Chain, entries []harvest.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, what := harvest.StepKey(to.Seed, to.Step), "refused"
	if len(entries) > 0 {
		what = entries[0].Item.ID
	}
	if _, there := s.pages[key]; !there {
		s.pages[key] = what
	}
	if was := s.chains[to.Seed]; to.Step == was.Step+1 || to.Done && was.Step >= to.Step {
		to.Step = max(to.Step, was.Step)
		s.chains[to.Seed] = to
	}
	return nil
}

func TestAChainThatIsWalkedAgainAndRefusedEndsBehindWhatItHas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{pages: map[harvest.Key]string{}}
		s.chains = map[string]harvest.Chain{"a": {Seed: "a", Step: 3}} // three pages are there; it is walked from its seed
		for step := range int64(3) {
			s.pages[harvest.StepKey("a", step+1)] = "there"
		}
		b := ending{&book{pages: 9, refuse: map[string]int{"a1": 100}}}
		err := (&Table{Seeds: []string{"a"}, Chains: s, Lister: b, Pages: true}).Fill(t.Context(), func(int) {})
		if got := s.chains["a"]; err != nil || !got.Done || got.Step != 4 || len(s.pages) != 4 || s.pages[harvest.StepKey("a", 4)] != "refused" {
			t.Errorf("Fill() = %v, chain %+v with pages %v, want its refusal to be page 4, and the end", err, got, s.pages)
		}
	})
}

// releasing parks whatever is failed, until it is released.
type releasing struct {
	*book
	free bool
}

func (r *releasing) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	entries, then, err := r.book.List(ctx, at)
	if errors.Is(err, ErrParked) && r.free {
		return nil, "", ErrEnded
	}
	return entries, then, err
}

func (r *releasing) Release(context.Context) bool {
	was := r.free
	r.free = true
	return !was
}

func TestWhatIsParkedIsReleasedWhenNothingElseGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &releasing{book: &book{pages: 2, fail: map[string]error{"a": ErrParked, "c": ErrParked}}}
		chains := &Memory{}
		err := (&Table{Seeds: []string{"a", "b", "c"}, Chains: chains, Lister: r}).Fill(t.Context(), func(int) {})
		if walked, _ := chains.Walked(t.Context(), ""); err != nil || walked.Done != 3 {
			t.Errorf("Fill() = %v, %d chains done, want nil, 3", err, walked.Done)
		}
	})
}
