package storetest

import (
	"errors"
	"slices"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testRead(t *testing.T, e *env) {
	e.run(t, "known", readKnown)
	e.run(t, "keys", readKeys)
	e.run(t, "totals over several N", readTotals)
	e.run(t, "export is ordered and stable", exportOrder)
	e.run(t, "export reads one snapshot", exportSnapshot)
	e.run(t, "export by outcome", exportOutcomes)
	e.run(t, "export of the latest", exportLatest)
	e.run(t, "export ends with the caller's error", exportStops)
	e.run(t, "export of nothing known", exportUnknown)
}

func readKnown(t *testing.T, f *fixture) {
	missing := Page(7)
	missing.Outcome, missing.Body = harvest.Missing, nil
	f.land(t, Page(1), Page(3), missing)
	var keys []harvest.Key
	var want []bool
	for i := range 25_000 {
		keys = append(keys, Page(i).Key)
		want = append(want, i == 1 || i == 3 || i == 7)
	}
	got, err := f.store.Known(t.Context(), Name, keys)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Known(25,000 keys) = %d keys known, %v, want 1, 3 and 7 of %d, nil", count(got), err, len(keys))
	}
	if got, err := f.store.Known(t.Context(), "other", keys[:10]); err != nil || count(got) != 0 {
		t.Errorf("Known(of another run) = %v, %v, want none, nil", got, err)
	}
	if got, err := f.store.Known(t.Context(), Name, nil); err != nil || len(got) != 0 {
		t.Errorf("Known(no keys) = %v, %v, want none, nil", got, err)
	}
}

func count(known []bool) (n int) {
	for _, is := range known {
		if is {
			n++
		}
	}
	return n
}

func readKeys(t *testing.T, f *fixture) {
	want := make(map[harvest.Key]bool)
	for i := range 10 {
		f.land(t, Page(i))
		want[Page(i).Key] = true
	}
	got := make(map[harvest.Key]bool)
	for key, err := range f.store.Keys(t.Context(), Name) {
		if err != nil {
			t.Fatalf("Keys() yields %v, want no error", err)
		}
		got[key] = true
	}
	equal(t, "Keys()", got, want)
	for range 10 { // more often than there are connections: each must be free again
		for _, err := range f.store.Keys(t.Context(), Name) {
			if err != nil {
				t.Fatalf("Keys() yields %v, want no error", err)
			}
			break
		}
	}
	if _, err := f.store.Known(t.Context(), Name, nil); err != nil {
		t.Errorf("Known() after leaving Keys() early = %v, want nil", err)
	}
}

func readTotals(t *testing.T, f *fixture) {
	for i, s := range []harvest.Shard{{Index: 0, Of: 2}, {Index: 1, Of: 2}, {Index: 0, Of: 1}} {
		f.landIn(t, Name, s, Page(i))
		f.complete(t, s, map[int]int64{2: 3, 1: 5}[s.Of])
	}
	equal(t, "Totals()", f.totals(t), harvest.Counts{Landed: 3, Bytes: 24, Rejected: 6})
	for shard, want := range map[harvest.Shard]int64{{Index: 0, Of: 2}: 1, {Index: 0, Of: 1}: 1, {Index: 2, Of: 3}: 0} {
		if ofShard, ofRun := harvest.RowsOf(f.shards(t), shard); ofShard != want || ofRun != 3 {
			t.Errorf("RowsOf(ListShards(), %s) = %d, %d, want %d, 3", shard, ofShard, ofRun, want)
		}
	}
}

func exportOrder(t *testing.T, f *fixture) {
	var pages []harvest.Page
	for i := range 200 {
		pages = append(pages, Page(i, `{"i": 0}`, `{"i": 1}`, `{"i": 2}`))
	}
	f.land(t, pages[:100]...)
	f.land(t, pages[100:]...)
	for _, what := range []store.What{store.PageRows, store.RecordRows} {
		rows := f.export(t, store.Query{What: what})
		sorted := slices.IsSortedFunc(rows, func(a, b store.Row) int {
			if c := a.Page.Key.Compare(b.Page.Key); c != 0 {
				return c
			}
			return a.Record.Ordinal - b.Record.Ordinal
		})
		if !sorted {
			t.Errorf("Export(%s) is not ordered by key and ordinal", what)
		}
		equal(t, "Export("+string(what)+") again", f.export(t, store.Query{What: what}), rows)
	}
	equal(t, "number of records", len(f.records(t)), 600)
}

func exportSnapshot(t *testing.T, f *fixture) {
	f.land(t, Page(1), Page(2), Page(3))
	rows := 0
	err := f.store.Export(t.Context(), store.Query{Run: Name, What: store.PageRows}, func(store.Row) error {
		if rows++; rows == 1 {
			f.land(t, Page(4), Page(5), Page(6)) // a worker continues while a reader reads
		}
		return nil
	})
	if err != nil || rows != 3 {
		t.Errorf("Export(while a batch lands) = %d rows, %v, want 3, nil", rows, err)
	}
	equal(t, "number of pages afterwards", len(f.pages(t)), 6)
}

func exportOutcomes(t *testing.T, f *fixture) {
	var pages []harvest.Page
	for i, o := range harvest.Outcomes() {
		p := Page(i)
		p.Outcome = o
		pages = append(pages, p)
	}
	f.land(t, pages...)
	rows := f.export(t, store.Query{What: store.PageRows, Outcomes: []harvest.Outcome{harvest.Dead, harvest.Missing}})
	got := make(map[harvest.Outcome]int)
	for _, row := range rows {
		got[row.Page.Outcome]++
	}
	equal(t, "Export(dead and missing)", got, map[harvest.Outcome]int{harvest.Dead: 1, harvest.Missing: 1})
}

func exportStops(t *testing.T, f *fixture) {
	f.land(t, Page(1), Page(2))
	stop := errors.New("disk full")
	for range 10 { // more often than there are connections
		rows := 0
		err := f.store.Export(t.Context(), store.Query{Run: Name, What: store.PageRows}, func(store.Row) error { rows++; return stop })
		if !errors.Is(err, stop) || rows != 1 {
			t.Fatalf("Export(each fails) = %v after %d rows, want %v after 1", err, rows, stop)
		}
	}
}

func exportUnknown(t *testing.T, f *fixture) {
	never := func(store.Row) error { t.Error("Export calls each for nothing"); return nil }
	wantError(t, "Export(unknown run)", f.store.Export(t.Context(), store.Query{Run: "nope", What: store.PageRows}, never), store.ErrNoRun)
	if err := f.store.Export(t.Context(), store.Query{Run: Name, What: "rows"}, never); err == nil {
		t.Error("Export(what: rows) = nil, want an error")
	}
}
