package listing

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
)

const listA, listB = "http://api.test/a", "http://api.test/b"

// ownerOf is which of two shards walks a chain.
func ownerOf(seed string) harvest.Shard {
	shard := harvest.Shard{Of: 2}
	if !shard.Owns(harvest.KeyOf(seed)) {
		shard.Index = 1
	}
	return shard
}

// otherSeed is one that another of two shards owns.
func otherSeed(seed string) string {
	for n := 0; ; n++ {
		if other := fmt.Sprintf("http://api.test/other%d", n); !ownerOf(seed).Owns(harvest.KeyOf(other)) {
			return other
		}
	}
}

// What becomes of the steps of a listing whose answers are the pages.
func TestPages(t *testing.T) {
	t.Parallel()
	type outcomes = map[harvest.Outcome]int
	other := otherSeed(listA)
	whole := map[string]string{listA: "L" + listA + "/2", listA + "/2": "L" + listA + "/3", listA + "/3": "L", listB: "L" + listB + "/2", listB + "/2": "L"}
	for _, c := range []struct {
		name     string
		answers  map[string]string
		settings Settings
		before   *cellar
		want     outcomes
		err      error
		says     string
	}{
		{name: "two chains to their ends", answers: whole, want: outcomes{harvest.Landed: 5}},
		{name: "as many as were to land", answers: whole, settings: Settings{Limit: 2, Abreast: 1}, want: outcomes{harvest.Landed: 2}, err: ErrLimit, says: "--limit"},
		{name: "an address that is wrong", want: outcomes{}, err: exchange.ErrRefused, says: "--no-canary"},
		{name: "an address that is wrong, and no canary", settings: Settings{NoCanary: true}, want: outcomes{harvest.Missing: 2}},
		{name: "an address that is gone since", settings: Settings{Landed: true}, before: &cellar{landed: 1}, want: outcomes{harvest.Missing: 2}},
		{name: "an expression that always fails", answers: map[string]string{listA: "S", listB: "S"}, want: outcomes{}, err: exchange.ErrRefused, says: "extract_failed"},
		{name: "one chain is missing, the other lands", answers: map[string]string{listB: "L" + listB + "/2", listB + "/2": "L"}, want: outcomes{harvest.Landed: 2, harvest.Missing: 1}},
		{name: "a credential that is refused", answers: map[string]string{listA: "403", listB: "403"}, want: outcomes{}, err: exchange.ErrRefused, says: "http_403"},
		{name: "not an API", answers: map[string]string{listA: "<html>", listB: "<html>"}, want: outcomes{}, err: exchange.ErrRefused, says: "is the address right?"},
		{name: "not an API, and no canary", answers: map[string]string{listA: "<html>", listB: "<html>"}, settings: Settings{NoCanary: true}, want: outcomes{}, err: exchange.ErrRefused, says: "is the address right?"},
		{name: "a cursor that is refused again and again", answers: map[string]string{listA: "L" + listA + "/2", listA + "/2": "410", listB: "L"}, want: outcomes{harvest.Landed: 2, harvest.Missing: 1}},
		{name: "a cursor that is not an address", answers: map[string]string{listA: "Lno address", listB: "L"}, want: outcomes{harvest.Landed: 2}, err: ErrBroken},
		{name: "a step that fails for ever", answers: map[string]string{listA: "L" + listA + "/2", listA + "/2": "500", listB: "L" + listB + "/2", listB + "/2": "L"}, want: outcomes{harvest.Landed: 3, harvest.Dead: 1}},
		{name: "--next that is misspelt", answers: map[string]string{listA: "L+", listB: "L+"}, want: outcomes{}, err: ErrBroken, says: "Is --next right?"},
		{name: "--next that is right for some", answers: map[string]string{listA: "L+", listB: "L" + listB + "/2", listB + "/2": "L"}, want: outcomes{harvest.Landed: 3}},
		{
			name: "of a shard whose listing is missing, another's is served", answers: map[string]string{other: "L"},
			settings: Settings{Shard: ownerOf(listA), Seeds: []string{listA, other}}, want: outcomes{harvest.Missing: 1},
		},
		{
			name: "of a shard whose listing is missing, no other's is served", settings: Settings{Shard: ownerOf(listA), Seeds: []string{listA, other}},
			want: outcomes{}, err: exchange.ErrRefused, says: "--no-canary",
		},
		{
			name: "another worker has landed something", settings: Settings{Shard: ownerOf(listA), Seeds: []string{listA, other}}, before: &cellar{landed: 1},
			want: outcomes{harvest.Missing: 1},
		},
		{name: "a store that was restored in mid-walk", answers: whole, before: &cellar{moved: true}, want: outcomes{harvest.Landed: 5}, err: harvest.ErrAnother},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, s := exchangetest.New(), &cellar{}
				if c.before != nil {
					s.moved, s.landed = c.before.moved, c.before.landed
				}
				w.Answer = says(c.answers)
				if c.settings.Seeds == nil {
					c.settings.Seeds = []string{listA, listB}
				}
				err := walkPages(t, w, s, c.settings)
				if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("Walk() = %v, want %v that says %q", err, c.err, c.says)
				}
				if got := s.outcomes(); !maps.Equal(got, c.want) {
					t.Errorf("%v landed, want %v", got, c.want)
				}
			})
		})
	}
}

