package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testLand(t *testing.T, e *env) {
	e.run(t, "twice is once", landTwice)
	e.run(t, "a half that is there already", landOverlap)
	e.run(t, "first of a key in a batch wins", landDuplicates)
	e.run(t, "all columns come back", landColumns)
	e.run(t, "only poison is skipped", landPoison)
	e.run(t, "JSON scalars", landScalars)
	e.run(t, "stale token lands nothing", landStale)
	e.run(t, "records without their page give way", landOrphans)
	e.run(t, "two at once", landTogether)
	e.run(t, "an empty batch renews", landNothing)
}

func landTwice(t *testing.T, f *fixture) {
	pages := []harvest.Page{Page(1, `{"a": 1}`, `{"a": 2}`), Page(2), Page(3, `{"a": 3}`)}
	first := f.land(t, pages...)
	equal(t, "land(pages)", first, harvest.Counts{Landed: 3, Bytes: 24})
	records := f.records(t)
	equal(t, "number of records", len(records), 3)

	equal(t, "land(pages) again", f.land(t, pages...), harvest.Counts{})
	equal(t, "records after landing again", f.records(t), records)
	equal(t, "Totals()", f.totals(t), first)
}

func landOverlap(t *testing.T, f *fixture) {
	f.land(t, Page(1, `"old"`), Page(2))
	changed := Page(1, `"new"`, `"newer"`)
	changed.Body = []byte(`{"changed": true}`)
	missing := Page(4)
	missing.Outcome, missing.Body = harvest.Missing, nil
	got := f.land(t, changed, Page(3, `"third"`), missing)
	equal(t, "land(a known, a new and a missing page)", got, harvest.Counts{Landed: 1, Missing: 1, Bytes: 8})
	equal(t, "records", f.records(t), []string{`https://api.example/1 0 item "old"`, `https://api.example/3 0 item "third"`})
	equal(t, "body of the known page", string(f.pages(t)[changed.Key].Body), `{"n": 1}`)
}

func landDuplicates(t *testing.T, f *fixture) {
	second := Page(1, `"second"`)
	second.Body = []byte(`"second"`)
	equal(t, "land(a key twice)", f.land(t, Page(1, `"first"`), Page(2), second), harvest.Counts{Landed: 2, Bytes: 16})
	equal(t, "body", string(f.pages(t)[second.Key].Body), `{"n": 1}`)
	equal(t, "records", f.records(t), []string{`https://api.example/1 0 item "first"`})
}

func landColumns(t *testing.T, f *fixture) {
	full := Page(1)
	full.Status, full.Reason, full.Detail, full.Attempts, full.Revision = 503, "mended", "we are down", 4, "r77"
	full.MediaType, full.Headers, full.Raw = "text/html", []byte(`{"ETag": "x"}`), []byte{0, 1, 0xff}
	bare := harvest.Page{Key: harvest.KeyOf("bare"), URL: "bare", Outcome: harvest.Dead, FetchedAt: time.Unix(0, 0).UTC()}
	null := Page(2)
	null.Body, null.Raw = []byte(`null`), []byte{} // no bytes are not a body
	f.land(t, full, bare, null)
	null.Raw = nil
	got := f.pages(t)
	equal(t, "number of pages", len(got), 3)
	for _, want := range []harvest.Page{full, bare, null} {
		p := got[want.Key]
		p.Headers = []byte(strings.ReplaceAll(string(p.Headers), `":"`, `": "`))
		if want.Headers == nil {
			p.Headers = nil
		}
		equal(t, "page "+want.URL, p, want)
	}
}

