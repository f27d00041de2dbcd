package runs

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// aRun is a run of a file, opened some days ago.
func aRun(name string, daysAgo int, finished bool) harvest.Run {
	r := harvest.Run{Name: name, Rate: "20/s", OpenedAt: now.AddDate(0, 0, -daysAgo), Inputs: harvest.Inputs{Upstream: "plain", API: "https://h/{id}", Host: "h", Corpus: "ids.txt", Body: "json"}}
	if finished {
		r.FinishedAt = now
	}
	return r
}

// kinds know listings by how they begin: pages are the answers of those without an expression for
// items. Only a listing has a Next that means something.
type kinds struct{}

func (kinds) IsListing(corpus string) bool { return strings.HasPrefix(corpus, "list:") }

func (k kinds) ListsPages(corpus, items string) bool { return k.IsListing(corpus) && items == "" }

func (k kinds) SameListing(a, b string) bool { return k.IsListing(a) && k.IsListing(b) }

func (k kinds) Filters(corpus string) bool { return k.IsListing(corpus) }

func (k kinds) Relevant(run harvest.Run) harvest.Run {
	if !k.IsListing(run.Corpus) {
		run.Next = ""
	}
	return run
}

// TestFind states which run each start means.
func TestFind(t *testing.T) {
	t.Parallel()
	one := []harvest.Run{aRun("try", 3, false)}
	ended := []harvest.Run{aRun("b", 3, true), aRun("a", 5, true)}
	ids, other := harvest.Inputs{Corpus: "ids.txt"}, harvest.Inputs{Corpus: "other.txt"}
	for _, test := range []struct {
		name   string
		start  Start
		runs   []harvest.Run
		inputs harvest.Inputs
		want   string // empty: ErrNone
		usage  string // a part of the operator's error
	}{
		{name: "a worker without a run", runs: nil},
		{name: "the run that is named", start: Start{Merged: harvest.Run{Name: "a"}}, runs: ended, want: "a"},
		{name: "a name that is not there", start: Start{Merged: harvest.Run{Name: "c"}}, runs: ended},
		{name: "the unfinished run of these inputs", runs: one, inputs: ids, want: "try"},
		{name: "other inputs are another run", runs: one, inputs: other},
		{name: "a worker does not take a finished run", runs: ended},
		{name: "a worker of any shard comes too late", start: Start{AutoShard: true}, runs: ended, want: "b"},
		{name: "with inputs it does not", start: Start{AutoShard: true}, runs: ended, inputs: ids},
		{name: "a tool for runs takes the only one", start: Start{Leads: true}, runs: ended[:1], want: "b"},
		{name: "a tool for runs asks where several may be meant", start: Start{Leads: true}, runs: ended, usage: "which run?"},
		{name: "a tool for runs without a run", start: Start{Leads: true}, usage: "holds no run yet"},
		{name: "a scheduled leader opens its quarter", start: Start{Leads: true, Scheduled: now}, runs: one},
		{name: "a scheduled worker takes the run of its inputs", start: Start{Scheduled: now}, runs: one, inputs: ids, want: "try"},
		{name: "a scheduled worker leaves an earlier quarter", start: Start{Scheduled: now}, runs: []harvest.Run{aRun("2026q3", 80, false)}, inputs: ids},
		{name: "two unfinished runs of these inputs", runs: append(one, aRun("again", 1, false)), inputs: ids, usage: "say which with --run: try, again"},
	} {
		test.start.Now = now
		run, err := test.start.Find(test.runs, test.inputs)
		switch {
		case test.usage != "":
			if !errors.Is(err, harvest.ErrUsage) || !strings.Contains(harvest.ErrorText(err), test.usage) {
				t.Errorf("%s: Find() = %q, %v, want the operator's error %q", test.name, run.Name, err, test.usage)
			}
		case test.want == "":
			if !errors.Is(err, ErrNone) {
				t.Errorf("%s: Find() = %q, %v, want ErrNone", test.name, run.Name, err)
			}
		case err != nil || run.Name != test.want:
			t.Errorf("%s: Find() = %q, %v, want %q", test.name, run.Name, err, test.want)
		}
	}
}

