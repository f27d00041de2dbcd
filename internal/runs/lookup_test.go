package runs

import (
	"context"
	"errors"
	"testing"

	"shoal/internal/harvest"
)

// shelf is a store of runs, which may be away.
type shelf struct {
	runs []harvest.Run
	step int64
	done bool
	err  error

	totals error // that of Totals
}

func (s shelf) ListRuns(context.Context) ([]harvest.Run, error) { return s.runs, s.err }

func (s shelf) FindRun(_ context.Context, name string) (harvest.Run, error) {
	return harvest.Run{Name: name}, s.err
}

func (s shelf) OpenRun(_ context.Context, given harvest.Run) (run harvest.Run, opened bool, err error) {
	if at := indexOf(s.runs, given.Name); at >= 0 {
		run = s.runs[at]
		run.Rate = given.Rate
		return run, false, s.err
	}
	return given, true, s.err
}

func (s shelf) Totals(context.Context, string) (harvest.Counts, error) {
	return harvest.Counts{Landed: 7}, s.totals
}

func (s shelf) Chain(context.Context, string, string) (harvest.Chain, error) {
	return harvest.Chain{Step: s.step, Done: s.done}, s.err
}

// TestLookup states which run a store is asked for.
func TestLookup(t *testing.T) {
	t.Parallel()
	one := []harvest.Run{aRun("a", 1, false)}
	for _, test := range []struct {
		name  string
		store shelf
		want  string
		err   error
	}{
		{"a", shelf{runs: one}, "a", nil},
		{"", shelf{runs: one}, "a", nil},
		{"", shelf{}, "", harvest.ErrUsage},
		{"", shelf{err: errors.ErrUnsupported}, "", errors.ErrUnsupported},
		{"a", shelf{err: errors.ErrUnsupported}, "a", errors.ErrUnsupported},
	} {
		if run, err := Pick(t.Context(), test.store, test.name, now); run.Name != test.want || !errors.Is(err, test.err) {
			t.Errorf("Pick(%q) of %+v = %q, %v, want %q, %v", test.name, test.store, run.Name, err, test.want, test.err)
		}
	}
	start := Start{Merged: harvest.Run{Name: "a"}, Now: now}
	if run, err := start.Lookup(t.Context(), shelf{runs: one}, harvest.Inputs{}); run.Name != "a" || err != nil {
		t.Errorf("Lookup() = %q, %v, want a", run.Name, err)
	}
	if _, err := start.Lookup(t.Context(), shelf{}, harvest.Inputs{}); !errors.Is(err, ErrNone) {
		t.Errorf("Lookup() of an empty store = %v, want %v", err, ErrNone)
	}
	if _, err := start.Lookup(t.Context(), shelf{err: errors.ErrUnsupported}, harvest.Inputs{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Lookup() of a store that is away = %v", err)
	}
}

// TestInTable states whose corpus is read from the table.
func TestInTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		corpus string
		shards int
		step   int64
		lists  bool
		want   bool
	}{
		{name: "a file", corpus: "ids.txt"},
		{name: "a file that was enumerated", corpus: "ids.txt", step: 3, want: true},
		{name: "a listing", corpus: "list:x", step: 3, lists: true},
		{name: "standard input of one worker", corpus: Stdin},
		{name: "standard input of a leader", corpus: Stdin, shards: 4, want: true},
	} {
		run := harvest.Run{Name: "r", Shards: test.shards, Inputs: harvest.Inputs{Corpus: test.corpus}}
		if got, err := InTable(t.Context(), shelf{step: test.step}, run, test.lists); got != test.want || err != nil {
			t.Errorf("InTable(%s) = %v, %v, want %v", test.name, got, err, test.want)
		}
	}
	if _, err := InTable(t.Context(), shelf{err: errors.ErrUnsupported}, harvest.Run{}, false); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("InTable() of a store that is away = %v", err)
	}
}

