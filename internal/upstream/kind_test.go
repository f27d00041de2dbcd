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
