package storetest

import (
	"fmt"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testCorpus(t *testing.T, e *env) {
	e.run(t, "a chain is walked step by step", corpusChain)
	e.run(t, "two walk one chain", corpusTwo)
	e.run(t, "a line that is not an item", corpusRejected)
	e.run(t, "what a walk remembers", corpusTrail)
	e.run(t, "a seed as long as an address", corpusLongSeed)
}

func listed(from, n int) []harvest.Entry {
	entries := make([]harvest.Entry, n)
	for i := range entries {
		page := Page(from + i)
		entries[i].Item = harvest.Item{Key: page.Key, URL: page.URL, ID: fmt.Sprintf("title %d", from+i), Size: int64(from + i)}
	}
	return entries
}

func corpusChain(t *testing.T, f *fixture) {
	const seed = "mediawiki:?prefix=A"
	chain, err := f.store.Chain(t.Context(), Name, seed)
	if err != nil || chain != (harvest.Chain{Seed: seed}) {
		t.Fatalf("Chain() = %+v, %v, want the start", chain, err)
	}
	for step, to := range []harvest.Chain{{Seed: seed, Step: 1, Next: "b"}, {Seed: seed, Step: 2, Next: "c"}, {Seed: seed, Step: 3, Done: true}} {
		if err := f.store.CommitStep(t.Context(), Name, to, listed(10*step, 3)); err != nil {
			t.Fatalf("CommitStep(%+v) = %v, want nil", to, err)
		}
		if chain, err = f.store.Chain(t.Context(), Name, seed); err != nil || chain != to {
			t.Errorf("Chain() = %+v, %v, want %+v", chain, err, to)
		}
	}
	rows, err := f.store.CorpusRows(t.Context(), Name, 2, 4)
	if err != nil || len(rows) != 4 || rows[0].Line() != 3 || rows[3].Line() != 6 {
		t.Fatalf("CorpusRows(after 2, 4) = %+v, %v, want rows 3 to 6", rows, err)
	}
	want := listed(10, 1)[0].At(4)
	equal(t, "row 4", fmt.Sprint(rows[1]), fmt.Sprint(want))
	if n, err := f.store.CorpusSize(t.Context(), Name); n != 9 || err != nil {
		t.Errorf("CorpusSize() = %d, %v, want 9", n, err)
	}
	wantError(t, "CorpusStep(after the end)", f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: seed, Step: 4}, nil), store.ErrStep)
}

func corpusTwo(t *testing.T, f *fixture) {
	to := harvest.Chain{Seed: "s", Step: 1, Next: "b"}
	if err := f.store.CommitStep(t.Context(), Name, to, listed(0, 2)); err != nil {
		t.Fatalf("CommitStep() = %v, want nil", err)
	}
	wantError(t, "CommitStep(the same step)", f.store.CommitStep(t.Context(), Name, to, listed(0, 2)), store.ErrStep)
	wantError(t, "CommitStep(a later step of a chain that was not begun)", f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: "late", Step: 2}, listed(0, 2)), store.ErrStep)
	wantError(t, "CommitStep(a later step)", f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: "s", Step: 3}, listed(0, 2)), store.ErrStep)
	if n, err := f.store.CorpusSize(t.Context(), Name); n != 2 || err != nil {
		t.Errorf("CorpusSize() = %d, %v, want 2", n, err)
	}
	if err := f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: "other", Step: 1, Done: true}, listed(5, 2)); err != nil {
		t.Errorf("CommitStep(another chain) = %v, want nil", err)
	}
}

func corpusRejected(t *testing.T, f *fixture) {
	rejected := harvest.Entry{Rejected: &harvest.Rejection{Reason: "foreign_host", Text: "not ours: x", Key: Page(7).Key}}
	must(t, "CommitStep()", f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: "s", Step: 1, Done: true}, append(listed(0, 1), rejected)))
	rows, err := f.store.CorpusRows(t.Context(), Name, 0, 9)
	must(t, "CorpusRows()", err)
	equal(t, "rows", rows, []harvest.Entry{listed(0, 1)[0].At(1), rejected.At(2)})
}

// A step stores what its walk remembers with it; a chain that is walked again forgets.
func corpusTrail(t *testing.T, f *fixture) {
	for _, to := range []harvest.Chain{{Seed: "s", Step: 1, Next: "b", Trail: `{"items":"1"}`}, {Seed: "s", Step: 2, Next: "b", Trail: `{"items":"2"}`}, {Seed: "s", Step: 3, Next: "b"}} {
		must(t, "CommitStep()", f.store.CommitStep(t.Context(), Name, to, nil))
		got, err := f.store.Chain(t.Context(), Name, "s")
		must(t, "Chain()", err)
		equal(t, "chain", got, to)
	}
}

// Seeds may be as long as URLs, differ only at their ends, and hold what an escape begins with.
func corpusLongSeed(t *testing.T, f *fixture) {
	var random strings.Builder // what does not shrink
	for i := 0; random.Len() < harvest.MaxURL-100; i++ {
		random.WriteString(harvest.KeyOf(fmt.Sprint(i)).String())
	}
	seeds := []string{"https://a.example/" + random.String() + "/a", "https://a.example/" + random.String() + "/b", `https://a.example/\x61\000`, "https://a.example/ä"}
	for n, seed := range seeds {
		for _, to := range []harvest.Chain{{Seed: seed, Step: 1, Next: strings.Repeat(random.String(), 2)}, {Seed: seed, Step: 2, Done: true}} {
			must(t, "CommitStep()", f.store.CommitStep(t.Context(), Name, to, listed(10*n+int(to.Step), 1)))
			got, err := f.store.Chain(t.Context(), Name, seed)
			must(t, "Chain()", err)
			equal(t, "chain", got, to)
		}
	}
	if w, err := f.store.Walked(t.Context(), Name); w != (harvest.Walked{Done: len(seeds), Longest: 2}) || err != nil {
		t.Errorf("Walked() = %+v, %v, want %d chains of 2 steps, done", w, err, len(seeds))
	}
}
