package storetest

import (
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

const newSpec = ".new"

func testExtract(t *testing.T, e *env) {
	e.run(t, "resumable, and all at once at the end", extractResume)
	e.run(t, "not while a worker is at it", extractBusy)
	e.run(t, "pages that land meanwhile", extractGrown)
	e.run(t, "another spec begins anew", extractOther)
	e.run(t, "no bodies", extractNothing)
	e.run(t, "a worker of before is fenced", extractFences)
	e.run(t, "pages that an expression failed on", extractRepairs)
}

// stageNext extracts from the next n bodies and returns the new cursor.
func (f *fixture) stageNext(t *testing.T, cursor harvest.Key, n int) harvest.Key {
	t.Helper()
	bodies, err := f.store.ExtractBodies(t.Context(), Name, cursor, n)
	if err != nil {
		t.Fatalf("ExtractBodies(after %s) = %v, want nil", cursor, err)
	}
	var batch []store.Extracted
	for _, b := range bodies {
		if b.Key.Compare(cursor) <= 0 {
			t.Fatalf("ExtractBodies(after %s) yields %s, want keys above", cursor, b.Key)
		}
		cursor = b.Key
		batch = append(batch, store.Extracted{Key: b.Key, Records: []harvest.Record{{Kind: "new", Data: b.Body}}})
	}
	if err := f.store.ExtractStage(t.Context(), Name, batch, cursor); err != nil {
		t.Fatalf("ExtractStage(%d pages) = %v, want nil", len(batch), err)
	}
	return cursor
}

func (f *fixture) begin(t *testing.T, spec string) harvest.Key {
	t.Helper()
	cursor, err := f.store.ExtractBegin(t.Context(), Name, spec)
	if err != nil {
		t.Fatalf("ExtractBegin(%s) = %v, want nil", spec, err)
	}
	return cursor
}

func extractResume(t *testing.T, f *fixture) {
	var pages []harvest.Page
	for i := range 10 {
		pages = append(pages, Page(i, `"old"`, `"older"`))
	}
	skipped := Page(10)
	skipped.Outcome = harvest.Skipped
	f.land(t, append(pages, skipped)...)
	f.release(t)
	old := f.records(t)

	equal(t, "ExtractBegin()", f.begin(t, newSpec), harvest.Key{})
	cursor := f.stageNext(t, harvest.Key{}, 4)
	wantError(t, "ExtractStage(the same batch again)", f.store.ExtractStage(t.Context(), Name, nil, cursor), store.ErrBusy)
	f.store = open(t, f.Twin, store.Options{}) // the first one was killed
	equal(t, "ExtractBegin() after a kill", f.begin(t, newSpec), cursor)
	f.stageNext(t, cursor, 100)
	equal(t, "records before the end", f.records(t), old)

	if err := f.store.ExtractFinish(t.Context(), Name, newSpec); err != nil {
		t.Fatalf("ExtractFinish() = %v, want nil", err)
	}
	records := f.records(t)
	equal(t, "number of records", len(records), 10)
	for _, r := range records {
		if !strings.Contains(r, " 0 new {") {
			t.Errorf("record %s, want one of the new spec", r)
		}
	}
	run, err := f.store.FindRun(t.Context(), Name)
	if err != nil || run.Extract != newSpec {
		t.Errorf("FindRun() = extract %s, %v, want %s, nil", run.Extract, err, newSpec)
	}
	for spec, fits := range map[string]bool{Inputs().Extract: true, newSpec: true, ".third": false} {
		run, opened, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name, Inputs: harvest.Inputs{Extract: spec}})
		if (err == nil) != fits || opened || (fits && run.Extract != newSpec) {
			t.Errorf("OpenRun(extract %s) = extract %s, %t, %v, want %s, false; an error: %t", spec, run.Extract, opened, err, newSpec, !fits)
		}
	}
	wantError(t, "ExtractFinish() again", f.store.ExtractFinish(t.Context(), Name, newSpec), store.ErrBusy)
	equal(t, "ExtractBegin() afterwards", f.begin(t, newSpec), harvest.Key{})
}

func extractBusy(t *testing.T, f *fixture) {
	f.land(t, Page(1))
	_, err := f.store.ExtractBegin(t.Context(), Name, newSpec)
	wantError(t, "ExtractBegin(while a lease lives)", err, store.ErrBusy)
	if err != nil && !strings.Contains(err.Error(), "0/1") {
		t.Errorf("ExtractBegin(while a lease lives) = %q, want it to name the shard", err)
	}
	f.release(t)
	f.begin(t, newSpec)
	f.claim(t, Name, whole)
	wantError(t, "ExtractFinish(while a lease lives)", f.store.ExtractFinish(t.Context(), Name, newSpec), store.ErrBusy)
}

