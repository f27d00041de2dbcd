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
	err  error
}

func (s shelf) ListRuns(context.Context) ([]harvest.Run, error) { return s.runs, s.err }

func (s shelf) FindRun(_ context.Context, name string) (harvest.Run, error) {
	return harvest.Run{Name: name}, s.err
}

func (s shelf) Chain(context.Context, string, string) (harvest.Chain, error) {
	return harvest.Chain{Step: s.step}, s.err
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