// A walk that begins again asks for no step that is there, and ends where it would have.
func TestPagesContinue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := exchangetest.New(), &cellar{}
		w.Answer = says(map[string]string{listA: "L" + listA + "/2", listA + "/2": "L" + listA + "/3", listA + "/3": "L"})
		if err := walkPages(t, w, s, Settings{Seeds: []string{listA}, Limit: 2}); !errors.Is(err, ErrLimit) || w.Sent() != 2 {
			t.Fatalf("Walk() = %v after %d requests, want ErrLimit after 2", err, w.Sent())
		}
		if err := walkPages(t, w, s, Settings{Seeds: []string{listA}, Landed: true}); err != nil || w.Sent() != 3 || s.landed != 3 {
			t.Errorf("Walk() again = %v after %d requests with %d landed, want 3 and 3", err, w.Sent(), s.landed)
		}
		if err := walkPages(t, w, s, Settings{Seeds: []string{listA}, Landed: true}); err != nil || w.Sent() != 3 {
			t.Errorf("Walk() of a listing that has ended = %v after %d requests, want none more", err, w.Sent())
		}
	})
}

// The steps behind the end of a listing that is shorter now are missing.
func TestPagesOfAShorterListing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := exchangetest.New()
		w.Answer = says(map[string]string{listA: "L"})
		s := &cellar{chains: map[string]harvest.Chain{listA: {Seed: listA, Step: 3}}, pages: map[harvest.Key]harvest.Page{}, landed: 3} // put back by an operator
		if err := walkPages(t, w, s, Settings{Seeds: []string{listA}, Landed: true}); err != nil {
			t.Fatal(err)
		}
		for step, want := range map[int64]harvest.Outcome{1: harvest.Landed, 2: harvest.Missing, 3: harvest.Missing} {
			if got := s.pages[harvest.StepKey(listA, step)].Outcome; got != want {
				t.Errorf("step %d = %q, want %q", step, got, want)
			}
		}
	})
}

// TestDrainEnds states how the work on a shard of a listing ends.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	for _, test := range []struct {
		name     string
		land     error
		limit    int
		complete bool
		err      error
	}{
		{name: "all chains have ended", complete: true},
		{name: "a limit ends it", limit: 1},
		{name: "another worker has the shard", land: fmt.Errorf("land: %w", harvest.ErrFenced), err: harvest.ErrFenced},
		{name: "the store fails", land: away, err: away},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := exchangetest.New()
			w.Answer = says(map[string]string{listA: "L" + listA + "/2", listA + "/2": "L"})
			p := newPages(w, &cellar{fails: test.land}, Settings{Seeds: []string{listA}, Limit: test.limit})
			complete, err := p.Drain(t.Context())
			if complete != test.complete || !errors.Is(err, test.err) || test.err == nil && err != nil {
				t.Errorf("%s: Drain() = %v, %v, want %v, %v", test.name, complete, err, test.complete, test.err)
			}
			if errors.Is(err, harvest.ErrFenced) && err.Error() != harvest.ErrFenced.Error() {
				t.Errorf("%s: Drain() = %q, want %q, which a person reads", test.name, err, harvest.ErrFenced)
			}
		})
	}
}
