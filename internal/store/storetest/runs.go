package storetest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testRuns(t *testing.T, e *env) {
	e.run(t, "resume", resume)
	e.run(t, "judgement", judgement)
	e.run(t, "contradictions", contradictions)
	e.run(t, "a run that nothing landed in is opened anew", openedAnew)
	e.run(t, "what landed", landedItems)
	e.run(t, "begun again", begunAgain)
	e.run(t, "corpus", corpusInputs)
	e.run(t, "eight open at once", openTogether)
	e.run(t, "list", listRuns)
	e.run(t, "runs never see each other", runsApart)
	e.run(t, "digest", recordDigest)
	e.run(t, "growth", growth)
	e.run(t, "fingerprint", fingerprint)
	e.run(t, "names", runNames)
}

func resume(t *testing.T, f *fixture) {
	first, err := f.store.FindRun(t.Context(), Name)
	if err != nil {
		t.Fatalf("FindRun(%s) = %v, want nil", Name, err)
	}
	equal(t, "inputs", first.Inputs, Inputs())
	if first.OpenedAt.IsZero() || !first.FinishedAt.IsZero() || first.Generation == "" || first.BucketBits != 17 || first.Rate != "50/s" || first.Titles != harvest.TitlesWritten || first.Version != "v1" {
		t.Errorf("FindRun(%s) = %+v, want an instant of opening, none of finishing, a generation, 17 bits, 50/s, titles as written", Name, first)
	}
	again, opened, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name})
	if err != nil || opened {
		t.Fatalf("OpenRun(%s) again = opened %t, %v, want false, nil", Name, opened, err)
	}
	equal(t, "the run when resumed without inputs", again, first)

	faster, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name, Inputs: Inputs(), Rate: "80/s"})
	if err != nil || faster.Rate != "80/s" {
		t.Errorf("OpenRun(rate 80/s) = rate %s, %v, want 80/s, nil", faster.Rate, err)
	}
	if kept, err := f.store.FindRun(t.Context(), Name); err != nil || kept.Rate != "80/s" {
		t.Errorf("FindRun(%s) = rate %s, %v, want 80/s, nil", Name, kept.Rate, err)
	}
	_, err = f.store.FindRun(t.Context(), "nope")
	wantError(t, "FindRun(nope)", err, store.ErrNoRun)
}

// judgement: the newest of the settings that are not inputs counts.
func judgement(t *testing.T, f *fixture) {
	judged, opened, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name, Check: ".ok", Wait: ".wait", Pack: 20})
	if err != nil || opened || judged.Check != ".ok" || judged.Wait != ".wait" || judged.Pack != 20 {
		t.Errorf("OpenRun(other check, wait and pack) = %+v, opened %t, %v, want the run with them, nil", judged, opened, err)
	}
	kept, err := f.store.FindRun(t.Context(), Name)
	must(t, "FindRun()", err)
	equal(t, "the run that was kept", kept, judged)
	equal(t, "its inputs", kept.Inputs, Inputs())
	equal(t, "how its titles are keyed", kept.Titles, harvest.TitlesWritten)
}

func contradictions(t *testing.T, f *fixture) {
	for field, change := range map[string]func(*harvest.Inputs){
		"--upstream":     func(i *harvest.Inputs) { i.Upstream = "other" },
		"--api or --url": func(i *harvest.Inputs) { i.API = "other" },
		"host":           func(i *harvest.Inputs) { i.Host = "other" },
		"--extract":      func(i *harvest.Inputs) { i.Extract = "other" },
		"--body":         func(i *harvest.Inputs) { i.Body = "other" },
		"--corpus":       func(i *harvest.Inputs) { i.Corpus = "other" },
		"--next":         func(i *harvest.Inputs) { i.Next = "other" },
		"--items":        func(i *harvest.Inputs) { i.Items = "other" },
		"--split":        func(i *harvest.Inputs) { i.Split = "other" },
		"--id":           func(i *harvest.Inputs) { i.ID = "other" },
		"--absent":       func(i *harvest.Inputs) { i.Absent = "other" },
	} {
		given := harvest.Run{Name: Name, Inputs: Inputs(), Rate: "1/s"}
		change(&given.Inputs)
		_, _, err := f.store.OpenRun(t.Context(), given)
		var c *harvest.Contradiction
		if !errors.As(err, &c) || c.Field != field || c.Given != "other" || c.Stored == "" {
			t.Errorf("OpenRun(another %s) = %v, want a Contradiction of it", field, err)
			continue
		}
		for _, part := range []string{Name, field, c.Stored, "other", "--run"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("OpenRun(another %s) = %q, want it to name %q", field, err, part)
			}
		}
	}
	if run, err := f.store.FindRun(t.Context(), Name); err != nil || run.Rate != "50/s" {
		t.Errorf("FindRun() after contradictions = rate %s, %v, want 50/s as before, nil", run.Rate, err)
	}
}