// TestOpen checks what a start sets about the run that it opens or resumes.
func TestOpen(t *testing.T) {
	t.Parallel()
	merged := harvest.Run{Rate: "50/s", Pack: 100, Inputs: harvest.Inputs{Upstream: "plain", API: "https://h/{id}", Host: "h", Corpus: "ids.txt", Body: "json", Absent: "again"}}
	defaults := Defaults{Upstream: true, Body: true, Rate: true, Absent: true, Pack: true}
	listing := merged
	listing.Corpus = "list:https://h/all?since={since}"
	for _, test := range []struct {
		name   string
		start  Start
		runs   []harvest.Run
		change func(want *harvest.Run)
		usage  string
	}{
		{name: "a new run has all settings", start: Start{Merged: merged, Defaults: defaults}, change: func(w *harvest.Run) { *w = merged; w.Name = "2026q4" }},
		{name: "a default contradicts nothing, and the rate is kept", start: Start{Merged: merged, Defaults: defaults}, runs: []harvest.Run{aRun("try", 1, false)},
			change: func(w *harvest.Run) { w.Name, w.Rate = "try", "20/s" }},
		{name: "what an operator gave counts", start: Start{Merged: named(merged, "try")}, runs: []harvest.Run{aRun("try", 1, false)}, change: func(w *harvest.Run) { *w = named(merged, "try") }},
		{name: "a leader cuts a new run", start: Start{Merged: merged, Defaults: defaults, Leads: true}, change: func(w *harvest.Run) { *w = merged; w.Name, w.Shards = "2026q4", 64 }},
		{name: "a leader cuts a run of packs into few shards", start: Start{Merged: merged, Defaults: defaults, Leads: true, ShardsOfKind: 8},
			change: func(w *harvest.Run) { *w = merged; w.Name, w.Shards = "2026q4", 8 }},
		{name: "a leader leaves the shards of a run", start: Start{Merged: merged, Defaults: defaults, Leads: true}, runs: []harvest.Run{cut(aRun("try", 1, false), 16)},
			change: func(w *harvest.Run) { w.Name, w.Rate = "try", "20/s" }},
		{name: "a leader leads what a worker opened", start: Start{Merged: merged, Defaults: defaults, Leads: true}, runs: []harvest.Run{aRun("try", 1, false)},
			change: func(w *harvest.Run) { w.Name, w.Rate, w.Shards = "try", "20/s", 64 }},
		{name: "--shards is said of a run that is there", start: Start{Merged: merged, Defaults: defaults, Leads: true, Shards: 4}, runs: []harvest.Run{cut(aRun("try", 1, false), 16)},
			change: func(w *harvest.Run) { w.Name, w.Rate, w.Shards = "try", "20/s", 4 }},
		{name: "a listing since the run before", start: Start{Merged: listing, Defaults: defaults}, runs: []harvest.Run{listed("2026q3", "list:https://h/all?since=1")},
			change: func(w *harvest.Run) { *w = listing; w.Name, w.Base = "2026q4", "2026q3" }},
		{name: "a listing without a run before", start: Start{Merged: listing, Defaults: defaults}, usage: "the store has no finished run of this listing"},
	} {
		test.start.Now, test.start.ShardsOfKind = now, cmp.Or(test.start.ShardsOfKind, 64)
		test.start.Kinds = kinds{}
		want := test.start.Explicit()
		got, err := test.start.Open(test.runs)
		if test.usage != "" {
			if !errors.Is(err, harvest.ErrUsage) || !strings.Contains(err.Error(), test.usage) {
				t.Errorf("%s: Open() = %v, want the operator's error %q", test.name, err, test.usage)
			}
			continue
		}
		if test.change(&want); err != nil || got != want {
			t.Errorf("%s: Open() = %+v, %v, want %+v", test.name, got, err, want)
		}
	}
}

func named(run harvest.Run, name string) harvest.Run {
	run.Name = name
	return run
}

func cut(run harvest.Run, shards int) harvest.Run {
	run.Shards = shards
	return run
}

func listed(name, corpus string) harvest.Run {
	run := aRun(name, 100, true)
	run.Corpus = corpus
	return run
}

