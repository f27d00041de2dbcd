// Package storetest is the contract of a store: the tests that every twin passes. In goes a way to
// open stores and to land in them; out come test results. It never knows which twin it talks to.
package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Name is the run that the contract harvests.
const Name = "2026q4"

// Inputs returns the inputs of the run [Name].
func Inputs() harvest.Inputs {
	return harvest.Inputs{
		Upstream: "plain", API: "https://api.example/{id}", Host: "api.example", Extract: ".items[]", Body: "json", Corpus: "urls.txt",
		Next: "link", Items: ".ids[]", Split: ".all[]", ID: ".id", Absent: "again",
	}
}

// Contract runs all tests of the contract, each on a twin of its own.
func Contract(t *testing.T, fresh func(t *testing.T) Twin) {
	tests := map[string]func(*testing.T, *env){
		"land":    testLand,
		"read":    testRead,
		"runs":    testRuns,
		"extract": testExtract,
		"fleet":   testFleet,
		"leases":  testLeases,
		"corpus":  testCorpus,
		"schema":  testSchema,
	}
	for _, group := range slices.Sorted(maps.Keys(tests)) {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			tests[group](t, &env{fresh: fresh})
		})
	}
}

// env makes twins for the tests of one group.
type env struct{ fresh func(t *testing.T) Twin }

// run runs one test in parallel with the others, on a store that holds the run Name.
func (e *env) run(t *testing.T, name string, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		f := &fixture{Twin: e.fresh(t), leases: map[place]*store.Lease{}}
		f.store = open(t, f.Twin, store.Options{Version: "v1"})
		if _, opened, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name, Inputs: Inputs(), Rate: "50/s", Titles: harvest.TitlesWritten}); err != nil || !opened {
			t.Fatalf("OpenRun(%s) = opened %t, %v, want true, nil", Name, opened, err)
		}
		test(t, f)
	})
}

// fixture is one store with the open run Name.
type fixture struct {
	Twin
	store  *store.Store
	leases map[place]*store.Lease
}

// Open opens a store until the end of the test.
func Open(t testing.TB, open Opener, url string, options store.Options) *store.Store {
	t.Helper()
	s, err := open(t.Context(), url, options)
	if err != nil {
		t.Fatalf("Open(%s) = %v, want a store", url, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

var whole = harvest.Shard{Index: 0, Of: 1}

func (f *fixture) totals(t *testing.T) harvest.Counts {
	t.Helper()
	counts, err := f.store.Totals(t.Context(), Name)
	if err != nil {
		t.Fatalf("Totals(%s) = %v, want nil", Name, err)
	}
	return counts
}

func (f *fixture) export(t *testing.T, q store.Query) []store.Row {
	t.Helper()
	q.Run = Name
	var rows []store.Row
	if err := f.store.Export(t.Context(), q, func(r store.Row) error { rows = append(rows, r); return nil }); err != nil {
		t.Fatalf("Export(%v) = %v, want nil", q, err)
	}
	return rows
}

func (f *fixture) pages(t *testing.T) map[harvest.Key]harvest.Page {
	t.Helper()
	pages := make(map[harvest.Key]harvest.Page)
	for _, row := range f.export(t, store.Query{What: store.PageRows}) {
		pages[row.Page.Key] = row.Page
	}
	return pages
}

// records lists the records as "URL ordinal kind data".
func (f *fixture) records(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, row := range f.export(t, store.Query{What: store.RecordRows}) {
		list = append(list, fmt.Sprintf("%s %d %s %s", row.Page.URL, row.Record.Ordinal, row.Record.Kind, row.Record.Data))
	}
	slices.Sort(list)
	return list
}

// Page returns the n-th page, landed, with a body and as many records as given.
func Page(n int, records ...string) harvest.Page {
	url := fmt.Sprintf("https://api.example/%d", n)
	p := harvest.Page{
		Key: harvest.KeyOf(url), URL: url, ID: fmt.Sprint(n), Outcome: harvest.Landed, Status: 200, Attempts: 1,
		FetchedAt: time.Date(2026, 10, 1, 12, 0, 0, 123456000, time.UTC), Body: fmt.Appendf(nil, `{"n": %d}`, n),
	}
	for i, data := range records {
		p.Records = append(p.Records, harvest.Record{Ordinal: i, Kind: "item", Data: []byte(data)})
	}
	return p
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported()); diff != "" {
		t.Errorf("%s: got other than want (-want +got):\n%s", what, diff)
	}
}

func wantError(t *testing.T, call string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want an error that is %q", call, err, want)
	}
}
