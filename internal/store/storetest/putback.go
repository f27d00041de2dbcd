package storetest

import (
	"slices"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func fleetPutBack(t *testing.T, f *fixture) {
	f.land(t, Page(1, `{"a": 1}`), lost(2, harvest.Dead, 502, "502"), lost(3, harvest.Dead, 500, "500"), lost(4, harvest.Missing, 404, "404"), lost(5, harvest.Skipped, 403, "403"))
	f.complete(t, whole, 0)
	before, err := f.store.Fingerprint(t.Context(), Name)
	must(t, "Fingerprint()", err)
	dead := []harvest.Outcome{harvest.Dead}
	counts, err := f.store.PutBack(t.Context(), Name, dead, func(p harvest.Page) bool { return p.Status == 502 && p.URL == Page(2).URL })
	must(t, "PutBack(502)", err)
	equal(t, "PutBack(502)", counts, harvest.Counts{Dead: 1})
	equal(t, "Totals()", f.totals(t), harvest.Counts{Landed: 1, Missing: 1, Skipped: 1, Dead: 1, Bytes: 8, PutBack: 1})
	f.putBackOutcome(t, store.OutcomeCount{Outcome: harvest.Dead, Reason: "502", Status: 502, Items: 1, PutBack: 1})
	if old := f.pages(t)[Page(2).Key]; old.Status != 502 || old.Reason != "502" {
		t.Errorf("the row of the page that was put back is %+v, want it as it was until the new outcome lands", old)
	}
	equal(t, "Known()", f.known(t, 1, 2, 3), []bool{true, false, true})
	if s := f.shards(t); !s[0].Drained.IsZero() {
		t.Error("the shard of an item that was put back is drained, want not")
	}
	after, err := f.store.Fingerprint(t.Context(), Name)
	if must(t, "Fingerprint()", err); after == before {
		t.Error("Fingerprint() is the same after PutBack: mirrors would still know the keys")
	}
	counts, err = f.store.PutBack(t.Context(), Name, harvest.Outcomes()[1:], func(harvest.Page) bool { return true })
	must(t, "PutBack(all)", err)
	equal(t, "PutBack(all)", counts, harvest.Counts{Missing: 1, Skipped: 1, Dead: 2})
	equal(t, "records left", len(f.records(t)), 1)
	counts, err = f.store.PutBack(t.Context(), Name, dead, func(harvest.Page) bool { return false })
	if must(t, "PutBack(nothing)", err); counts != (harvest.Counts{}) {
		t.Errorf("PutBack(nothing) = %+v, want nothing", counts)
	}
}

// putBackOutcome expects this one among the counts of what is dead, and that no other is put back.
func (f *fixture) putBackOutcome(t *testing.T, want store.OutcomeCount) {
	t.Helper()
	counts, err := f.store.CountOutcomes(t.Context(), Name, []harvest.Outcome{want.Outcome})
	must(t, "CountOutcomes()", err)
	var back []store.OutcomeCount
	for _, c := range counts {
		if c.PutBack > 0 {
			back = append(back, c)
		}
	}
	equal(t, "CountOutcomes() with items that are put back", back, []store.OutcomeCount{want})
}

// known asks for the n-th pages.
func (f *fixture) known(t *testing.T, ns ...int) []bool {
	t.Helper()
	var keys []harvest.Key
	for _, n := range ns {
		keys = append(keys, Page(n).Key)
	}
	known, err := f.store.Known(t.Context(), Name, keys)
	must(t, "Known()", err)
	var listed int
	for key, err := range f.store.Keys(t.Context(), Name) {
		must(t, "Keys()", err)
		if i := slices.Index(keys, key); i >= 0 {
			listed++
			if !known[i] {
				t.Errorf("Keys() has item %d, which Known() does not", ns[i])
			}
		}
	}
	return known
}

// fleetReplaced: the new outcome of an item that was put back takes the old one's place, with its
// records and its count.
func fleetReplaced(t *testing.T, f *fixture) {
	all := func(harvest.Page) bool { return true }
	f.land(t, Page(1), lost(2, harvest.Dead, 502, "502"), lost(3, harvest.Dead, 500, "500"), lost(4, harvest.Skipped, 403, "403"))
	f.release(t)
	_, err := f.store.PutBack(t.Context(), Name, harvest.Outcomes()[1:], all)
	must(t, "PutBack()", err)
	again := lost(3, harvest.Dead, 503, "503")
	counts := f.land(t, Page(2, `{"a": 2}`), again, Page(5)) // 5 is new, 4 is still to come
	equal(t, "land()", counts, harvest.Counts{Landed: 2, Dead: 1, Bytes: 16})
	equal(t, "Totals()", f.totals(t), harvest.Counts{Landed: 3, Dead: 1, Bytes: 24, PutBack: 1})
	pages := f.pages(t)
	if len(pages) != 5 || pages[Page(2).Key].Outcome != harvest.Landed || pages[again.Key].Status != 503 || pages[Page(4).Key].Status != 403 {
		t.Errorf("pages = %+v, want 2 landed, 3 dead anew and 4 as before", pages)
	}
	equal(t, "records", len(f.records(t)), 1)
	equal(t, "Known()", f.known(t, 1, 2, 3, 4, 5), []bool{true, true, true, false, true})
	equal(t, "land() of the same batch once more", f.land(t, Page(2, `{"a": 2}`), again, Page(5)), harvest.Counts{})
	f.release(t)
	_, err = f.store.PutBack(t.Context(), Name, []harvest.Outcome{harvest.Dead}, all)
	must(t, "PutBack() of what failed again", err)
	f.land(t, Page(3), lost(4, harvest.Missing, 404, "404"))
	equal(t, "Totals() at the end", f.totals(t), harvest.Counts{Landed: 4, Missing: 1, Bytes: 32})
}

func fleetPutBackMixed(t *testing.T, f *fixture) {
	a, b := lost(1, harvest.Dead, 502, "502"), lost(2, harvest.Dead, 502, "502")
	f.land(t, a)
	f.release(t)
	shard := harvest.Shard{Of: 2}
	for !shard.Owns(b.Key) {
		shard.Index++
	}
	f.landIn(t, Name, shard, b)
	f.release(t)
	equal(t, "Totals()", f.totals(t), harvest.Counts{Dead: 2})
	_, err := f.store.PutBack(t.Context(), Name, []harvest.Outcome{harvest.Dead}, func(harvest.Page) bool { return true })
	must(t, "PutBack()", err)
	equal(t, "Totals() after", f.totals(t), harvest.Counts{PutBack: 2})
	f.land(t, Page(1), Page(2)) // 2 was counted by another N
	equal(t, "Totals() at the end", f.totals(t), harvest.Counts{Landed: 2, Bytes: 16})
	for _, s := range f.shards(t) {
		if s.Counts.Dead != 0 {
			t.Errorf("shard %s counts %d dead, want none", s.Shard, s.Counts.Dead)
		}
	}
}
