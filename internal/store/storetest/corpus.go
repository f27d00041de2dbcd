package storetest

import (
	"fmt"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testCorpus(t *testing.T, e *env) {
	e.run(t, "a chain is walked step by step", corpusChain)
	e.run(t, "two walk one chain", corpusTwo)
	e.run(t, "what is no item", corpusRejected)
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