// TestChoose states which run a person means who names none.
func TestChoose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		runs []harvest.Run
		want string // empty: an error
	}{
		{"none", nil, ""},
		{"the only run, though it is finished", []harvest.Run{aRun("a", 9, true)}, "a"},
		{"the only unfinished one", []harvest.Run{aRun("a", 9, true), aRun("b", 1, false)}, "b"},
		{"that of this quarter", []harvest.Run{aRun("2026q3", 99, true), aRun("2026q4", 9, true)}, "2026q4"},
		{"two unfinished ones", []harvest.Run{aRun("a", 9, false), aRun("2026q4", 1, false)}, ""},
		{"two finished ones of no quarter", []harvest.Run{aRun("a", 9, true), aRun("b", 1, true)}, ""},
	} {
		run, err := Choose(test.runs, now)
		if run.Name != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: Choose() = %q, %v, want %q", test.name, run.Name, err, test.want)
		}
		if err != nil && !errors.Is(err, harvest.ErrUsage) {
			t.Errorf("%s: Choose() = %v, want an error for the operator", test.name, err)
		}
	}
}

// TestAdopt states what a start that resumes a run takes from it.
func TestAdopt(t *testing.T) {
	t.Parallel()
	run := harvest.Run{Pack: 20, Check: ".ok", Inputs: harvest.Inputs{Upstream: "mediawiki", API: "https://w/api.php", Next: "link", Items: ".[]", Split: ".x", ID: ".id", Absent: "missing"}}
	all := Defaults{Upstream: true, Absent: true, Pack: true}
	given := harvest.Run{Check: ".c", Wait: ".w", Pack: 5, Inputs: harvest.Inputs{Upstream: "plain", API: "https://h/{id}", Next: ".n", Items: ".i", Split: ".s", ID: ".d", Absent: "again"}}
	bare := harvest.Run{Name: "r", Rate: "5/s", Pack: 100, Inputs: harvest.Inputs{Upstream: "plain", Absent: "again", Corpus: "ids.txt", Body: "json", Extract: "."}}
	of := func(run harvest.Run, change func(*harvest.Run)) harvest.Run {
		change(&run)
		return run
	}
	whole := of(bare, func(r *harvest.Run) { r.Upstream, r.API = run.Upstream, run.API; takeReading(r, run) })
	for _, test := range []struct {
		name     string
		merged   harvest.Run
		defaults Defaults
		want     harvest.Run
	}{
		{"a start that was told nothing takes all", bare, all, whole},
		{"what an operator gave stays", given, Defaults{}, given},
		{"an upstream that was given stays, and contradicts", bare, Defaults{Absent: true, Pack: true}, of(whole, func(r *harvest.Run) { r.Upstream = "plain" })},
		{"a default is replaced", of(bare, func(r *harvest.Run) { r.API = "https://h/{ids}" }), all, of(whole, func(r *harvest.Run) { r.Upstream, r.API = "plain", "https://h/{ids}" })},
	} {
		if got := (Start{Merged: test.merged, Defaults: test.defaults}).Adopt(run); got != test.want {
			t.Errorf("%s: Adopt() = %+v, want %+v", test.name, got, test.want)
		}
	}
	if got := (Start{Merged: bare, Defaults: all}).Adopt(harvest.Run{}); got != bare {
		t.Errorf("Adopt(a run without inputs) = %+v, want %+v", got, bare)
	}
	want := of(given, func(r *harvest.Run) { takeReading(r, run); r.Wait = "" })
	if got := (Start{Merged: given}).As(run); got != want {
		t.Errorf("As() = %+v, want %+v", got, want)
	}
}

// takeReading makes a run read its answers as another one does.
func takeReading(r *harvest.Run, of harvest.Run) {
	r.Next, r.Items, r.Split, r.ID, r.Absent, r.Check, r.Pack = of.Next, of.Items, of.Split, of.ID, of.Absent, of.Check, of.Pack
}