func landPoison(t *testing.T, f *fixture) {
	poisons := map[string]func(p *harvest.Page){
		"body is not JSON":     func(p *harvest.Page) { p.Body = []byte(`{"cut":`) },
		"record is not JSON":   func(p *harvest.Page) { p.Records = []harvest.Record{{Data: []byte(`nope`)}} },
		"record of nothing":    func(p *harvest.Page) { p.Records = []harvest.Record{{}} },
		"header is not JSON":   func(p *harvest.Page) { p.Headers = []byte(`{`) },
		"NUL in the body":      func(p *harvest.Page) { p.Body = []byte("\"\x00\"") },
		"NUL in a text":        func(p *harvest.Page) { p.Detail = "a\x00b" },
		"broken UTF-8":         func(p *harvest.Page) { p.Detail = "a\xffb" },
		"broken UTF-8 in JSON": func(p *harvest.Page) { p.Body = []byte("\"\xff\"") },
		"broken URL":           func(p *harvest.Page) { p.URL = "https://api.example/\xff\x00" },
		"one ordinal twice": func(p *harvest.Page) {
			p.Records = []harvest.Record{{Ordinal: 1, Data: []byte("1")}, {Ordinal: 1, Data: []byte("2")}}
		},
		"ordinal out of range": func(p *harvest.Page) { p.Records = []harvest.Record{{Ordinal: 1 << 40, Data: []byte("1")}} },
	}
	var batch []harvest.Page
	poisoned := make(map[harvest.Key]string)
	for name, poison := range poisons {
		for range 20 {
			batch = append(batch, Page(len(batch), `"mate"`))
		}
		p := Page(len(batch), `"poison"`)
		p.Detail, p.Headers = "detail", []byte(`{}`)
		poison(&p)
		poisoned[p.Key] = name
		batch = append(batch, p)
	}
	mates := int64(len(batch) - len(poisons))
	got := f.land(t, batch...)
	got.Bytes = 0
	equal(t, "land(batch with poison)", got, harvest.Counts{Landed: mates, Skipped: int64(len(poisons))})
	equal(t, "number of records", len(f.records(t)), int(mates))
	for key, p := range f.pages(t) {
		name, isPoison := poisoned[key]
		switch {
		case !isPoison && p.Outcome != harvest.Landed:
			t.Errorf("page %s ended %s (%s), want landed", p.URL, p.Outcome, p.Reason)
		case isPoison && (p.Outcome != harvest.Skipped || p.Reason == "" || p.Body != nil || p.Headers != nil || p.Detail != ""):
			t.Errorf("%s: the page landed as %+v, want skipped with a reason and without content", name, p)
		}
	}
	equal(t, "land(the batch again)", f.land(t, batch...), harvest.Counts{})
}

func landScalars(t *testing.T, f *fixture) {
	scalars := []string{`"text"`, `17`, `-1.5e3`, `true`, `false`, `null`}
	var pages []harvest.Page
	for i, scalar := range scalars {
		p := Page(i, scalar)
		p.Body = []byte(scalar)
		pages = append(pages, p)
	}
	equal(t, "outcomes", f.land(t, pages...).Landed, int64(len(scalars)))
	stored := f.pages(t)
	for i, scalar := range scalars {
		equal(t, "body "+scalar, string(stored[pages[i].Key].Body), scalar)
	}
	for _, row := range f.export(t, store.Query{What: store.RecordRows}) {
		var n int
		if _, err := fmt.Sscan(row.Page.ID, &n); err != nil {
			t.Fatal(err)
		}
		// A number may be written in another way: -1.5e3 is -1500.
		want := strings.ReplaceAll(scalars[n], "-1.5e3", "-1500")
		equal(t, "record "+scalars[n], strings.ReplaceAll(string(row.Record.Data), "-1.5e3", "-1500"), want)
	}
}

func landStale(t *testing.T, f *fixture) {
	f.land(t, Page(1))
	old := f.overtake(t)
	for _, pages := range [][]harvest.Page{{Page(2, `"x"`)}, {Page(1), Page(3, `"y"`)}, {Page(1)}} {
		counts, err := old.Land(t.Context(), pages)
		wantError(t, "land(under a stale token)", err, store.ErrFenced)
		equal(t, "counts of a fenced landing", counts, harvest.Counts{})
	}
	equal(t, "number of pages", len(f.pages(t)), 1)
	equal(t, "records", f.records(t), []string(nil))
	equal(t, "Totals()", f.totals(t), harvest.Counts{Landed: 1, Bytes: 8})
}

func landOrphans(t *testing.T, f *fixture) {
	f.land(t, Page(1, `"old"`, `"older"`))
	f.LosePages(t)
	f.land(t, Page(1, `"new"`))
	equal(t, "records", f.records(t), []string{`https://api.example/1 0 item "new"`})
}

// landTogether lands overlapping batches from two shards at once; keys in opposite orders would
// lock each other out.
func landTogether(t *testing.T, f *fixture) {
	var forward, backward []harvest.Page
	for i := range 300 {
		forward = append(forward, Page(i, `1`))
		backward = append(backward, Page(299-i, `2`))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var sum harvest.Counts
	for i, pages := range [][]harvest.Page{forward, backward} {
		lease := f.claim(t, Name, harvest.Shard{Index: i, Of: 2})
		all.Go(func() {
			counts, err := lease.Land(t.Context(), pages)
			if err != nil {
				t.Errorf("land(overlapping batch %d) = %v, want nil", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			sum = sum.Plus(counts)
		})
	}
	all.Wait()
	equal(t, "landed by both", sum.Landed, int64(300))
	equal(t, "number of records", len(f.records(t)), 300)
	equal(t, "Totals()", f.totals(t), sum)
}

func landNothing(t *testing.T, f *fixture) {
	equal(t, "land(nothing)", f.land(t), harvest.Counts{})
}
