package upstream

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestChains(t *testing.T) {
	t.Parallel()
	since := time.Unix(1_700_000_000, 0).UTC()
	dated := func(corpus string, since time.Time) ([]string, error) {
		if corpus == "list:" {
			return nil, errors.New("list: has no address")
		}
		return []string{corpus + "/" + since.Format(time.DateOnly), corpus + "/rest"}, nil
	}
	for _, c := range []struct {
		listing Listing
		corpus  string
		want    []string
		says    string
	}{
		{Listing{}, "pages:", []string{"pages:"}, ""},
		{Listing{Seeds: dated}, "list:a", []string{"list:a/2023-11-14", "list:a/rest"}, ""},
		{Listing{Seeds: dated}, "list:", nil, "--corpus list: has no address"},
	} {
		got, err := c.listing.Chains(c.corpus, since)
		if !slices.Equal(got, c.want) || (err == nil) != (c.says == "") || err != nil && (err.Error() != c.says || !errors.Is(err, harvest.ErrUsage)) {
			t.Errorf("Chains(%s) = %v, %v, want %v, %q", c.corpus, got, err, c.want, c.says)
		}
	}
}

func TestExtractorOf(t *testing.T) {
	t.Parallel()
	table := Table{{Name: "silent"}, {Name: "plain", Extractor: func(_ harvest.Run, spec string, _ Tools) (func([]byte) ([]harvest.Record, error), error) {
		if spec == "." {
			return func([]byte) ([]harvest.Record, error) { return nil, nil }, nil
		}
		return nil, errors.New("--extract: it is not an expression")
	}}}
	for _, c := range []struct{ upstream, spec, says string }{
		{"plain", ".", ""},
		{"plain", "(", "--extract: it is not an expression"},
		{"silent", ".", `--extract ".": run r is of the upstream silent, which makes no records`},
		{"other", ".", `run r is of the upstream "other", and this version knows silent, plain`},
	} {
		extract, err := table.ExtractorOf(harvest.Run{Name: "r", Inputs: harvest.Inputs{Upstream: c.upstream}}, c.spec, Tools{})
		if (extract == nil) != (c.says != "") || (err == nil) != (c.says == "") || err != nil && (err.Error() != c.says || !errors.Is(err, harvest.ErrUsage)) {
			t.Errorf("ExtractorOf(%s, %s) = %v, want %q", c.upstream, c.spec, err, c.says)
		}
	}
}

func TestRekeyed(t *testing.T) {
	t.Parallel()
	one := func(line int64) iter.Seq2[harvest.Entry, error] {
		return func(yield func(harvest.Entry, error) bool) { yield(harvest.Entry{Item: harvest.Item{Line: line}}, nil) }
	}
	again := func(harvest.Run, Settings, iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
		return one(2)
	}
	for want, kind := range map[int64]Kind{1: {}, 2: {Rekey: again}} {
		for entry := range kind.Rekeyed(harvest.Run{}, Settings{}, one(1)) {
			if entry.Item.Line != want {
				t.Errorf("Rekeyed() yields line %d, want %d", entry.Item.Line, want)
			}
		}
	}
}

func TestCompiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind Kind
		says string
	}{
		"a kind without expressions": {Kind{}, ""},
		"good ones":                  {Kind{Compile: func(Settings) error { return nil }}, ""},
		"a bad one":                  {Kind{Compile: func(Settings) error { return errors.New("--check: it has no end") }}, "--check: it has no end"},
	} {
		err := c.kind.Compiles(Settings{})
		if (err == nil) != (c.says == "") || err != nil && (err.Error() != c.says || !errors.Is(err, harvest.ErrUsage)) {
			t.Errorf("%s: Compiles() = %v, want %q", name, err, c.says)
		}
	}
}