// TestResumes states which corpus is that of a run.
func TestResumes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]bool{"ids.txt": true, harvest.StoreCorpus: true, "other.txt": false} {
		if got := Resumes(aRun("a", 1, false), given, given); got != want {
			t.Errorf("Resumes(%q) = %v, want %v", given, got, want)
		}
	}
}

// TestPlanned states which run a plan is about.
func TestPlanned(t *testing.T) {
	t.Parallel()
	const listing = "list:https://h/?since={since}"
	before := aRun("q3", 90, true)
	before.Corpus = listing
	for _, test := range []struct {
		name         string
		run, corpus  string
		runs         []harvest.Run
		want, isBase string
	}{
		{name: "one of the store, by its name", run: "a", corpus: "ids.txt", runs: []harvest.Run{aRun("a", 1, false)}, want: "a"},
		{name: "one of the store, by its inputs", corpus: "ids.txt", runs: []harvest.Run{aRun("a", 1, false)}, want: "a"},
		{name: "the first of a store", corpus: "ids.txt"},
		{name: "a new one", run: "b", corpus: "ids.txt", runs: []harvest.Run{aRun("a", 1, false)}},
		{name: "a new one of a listing continues where the last one began", run: "b", corpus: listing, runs: []harvest.Run{before}, isBase: "q3"},
	} {
		start := Start{Merged: harvest.Run{Name: test.run, Inputs: harvest.Inputs{Corpus: test.corpus}}, Kinds: kinds{}, Now: now}
		run, err := start.Planned(t.Context(), shelf{runs: test.runs})
		if err != nil || run.Name != test.want || run.Base != test.isBase || run.Corpus != test.corpus {
			t.Errorf("%s: Planned() = %q of %s after %q, %v, want %q after %q", test.name, run.Name, run.Corpus, run.Base, err, test.want, test.isBase)
		}
	}
	if _, err := (Start{}).Planned(t.Context(), shelf{err: errors.ErrUnsupported}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Planned() of a store that is away = %v", err)
	}
}

// TestUnfilled states which corpus table no process would fill.
func TestUnfilled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		corpus string
		store  shelf
		err    error
	}{
		{"a file is read by each worker", "ids.txt", shelf{}, nil},
		{"standard input that was not read to its end", Stdin, shelf{}, harvest.ErrUsage},
		{"standard input that is in the table", Stdin, shelf{done: true}, nil},
		{"a store that is away", Stdin, shelf{err: errors.ErrUnsupported}, errors.ErrUnsupported},
	} {
		if err := Unfilled(t.Context(), test.store, harvest.Run{Inputs: harvest.Inputs{Corpus: test.corpus}}); !errors.Is(err, test.err) {
			t.Errorf("%s: Unfilled() = %v, want %v", test.name, err, test.err)
		}
	}
	for _, test := range []struct {
		given        string
		lists, pages bool
		want         bool
	}{
		{Stdin, false, false, true}, {"ids.txt", false, false, false}, {"mediawiki:", true, false, true}, {harvest.StoreCorpus, true, false, true}, {"list:", true, true, false},
	} {
		if got := FilledByLeader(test.given, test.lists, test.pages); got != test.want {
			t.Errorf("FilledByLeader(%q, %v, %v) = %v, want %v", test.given, test.lists, test.pages, got, test.want)
		}
	}
}

// TestFilledByWorker states which worker lists what it harvests.
func TestFilledByWorker(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		shards int
		of     int
		lists  bool
		want   bool
	}{
		{"the one worker of a listing", 0, 1, true, true},
		{"one of several", 0, 4, true, false},
		{"the one shard of a run that is led", 1, 1, true, false},
		{"a file that was enumerated", 0, 1, false, false},
	} {
		if got := FilledByWorker(harvest.Run{Shards: test.shards}, harvest.Shard{Of: test.of}, test.lists); got != test.want {
			t.Errorf("%s: FilledByWorker() = %v, want %v", test.name, got, test.want)
		}
	}
}