// begunAgain: until a run has a page, it may get other inputs, but not under the feet of a worker.
func begunAgain(t *testing.T, f *fixture) {
	corrected := harvest.Run{Name: Name, Inputs: Inputs()}
	corrected.API = "https://api.test/right/{id}"
	refused := func(when string) {
		t.Helper()
		var c *harvest.Contradiction
		if _, _, err := f.store.OpenRun(t.Context(), corrected); !errors.As(err, &c) {
			t.Errorf("OpenRun(another --url) %s = %v, want a Contradiction", when, err)
		}
	}
	refused("before a worker began the run")
	list := func(n int) {
		t.Helper()
		must(t, "CommitStep()", f.store.CommitStep(t.Context(), Name, harvest.Chain{Seed: "s", Step: 1, Done: true}, listed(1, 1)))
		if size, err := f.store.CorpusSize(t.Context(), Name); err != nil || size != int64(n) {
			t.Errorf("CorpusSize() = %d, %v, want %d", size, err, n)
		}
	}
	list(1)
	f.claim(t, Name, whole)
	refused("while a worker is at it")
	f.release(t)
	lead, err := f.store.Lead(t.Context(), Name, "lab-1:7", nil)
	must(t, "Lead()", err)
	refused("while a process leads it")
	lead.Close()
	run, opened, err := f.store.OpenRun(t.Context(), corrected)
	if err != nil || !opened || run.API != corrected.API || run.Corpus != Inputs().Corpus {
		t.Errorf("OpenRun(another --url) of a run without pages = %+v, opened %t, %v, want the new --url", run, opened, err)
	}
	if run.Next != Inputs().Next {
		t.Errorf("OpenRun(another --url) = --next %q, want %q as before", run.Next, Inputs().Next)
	}
	list(1) // what was listed for the other one is gone
	f.land(t, Page(1))
	f.release(t)
	corrected.API = "https://api.test/other/{id}"
	refused("once a page has landed")
}

// openedAnew: items that did not land do not prevent this; their outcomes are forgotten with the
// old inputs.
func openedAnew(t *testing.T, f *fixture) {
	f.land(t, lost(1, harvest.Missing, 404, "http_404"), lost(2, harvest.Dead, 500, "http_500"))
	f.Lapse(t) // its worker was silent
	old := f.claim(t, Name, whole)
	before, err := f.store.Fingerprint(t.Context(), Name)
	must(t, "Fingerprint()", err)
	corrected := harvest.Run{Name: Name, Inputs: Inputs()}
	corrected.API = "https://api.test/right/{id}"
	run, opened, err := f.store.OpenRun(t.Context(), corrected)
	if err != nil || !opened || run.API != corrected.API {
		t.Fatalf("OpenRun(another --url) of a run that nothing landed in = %+v, opened %t, %v, want the new --url", run, opened, err)
	}
	equal(t, "pages", len(f.pages(t)), 0)
	equal(t, "Totals()", f.totals(t), harvest.Counts{})
	after, err := f.store.Fingerprint(t.Context(), Name)
	if must(t, "Fingerprint()", err); after == before {
		t.Error("Fingerprint() is the same: mirrors still know the keys of the rows that are gone")
	}
	_, err = old.Land(t.Context(), []harvest.Page{Page(1)})
	wantError(t, "land() by the worker that was only silent", err, store.ErrFenced)
}