func TestAdvise(t *testing.T) {
	t.Parallel()
	of := func(name string) func(Settings, string, int64) []string {
		return func(s Settings, host string, items int64) []string {
			return []string{fmt.Sprintf("%s: %s, %d items of %s", name, s.Kind, items, host)}
		}
	}
	table := Table{{Name: "silent"}, {Name: "a", Advise: of("a")}, {Name: "b", Advise: of("b")}}
	if got := table.Advise(Settings{Kind: "k"}, "h", 3); !slices.Equal(got, []string{"a: k, 3 items of h", "b: k, 3 items of h"}) {
		t.Errorf("Advise() = %q, want that of each kind that has some", got)
	}
	if got := (Table{{Name: "silent"}}).Advise(Settings{}, "h", 3); got != nil {
		t.Errorf("Advise() of kinds without = %q, want none", got)
	}
}

// corpora are a kind of chained listings, and one that lists by itself.
var corpora = Table{
	{
		Name: "plain", Packs: func(template string) bool { return template == "https://h/{ids}" },
		Listing: Listing{Scheme: "list:", Chained: true, Seeds: func(corpus string, since time.Time) ([]string, error) {
			return []string{corpus + " since " + since.Format(time.DateOnly)}, nil
		}},
	},
	{Name: "wiki", Listing: Listing{Scheme: "wiki:"}},
}

// TestCorpora states which corpus is a listing, of items or of pages.
func TestCorpora(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		corpus, items string
		lists, pages  bool
	}{
		{"ids.txt", "", false, false},
		{"list:https://h/all", "", true, true},
		{"list:https://h/all", ".[]", true, false},
		{"wiki:", "", true, false},
		{harvest.StoreCorpus, "", false, false},
	} {
		if got := corpora.IsListing(c.corpus); got != c.lists {
			t.Errorf("IsListing(%s) = %v, want %v", c.corpus, got, c.lists)
		}
		if got := corpora.ListsPages(c.corpus, c.items); got != c.pages {
			t.Errorf("ListsPages(%s, %q) = %v, want %v", c.corpus, c.items, got, c.pages)
		}
	}
}

// TestRelevant states which inputs have no meaning for a run.
func TestRelevant(t *testing.T) {
	t.Parallel()
	whole := harvest.Run{Pack: 9, Check: ".ok", Inputs: harvest.Inputs{Upstream: "plain", API: "https://h/{ids}", Corpus: "list:https://h", Next: "link", Items: ".[]", Split: ".[]", ID: ".id", Absent: "again"}}
	for name, change := range map[string]func(given, want *harvest.Run){
		"a listing whose items are asked for in packs": func(_, _ *harvest.Run) {},
		"a corpus that is not chained":                 func(g, w *harvest.Run) { g.Corpus, w.Corpus, w.Next, w.Items = "wiki:", "wiki:", "", "" },
		"a request for one item": func(g, w *harvest.Run) {
			g.API, w.API, w.Split, w.ID, w.Absent, w.Pack = "https://h/{id}", "https://h/{id}", "", "", "", 0
		},
		"a kind without packs": func(g, w *harvest.Run) {
			g.Upstream, w.Upstream, w.Split, w.ID, w.Absent, w.Pack = "wiki", "wiki", "", "", "", 0
		},
	} {
		given, want := whole, whole
		change(&given, &want)
		if got := corpora.Relevant(given); got != want {
			t.Errorf("%s: Relevant() = %+v, want %+v", name, got, want)
		}
	}
}

// TestSeeds checks that the instant is found only for a corpus that may name it.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		corpus string
		away   error // of the instant
		want   string
	}{
		{"ids.txt", errors.ErrUnsupported, "ids.txt"},
		{"wiki:", errors.ErrUnsupported, "wiki:"},
		{"list:https://h", nil, "list:https://h since 2023-11-14"},
		{"list:https://h", errors.ErrUnsupported, ""},
	} {
		got, err := corpora.Seeds(c.corpus, func() (time.Time, error) { return time.Unix(1_700_000_000, 0).UTC(), c.away })
		if c.want == "" && !errors.Is(err, c.away) || c.want != "" && (err != nil || len(got) != 1 || got[0] != c.want) {
			t.Errorf("Seeds(%s) = %q, %v, want %q", c.corpus, got, err, c.want)
		}
	}
}