func extractGrown(t *testing.T, f *fixture) {
	f.land(t, Page(1, `"old"`))
	f.release(t)
	f.stageNext(t, f.begin(t, newSpec), 10)
	f.land(t, Page(2, `"old"`))
	f.release(t)
	wantError(t, "ExtractFinish(after a page landed)", f.store.ExtractFinish(t.Context(), Name, newSpec), store.ErrBusy)
	equal(t, "number of records", len(f.records(t)), 2)
	equal(t, "ExtractBegin()", f.begin(t, newSpec), harvest.Key{})
	f.stageNext(t, harvest.Key{}, 10)
	if err := f.store.ExtractFinish(t.Context(), Name, newSpec); err != nil {
		t.Errorf("ExtractFinish() = %v, want nil", err)
	}
}

func extractOther(t *testing.T, f *fixture) {
	f.land(t, Page(1), Page(2))
	f.release(t)
	f.stageNext(t, f.begin(t, newSpec), 10)
	equal(t, "ExtractBegin(another spec)", f.begin(t, ".other"), harvest.Key{})
	wantError(t, "ExtractFinish(the first spec)", f.store.ExtractFinish(t.Context(), Name, newSpec), store.ErrBusy)
	f.stageNext(t, harvest.Key{}, 1)
}

func extractNothing(t *testing.T, f *fixture) {
	inputs := Inputs()
	inputs.Body = "none"
	if _, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: "bare", Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	_, err := f.store.ExtractBegin(t.Context(), "bare", newSpec)
	wantError(t, "ExtractBegin(a run without bodies)", err, store.ErrNoBodies)
	_, err = f.store.ExtractBegin(t.Context(), "nope", newSpec)
	wantError(t, "ExtractBegin(unknown run)", err, store.ErrNoRun)
}

func extractFences(t *testing.T, f *fixture) {
	lease := f.claim(t, Name, whole)
	f.Lapse(t) // its worker froze
	f.begin(t, newSpec)
	_, err := lease.Land(t.Context(), []harvest.Page{Page(1, `"old"`)})
	wantError(t, "land(by a worker from before the extraction)", err, store.ErrFenced)
}

// extractRepairs has three pages on which the old expression failed: the new one makes a record of
// the first, nothing of the second, and fails on the third.
func extractRepairs(t *testing.T, f *fixture) {
	pages := make([]harvest.Page, 0, 5)
	for i := range 4 {
		p := Page(i)
		p.Outcome, p.Reason, p.Detail, p.Body = harvest.Skipped, "extract_failed", "expected an object", []byte(`{"a":1}`)
		pages = append(pages, p)
	}
	pages[3].Reason = "too_many_values"
	other := harvest.Shard{Index: 1, Of: 2}
	f.landIn(t, Name, other, pages[1:]...)
	f.land(t, pages[0], Page(4, `"old"`))
	f.release(t)
	before := f.totals(t)
	equal(t, "outcomes before", before, harvest.Counts{Landed: 1, Skipped: 4, Bytes: before.Bytes})

	f.begin(t, newSpec)
	bodies, err := f.store.ExtractBodies(t.Context(), Name, harvest.Key{}, 100)
	if err != nil || len(bodies) != 4 {
		t.Fatalf("ExtractBodies() = %d bodies, %v, want those of the page that landed and of three that were skipped, nil", len(bodies), err)
	}
	made := map[harvest.Key]store.Extracted{
		pages[0].Key: {Records: []harvest.Record{{Kind: "new", Data: []byte("1")}}, Worked: true},
		pages[1].Key: {Worked: true},
		pages[2].Key: {},
		Page(4).Key:  {Worked: true},
	}
	batch := make([]store.Extracted, 0, len(bodies))
	for _, b := range bodies {
		one := made[b.Key]
		one.Key = b.Key
		batch = append(batch, one)
	}
	if err := f.store.ExtractStage(t.Context(), Name, batch, bodies[len(bodies)-1].Key); err != nil {
		t.Fatalf("ExtractStage() = %v, want nil", err)
	}
	equal(t, "totals while staged", f.totals(t), before)
	if err := f.store.ExtractFinish(t.Context(), Name, newSpec); err != nil {
		t.Fatalf("ExtractFinish() = %v, want nil", err)
	}
	equal(t, "number of records", len(f.records(t)), 1)
	for _, s := range f.shards(t) { // a counter below zero would be missed in the sum
		if s.Counts.Skipped < 0 {
			t.Errorf("shard %s counts %d skipped pages", s.Shard, s.Counts.Skipped)
		}
	}
	equal(t, "totals", f.totals(t), harvest.Counts{Landed: 3, Skipped: 2, Bytes: before.Bytes})
	after := f.pages(t)
	for i, want := range []harvest.Outcome{harvest.Landed, harvest.Landed, harvest.Skipped, harvest.Skipped} {
		got := after[pages[i].Key]
		if got.Outcome != want || (got.Reason == "") != (want == harvest.Landed) || (got.Detail == "") != (want == harvest.Landed) {
			t.Errorf("page %d is %s, reason %q, detail %q, want %s, with a reason if skipped", i, got.Outcome, got.Reason, got.Detail, want)
		}
	}
}