func landedItems(t *testing.T, f *fixture) {
	look := func(limit int) []harvest.Item {
		t.Helper()
		items, err := f.store.Landed(t.Context(), Name, limit)
		must(t, "Landed()", err)
		return items
	}
	equal(t, "Landed() of a new run", len(look(9)), 0)
	f.land(t, lost(1, harvest.Missing, 404, "http_404"), Page(2), Page(3))
	equal(t, "Landed(9)", len(look(9)), 2)
	one := look(1)
	if len(one) != 1 || one[0].Key != Page(2).Key && one[0].Key != Page(3).Key || harvest.KeyOf(one[0].URL) != one[0].Key || one[0].ID == "" {
		t.Errorf("Landed(1) = %+v, want one of the two that landed, with URL and id", one)
	}
}

func corpusInputs(t *testing.T, f *fixture) {
	for _, corpus := range []string{"", "store:", "urls.txt"} {
		given := harvest.Run{Name: Name, Inputs: Inputs()}
		given.Corpus = corpus
		run, _, err := f.store.OpenRun(t.Context(), given)
		if err != nil || run.Corpus != "urls.txt" {
			t.Errorf("OpenRun(corpus %q) = corpus %q, %v, want urls.txt, nil", corpus, run.Corpus, err)
		}
	}
	none := harvest.Run{Name: "later", Inputs: Inputs()}
	none.Corpus = ""
	for _, corpus := range []string{"", "first.txt", "first.txt"} {
		none.Corpus = corpus
		if run, _, err := f.store.OpenRun(t.Context(), none); err != nil || run.Corpus != corpus {
			t.Errorf("OpenRun(corpus %q where none was known) = corpus %q, %v", corpus, run.Corpus, err)
		}
	}
}

func openTogether(t *testing.T, f *fixture) {
	var opened atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		s := open(t, f.Twin, store.Options{Version: "v1", Application: fmt.Sprint("worker ", i)})
		all.Go(func() {
			run, made, err := s.OpenRun(t.Context(), harvest.Run{Name: "new", Inputs: Inputs()})
			if err != nil || run.Name != "new" || run.Generation == "" {
				t.Errorf("OpenRun(new) = %+v, %v, want the run, nil", run, err)
			}
			if made {
				opened.Add(1)
			}
		})
	}
	all.Wait()
	equal(t, "how many of eight opened the run", opened.Load(), int32(1))
	f.landIn(t, "new", whole, Page(1, `1`))
}

func listRuns(t *testing.T, f *fixture) {
	for _, name := range []string{"b", "a"} {
		if _, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: name, Inputs: Inputs()}); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := f.store.ListRuns(t.Context())
	if err != nil {
		t.Fatalf("ListRuns() = %v, want nil", err)
	}
	var names []string
	for _, run := range runs {
		names = append(names, run.Name)
	}
	equal(t, "ListRuns()", names, []string{"a", "b", Name})
}

func runsApart(t *testing.T, f *fixture) {
	if _, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: "2027q1", Inputs: Inputs()}); err != nil {
		t.Fatal(err)
	}
	f.land(t, Page(1, `1`))
	known, err := f.store.Known(t.Context(), "2027q1", []harvest.Key{Page(1).Key})
	if err != nil || known[0] {
		t.Errorf("Known(in the other run) = %v, %v, want false, nil", known, err)
	}
	if got := f.landIn(t, "2027q1", whole, Page(1, `2`)); got.Landed != 1 {
		t.Errorf("Land(the same key in the other run) = %+v, want 1 landed", got)
	}
	equal(t, "records of the first run", f.records(t), []string{`https://api.example/1 0 item 1`})
	equal(t, "Totals() of the first run", f.totals(t).Landed, int64(1))
}

