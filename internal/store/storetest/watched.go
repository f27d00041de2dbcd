package storetest

import (
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// fleetQuiets saves the silences that two processes met.
func fleetQuiets(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.land(t, Page(1))
	at := time.Date(2026, 10, 1, 12, 0, 0, 123_000, time.UTC)
	asked := harvest.Quiet{From: at, Until: at.Add(7 * time.Second), Kind: harvest.LimitBackoff, Cause: "Retry-After"}
	held := harvest.Quiet{From: at.Add(time.Minute), Until: at.Add(time.Minute), Kind: harvest.LimitHold}
	must(t, "SaveWork()", f.store.SaveWork(ctx, harvest.Work{Run: Name, Worker: "lab:1", Started: at, Quiets: []harvest.Quiet{asked, held}}))
	held.Until = held.From.Add(time.Hour)
	must(t, "SaveWork() of a longer one", f.store.SaveWork(ctx, harvest.Work{Run: Name, Worker: "lab:1", Started: at, Quiets: []harvest.Quiet{held}}))
	must(t, "SaveWork() of another process", f.store.SaveWork(ctx, harvest.Work{Run: Name, Worker: "lab:2", Started: at, Quiets: []harvest.Quiet{held}}))
	all, err := f.store.ListQuiets(ctx, Name, 10)
	must(t, "ListQuiets()", err)
	equal(t, "ListQuiets()", all, []harvest.Quiet{held, held, asked})
	all, err = f.store.ListQuiets(ctx, Name, 2)
	must(t, "ListQuiets(2)", err)
	equal(t, "ListQuiets(2)", len(all), 2)
	all, err = f.store.ListQuiets(ctx, "nosuch", 10)
	must(t, "ListQuiets(no such run)", err)
	equal(t, "ListQuiets(no such run)", len(all), 0)
	f.release(t)
	must(t, "DropRun()", f.store.DropRun(ctx, Name))
	all, err = f.store.ListQuiets(ctx, Name, 10)
	must(t, "ListQuiets(of a dropped run)", err)
	equal(t, "ListQuiets(of a dropped run)", len(all), 0)
}

// exportLatest asks for the items that failed last.
func exportLatest(t *testing.T, f *fixture) {
	at := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	var pages []harvest.Page
	for i := range 6 {
		page := lost(i, harvest.Dead, 502, "http_502")
		if i%2 == 1 {
			page = lost(i, harvest.Skipped, 0, "bad_json")
			page.Raw = []byte("a body that is not read")
		}
		page.FetchedAt = at.Add(time.Duration(i) * time.Minute)
		pages = append(pages, page)
	}
	f.land(t, append(pages, Page(6))...)
	rows := f.export(t, store.Query{What: store.PageRows, Latest: true, Limit: 3, Outcomes: []harvest.Outcome{harvest.Dead, harvest.Skipped}})
	var got []string
	for _, row := range rows {
		got = append(got, row.Page.ID)
		if len(row.Page.Raw)+len(row.Page.Body) > 0 {
			t.Errorf("Export(latest) has the body of %s, want none", row.Page.ID)
		}
	}
	equal(t, "Export(latest)", got, []string{pages[5].ID, pages[4].ID, pages[3].ID})
	rows = f.export(t, store.Query{What: store.PageRows, Latest: true, Limit: 1, Outcomes: []harvest.Outcome{harvest.Dead}, Reason: "http_502"})
	if len(rows) != 1 || rows[0].Page.Key != pages[4].Key || !rows[0].Page.FetchedAt.Equal(pages[4].FetchedAt) {
		t.Errorf("Export(latest dead) = %+v, want %+v", rows, pages[4])
	}
}