// TestCorpus states what a start reads that was given no corpus.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		start      Start
		corpus     string // of the run
		shards     int
		given      string
		enumerated bool
		want       string
		usage      string
	}{
		{name: "the run's", corpus: "ids.txt", want: "ids.txt"},
		{name: "its table, where it is enumerated", corpus: "ids.txt", enumerated: true, want: harvest.StoreCorpus},
		{name: "its table, where that is given", corpus: "ids.txt", given: harvest.StoreCorpus, want: harvest.StoreCorpus},
		{name: "standard input cannot be read again", corpus: "-", usage: "give it again with --corpus -"},
		{name: "an address without its query cannot be read", corpus: "https://h/x.txt?…", usage: "give the whole address again"},
		{name: "any shard of a run without shards", start: Start{AutoShard: true}, corpus: "ids.txt", usage: "run r was not"},
		{name: "any shard of a run with shards", start: Start{AutoShard: true}, corpus: "ids.txt", shards: 4, want: "ids.txt"},
	} {
		got, err := test.start.Corpus(harvest.Run{Name: "r", Shards: test.shards, Inputs: harvest.Inputs{Corpus: test.corpus}}, test.given, test.enumerated)
		if got != test.want || (err != nil) != (test.usage != "") || err != nil && (!errors.Is(err, harvest.ErrUsage) || !strings.Contains(err.Error(), test.usage)) {
			t.Errorf("%s: Corpus() = %q, %v, want %q, %q", test.name, got, err, test.want, test.usage)
		}
	}
	for uri, want := range map[string]string{"ids.txt": "ids.txt", "https://h/x?sig=1": "https://h/x?…", "mediawiki:?prefix=A": "mediawiki:?prefix=A"} {
		if got := Shown(uri, false); got != want {
			t.Errorf("Shown(%q) = %q, want %q", uri, got, want)
		}
	}
	if got := Shown("list:https://h/x?page=1", true); got != "list:https://h/x?page=1" {
		t.Errorf("Shown() of a public query = %q", got)
	}
}

