package listing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
)

// What one step of a listing that names items may hold.
func TestItems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		at      harvest.Chain
		answers map[string]string
		host    string // of the run; empty: that of the items
		exposes bool
		longest int64
		items   int
		then    string
		err     error
		says    string
	}{
		{name: "the first step", at: harvest.Chain{Step: 1}, answers: map[string]string{listA: "L" + listA + "/2"}, items: 1, then: listA + "/2"},
		{name: "the last step", at: harvest.Chain{Step: 2, Next: listA + "/2"}, answers: map[string]string{listA + "/2": "L"}, items: 1},
		{name: "a wrong address", at: harvest.Chain{Step: 1}, err: ErrBroken},
		{name: "a cursor that is refused", at: harvest.Chain{Step: 2, Next: listA + "/2"}, answers: map[string]string{listA + "/2": "410"}, err: ErrCursor},
		{name: "a cursor that is not an address", at: harvest.Chain{Step: 2, Next: "no address"}, err: ErrBroken},
		{name: "an item of another host", at: harvest.Chain{Step: 1}, answers: map[string]string{listA: "L"}, host: "other.test", err: ErrBroken, says: "is not on other.test"},
		{name: "an item that would show the credential", at: harvest.Chain{Step: 1}, answers: map[string]string{listA: "L"}, exposes: true, err: ErrBroken, says: "the credential would travel"},
		{name: "--next that may be misspelt", at: harvest.Chain{Step: 1}, answers: map[string]string{listA: "L+"}, items: 1, err: ErrParked, says: "Is --next right?"},
		{name: "--next that was right before", at: harvest.Chain{Step: 1}, answers: map[string]string{listA: "L+"}, longest: 2, items: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := exchangetest.New()
				w.Answer = says(c.answers)
				host := c.host
				if host == "" {
					host = "api.test"
				}
				l := &Items{
					API: api{}, Caller: caller(w), Host: host, Exposes: func(string) bool { return c.exposes },
					Doubt: NewDoubt(false, "t", &cellar{chains: map[string]harvest.Chain{"": {Step: c.longest}}}),
					Item:  func(text string) (harvest.Item, error) { return harvest.Item{URL: text, Key: harvest.KeyOf(text)}, nil },
				}
				c.at.Seed = listA
				entries, then, err := l.List(t.Context(), c.at)
				if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.says) || then != c.then {
					t.Errorf("List() = %q, %v, want %q, %v that says %q", then, err, c.then, c.err, c.says)
				}
				if len(entries) != c.items || err == nil && l.Observed(listA) == "" || w.Bodies != 0 {
					t.Errorf("List() = %d items, %d answers kept, want %d and none", len(entries), w.Bodies, c.items)
				}
			})
		})
	}
}

// ownAPI lists two pages a step in a way of its own.
type ownAPI struct{ api }

func (a ownAPI) ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (harvest.Listed, string, harvest.Reading) {
	listed, then, read := a.api.ReadList(request, seed, step, answer, item)
	listed.Entries = []harvest.Entry{{Item: harvest.Item{ID: "A"}}, {Item: harvest.Item{ID: "B"}}}
	return listed, then, read
}

// What an upstream lists in a way of its own comes as it is; an address of something else is
// refused at the first step only.
func TestOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := exchangetest.New()
		w.Answer = says(map[string]string{listA: "L" + listA + "/2", listB: "<html>"})
		own := Own{API: ownAPI{}, Caller: caller(w)}
		entries, then, err := own.List(t.Context(), harvest.Chain{Seed: listA, Step: 1})
		if err != nil || len(entries) != 2 || then != listA+"/2" || w.Bodies != 0 {
			t.Errorf("List() = %d items, %q, %v, want 2 and the next step", len(entries), then, err)
		}
		if _, _, err := own.List(t.Context(), harvest.Chain{Seed: listB, Step: 1}); !errors.Is(err, exchange.ErrRefused) {
			t.Errorf("List() of an address of something else = %v, want ErrRefused", err)
		}
	})
}

func keysOf(entries iter.Seq2[harvest.Entry, error]) (keys []harvest.Key, err error) {
	for entry, err := range entries {
		if err != nil {
			return keys, err
		}
		keys = append(keys, entry.Item.Key)
	}
	return keys, nil
}

// The steps of chains that have ended are a corpus; a chain that has not is not a corpus yet.
func TestWalked(t *testing.T) {
	t.Parallel()
	s := &cellar{chains: map[string]harvest.Chain{listA: {Seed: listA, Step: 2, Done: true}, listB: {Seed: listB, Step: 1, Done: true}}}
	want := []harvest.Key{harvest.StepKey(listA, 1), harvest.StepKey(listA, 2), harvest.StepKey(listB, 1)}
	if keys, err := keysOf(Walked(t.Context(), s, "t", []string{listA, listB})); err != nil || !slices.Equal(keys, want) {
		t.Errorf("Walked() = %v, %v, want %v", keys, err, want)
	}
	if _, err := keysOf(Walked(t.Context(), s, "t", []string{listA, "http://api.test/c"})); !errors.Is(err, harvest.ErrIncomplete) {
		t.Errorf("Walked() of a chain that has not ended = %v, want ErrIncomplete", err)
	}
}

// Who only looks sees first steps, and gives a listing that names nothing up soon.
func TestLook(t *testing.T) {
	t.Parallel()
	want := []harvest.Key{harvest.StepKey(listA, 1), harvest.StepKey(listB, 1)}
	if keys, err := keysOf(FirstSteps(api{}, []string{listA, listB})); err != nil || !slices.Equal(keys, want) {
		t.Errorf("FirstSteps() = %v, %v, want %v", keys, err, want)
	}
	few := &Few{Lister: &countdown{steps: 10}}
	for n := range maxLists {
		if _, _, err := few.List(t.Context(), harvest.Chain{Next: fmt.Sprint(n)}); err != nil {
			t.Errorf("List() number %d = %v", n+1, err)
		}
	}
	if _, _, err := few.List(t.Context(), harvest.Chain{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("List() after %d = %v, want ErrEmpty", maxLists, err)
	}
}

// A process that does not lead lists nothing.
func TestLeaderOnly(t *testing.T) {
	t.Parallel()
	lister := &countdown{steps: 1}
	l := LeaderOnly{Lister: lister, Turn: func(context.Context) error { return exchange.ErrPatience }}
	if _, _, err := l.List(t.Context(), harvest.Chain{}); !errors.Is(err, exchange.ErrPatience) || len(lister.asked) != 0 {
		t.Errorf("List() = %v after %d steps, want what ended the waiting and none", err, len(lister.asked))
	}
	l.Turn = func(context.Context) error { return nil }
	if _, _, err := l.List(t.Context(), harvest.Chain{}); err != nil || len(lister.asked) != 1 || l.Observed("") != "" || l.Release(t.Context()) {
		t.Errorf("List() = %v after %d steps, want one", err, len(lister.asked))
	}
}
