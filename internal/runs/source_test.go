package runs

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// TestSource states what each start reads its corpus from: before its run is known, for the first
// time, and once more.
func TestSource(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		corpus string // of the start
		items  string
		start  Start
		run    string // the corpus of the run

		named, source, again Source
	}{
		{name: "a file", corpus: "ids.txt", run: "ids.txt", named: Lines, source: Lines, again: Lines},
		{name: "a file, for a leader", corpus: "ids.txt", start: Start{Leads: true}, run: "ids.txt", named: Lines, source: Lines, again: Lines},
		{name: "a file, for any shard", corpus: "ids.txt", start: Start{AutoShard: true}, run: "ids.txt", named: Later, source: Lines, again: Lines},
		{name: "none", run: "ids.txt", named: Later, source: Lines, again: Lines},
		{name: "standard input", corpus: Stdin, run: Stdin, named: Lines, source: Lines, again: Table},
		{name: "the table", corpus: harvest.StoreCorpus, run: "ids.txt", named: Table, source: Table, again: Table},
		{name: "the table of a shared store", corpus: harvest.StoreCorpus, start: Start{Shared: true}, run: "ids.txt", named: Later, source: Table, again: Table},
		{name: "the table of a shared store, for a leader", corpus: harvest.StoreCorpus, start: Start{Shared: true, Leads: true}, run: "ids.txt", named: Table, source: Table, again: Table},
		{name: "a listing of items", corpus: "list:x", items: ".[]", run: "list:x", named: Table, source: Table, again: Table},
		{name: "a listing of items in a shared store", corpus: "list:x", items: ".[]", start: Start{Shared: true}, run: "list:x", named: Table, source: Table, again: Table},
		{name: "a listing of items that the run names", items: ".[]", run: "list:x", named: Later, source: Lines, again: Table},
		{name: "a listing of pages", corpus: "list:x", run: "list:x", named: Table, source: Table, again: Steps},
		{name: "a listing of pages, of no run yet", corpus: "list:x", named: Table, source: Table, again: Steps},
	} {
		start := test.start
		start.Kinds, start.Merged.Corpus, start.Merged.Items = kinds{}, test.corpus, test.items
		run := harvest.Run{Inputs: harvest.Inputs{Corpus: test.run}}
		if got := start.Named(); got != test.named {
			t.Errorf("%s: Named() = %d, want %d", test.name, got, test.named)
		}
		if got := start.Source(); got != test.source {
			t.Errorf("%s: Source() = %d, want %d", test.name, got, test.source)
		}
		if got := start.Again(run); got != test.again {
			t.Errorf("%s: Again() = %d, want %d", test.name, got, test.again)
		}
		if got, want := start.ListsPages(run), test.again == Steps; got != want {
			t.Errorf("%s: ListsPages() = %v, want %v", test.name, got, want)
		}
	}
	if err := Elsewhere("r", errAway, ""); !errors.Is(err, errAway) || errors.Is(err, harvest.ErrUsage) {
		t.Errorf("Elsewhere() of what is not a mistake = %v", err)
	}
	err := Elsewhere("r", harvest.Usagef("corpus ids.txt does not exist"), " --store x")
	if want := "coordinator enumerate --run r --store x"; !errors.Is(err, harvest.ErrUsage) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Elsewhere() = %v, want the operator's error with %q", err, want)
	}
}