func recordDigest(t *testing.T, f *fixture) {
	for _, step := range []struct {
		known    string
		items    int64
		sum      string
		recorded bool
		want     harvest.Run
		why      string
	}{
		{"", 100, "aa", true, harvest.Run{CorpusItems: 100, CorpusSum: "aa"}, "the first pass"},
		{"", 100, "bb", false, harvest.Run{CorpusItems: 100, CorpusSum: "aa"}, "another first pass came too late"},
		{"bb", 120, "cc", false, harvest.Run{CorpusItems: 100, CorpusSum: "aa"}, "what it grew from is not what is stored"},
		{"aa", 120, "dd", true, harvest.Run{CorpusItems: 120, CorpusSum: "dd"}, "a corpus that grew"},
	} {
		recorded, err := f.store.RecordDigest(t.Context(), Name, step.known, step.items, step.sum)
		if err != nil || recorded != step.recorded {
			t.Errorf("RecordDigest(%q, %d, %s) = %t, %v, want %t (%s)", step.known, step.items, step.sum, recorded, err, step.recorded, step.why)
		}
		run, err := f.store.FindRun(t.Context(), Name)
		if err != nil || run.CorpusItems != step.want.CorpusItems || run.CorpusSum != step.want.CorpusSum {
			t.Errorf("RecordDigest(%q, %d, %s) leaves %d, %s, %v, want %d, %s (%s)", step.known, step.items, step.sum,
				run.CorpusItems, run.CorpusSum, err, step.want.CorpusItems, step.want.CorpusSum, step.why)
		}
	}
	_, err := f.store.RecordDigest(t.Context(), "nope", "", 1, "aa")
	wantError(t, "RecordDigest(unknown run)", err, store.ErrNoRun)
}

// growth: a corpus that grew has more to do for every shard.
func growth(t *testing.T, f *fixture) {
	if _, err := f.store.RecordDigest(t.Context(), Name, "", 100, "aa"); err != nil {
		t.Fatal(err)
	}
	f.complete(t, whole, 0)
	if _, err := f.store.RecordDigest(t.Context(), Name, "aa", 150, "bb"); err != nil {
		t.Fatal(err)
	}
	run, err := f.store.FindRun(t.Context(), Name)
	if err != nil || !run.FinishedAt.IsZero() {
		t.Errorf("FindRun() of a run whose corpus grew = finished %s, %v, want unfinished", run.FinishedAt, err)
	}
}

func fingerprint(t *testing.T, f *fixture) {
	read := func() string {
		t.Helper()
		gen, err := f.store.Fingerprint(t.Context(), Name)
		if err != nil || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(gen) {
			t.Fatalf("Fingerprint(%s) = %q, %v, want 8 hex digits, nil", Name, gen, err)
		}
		return gen
	}
	first := read()
	f.land(t, Page(1))
	equal(t, "Fingerprint() after a landing", read(), first)
	if err := f.store.NewGeneration(t.Context(), Name); err != nil {
		t.Fatalf("NewGeneration(%s) = %v, want nil", Name, err)
	}
	if read() == first {
		t.Errorf("Fingerprint() after NewGeneration() = %s as before, want another", first)
	}
	_, err := f.store.Fingerprint(t.Context(), "nope")
	wantError(t, "Fingerprint(unknown run)", err, store.ErrNoRun)
	wantError(t, "NewGeneration(unknown run)", f.store.NewGeneration(t.Context(), "nope"), store.ErrNoRun)
}

func runNames(t *testing.T, f *fixture) {
	// The longest name and every character that is allowed in one: names become parts of table
	// names.
	name := "0a._-" + strings.Repeat("x", 35)
	if _, opened, err := f.store.OpenRun(t.Context(), harvest.Run{Name: name, Inputs: Inputs()}); err != nil || !opened {
		t.Errorf("OpenRun(%s) = %t, %v, want true, nil", name, opened, err)
	}
	if _, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: "No'; DROP TABLE pages", Inputs: Inputs()}); err == nil {
		t.Error("OpenRun(No'; DROP TABLE pages) = nil, want an error")
	}
}