// TestSentences states how a run is introduced.
func TestSentences(t *testing.T) {
	t.Parallel()
	run := aRun("r", 3, false)
	counted := run
	counted.CorpusItems = 200
	for want, got := range map[string]string{
		"opened run r: h at 5/s":                                  Introduce(run, true, "5/s", harvest.Counts{}, now),
		"opened run r: h at 5/s, in 8 shards":                     Introduce(cut(run, 8), true, "5/s", harvest.Counts{}, now),
		"resuming r, opened 3 days ago, 50 items done":            Introduce(run, false, "", harvest.Counts{Landed: 50}, now),
		"resuming r, opened 3 days ago, 25 % done":                Introduce(counted, false, "", harvest.Counts{Landed: 50}, now),
		"resuming r, opened 3 days ago, 99 % done":                Introduce(counted, false, "", harvest.Counts{Landed: 200}, now),
		"resuming r, opened 3 days ago, 100 % done":               Introduce(aRun("r", 3, true), false, "", harvest.Counts{}, now),
		"run r has no shard left":                                 NoShardLeft(run, now),
		"the corpus grew from 200 to 300 items: recorded":         Grown(counted, 300, true),
		"coordinator enumerate --run r":                           FilledBy(run),
		"coordinator run --run r":                                 FilledBy(cut(run, 4)),
		"coordinator enumerate --run - --corpus -, with the same": FilledBy(harvest.Run{Name: "-", Inputs: harvest.Inputs{Corpus: "-"}}),
	} {
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// digests is a store whose run another shard may change meanwhile.
type digests struct {
	run  harvest.Run
	race func(run *harvest.Run)
}

func (d *digests) FindRun(context.Context, string) (harvest.Run, error) { return d.run, nil }

func (d *digests) RecordDigest(_ context.Context, _, known string, items int64, sum string) (bool, error) {
	if d.race != nil {
		d.race(&d.run)
		d.race = nil
	}
	if d.run.CorpusSum != known {
		return false, nil
	}
	d.run.CorpusItems, d.run.CorpusSum = items, sum
	return true, nil
}

// TestPassOf checks that a pass has the digest of its corpus.
func TestPassOf(t *testing.T) {
	t.Parallel()
	var digest harvest.Digest
	digest.Add(harvest.KeyOf("https://h/1"))
	if got, want := PassOf(digest, "a", 7), (Pass{Count: 1, Sum: digest.Sum(), Prefix: "a", Before: 7}); got != want || got.Sum == "" {
		t.Errorf("PassOf() = %+v, want %+v", got, want)
	}
}

// TestRecordCorpus states which corpora a run accepts.
func TestRecordCorpus(t *testing.T) {
	t.Parallel()
	two := harvest.Run{CorpusItems: 2, CorpusSum: "ab"}
	for _, test := range []struct {
		name string
		run  harvest.Run
		pass Pass
		race func(run *harvest.Run)
		want string // recorded in the end
		grew bool
		err  error
	}{
		{name: "the first pass", pass: Pass{Count: 2, Sum: "ab"}, want: "ab"},
		{name: "the same corpus again", run: two, pass: Pass{Count: 2, Sum: "ab", Prefix: "ab", Before: 2}, want: "ab"},
		{name: "more at its end", run: two, pass: Pass{Count: 3, Sum: "abc", Prefix: "ab", Before: 2}, want: "abc", grew: true},
		{name: "another one", run: two, pass: Pass{Count: 2, Sum: "xy", Prefix: "xy", Before: 2}, want: "ab", err: harvest.ErrIncomplete},
		{name: "more, and another beginning", run: two, pass: Pass{Count: 3, Sum: "xyz", Prefix: "xy", Before: 2}, want: "ab", err: harvest.ErrIncomplete},
		{name: "fewer items", run: two, pass: Pass{Count: 1, Sum: "a", Prefix: "", Before: 2}, want: "ab", err: harvest.ErrIncomplete},
		{name: "another shard recorded the same", pass: Pass{Count: 2, Sum: "ab"}, race: func(r *harvest.Run) { *r = two }, want: "ab"},
		{name: "another shard recorded another one", pass: Pass{Count: 2, Sum: "xy"}, race: func(r *harvest.Run) { *r = two }, want: "ab", err: harvest.ErrIncomplete},
	} {
		store := &digests{run: test.run, race: test.race}
		_, grew, err := RecordCorpus(t.Context(), store, "r", test.pass)
		if !errors.Is(err, test.err) || grew != test.grew || store.run.CorpusSum != test.want {
			t.Errorf("%s: RecordCorpus() = %v, %v with %q recorded, want %v, %v, %q", test.name, grew, err, store.run.CorpusSum, test.grew, test.err, test.want)
		}
		shown := 0
		store = &digests{run: test.run, race: test.race}
		if err := test.pass.Accept(t.Context(), store, "r", true, func(string) { shown++ }); !errors.Is(err, test.err) || (shown == 1) != test.grew || store.run.CorpusSum != test.want {
			t.Errorf("%s: Accept() = %v, shows %d sentences, and has recorded %q", test.name, err, shown, store.run.CorpusSum)
		}
	}
}

// most allows so many items.
type most int64

func (m most) Exceeded(n, _ int64) bool { return n > int64(m) }
func (m most) String() string           { return "most" }

func TestAllowed(t *testing.T) {
	t.Parallel()
	allowed := Allowed{Dead: most(1), Skipped: most(2), Rejected: most(3), Missing: most(4)}
	for _, test := range []struct {
		totals harvest.Counts
		want   string
	}{
		{harvest.Counts{Dead: 1, Skipped: 2, Rejected: 3, Missing: 4}, ""},
		{harvest.Counts{Dead: 2}, "drained, with more losses than allowed: 2 dead (--max-dead most)"},
		{harvest.Counts{Dead: 2, Missing: 9}, "drained, with more losses than allowed: 2 dead (--max-dead most), 9 missing (--max-missing most)"},
	} {
		err, text := allowed.Check(test.totals, 0), ""
		if err != nil {
			text = err.Error()
		}
		if text != test.want || err != nil && !errors.Is(err, ErrOverLimit) {
			t.Errorf("Check(%+v) = %q, want %q", test.totals, text, test.want)
		}
	}
}

// TestAllRejected states whether a corpus without an item is a loss that is not allowed.
func TestAllRejected(t *testing.T) {
	t.Parallel()
	none := errors.New("no item")
	if err := (Allowed{Rejected: most(0)}).AllRejected(none); !errors.Is(err, ErrOverLimit) || !errors.Is(err, none) {
		t.Errorf("AllRejected() = %v, want %v", err, ErrOverLimit)
	}
	if err := (Allowed{Rejected: most(1)}).AllRejected(none); err != nil {
		t.Errorf("AllRejected() where that is allowed = %v", err)
	}
}
