package config

import (
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// TestWithRun states what settings take from a run, and that they are the run that they take it
// from.
func TestWithRun(t *testing.T) {
	t.Parallel()
	kinds := upstream.Table{{Name: "plain"}, {Name: "mediawiki", API: "https://w/api.php"}}
	plain := harvest.Run{
		Name: "r", Rate: "9/s", Check: ".ok", Wait: ".wait", Pack: 7, Titles: harvest.TitlesWritten,
		Inputs: harvest.Inputs{
			Upstream: "plain", API: "https://h/{ids}", Extract: ".x", Body: "raw", Corpus: "ids.txt", Next: "link", Items: ".[]", Split: ".s", ID: ".id", Absent: "missing",
		},
	}
	wiki := plain
	wiki.Upstream, wiki.API = "mediawiki", "https://w/api.php"
	rateless := plain
	rateless.Rate = "often"
	for _, test := range []struct {
		name     string
		set      Worker
		run      harvest.Run
		url, api string
		rate     float64
	}{
		{"a template", Worker{}, plain, "https://h/{ids}", "", 9},
		{"an API", Worker{}, wiki, "", "https://w/api.php", 9},
		{"a template that is there", Worker{URL: "https://i/{id}"}, plain, "https://i/{id}", "", 9},
		{"a rate that this version cannot read", Worker{Rate: Rate{PerSecond: 2, Text: "2/s"}}, rateless, "https://h/{ids}", "", 2},
	} {
		test.set.layers = &layers{kinds: kinds}
		got := test.set.WithRun(test.run)
		if got.URL != test.url || got.API != test.api || got.Rate.PerSecond != test.rate {
			t.Errorf("%s: WithRun() = --url %q, --api %q, --rate %g, want %q, %q, %g", test.name, got.URL, got.API, got.Rate.PerSecond, test.url, test.api, test.rate)
		}
		want := test.run
		want.API, want.Rate = test.url+test.api, got.Rate.Text
		if back := got.AsRun(); back != want {
			t.Errorf("%s: AsRun() = %+v, want %+v", test.name, back, want)
		}
	}
}

// TestPart states how the part of a worker is named.
func TestPart(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]Worker{"auto": {AutoShard: true}, "3/8": {Shard: harvest.Shard{Index: 3, Of: 8}}} {
		if got := set.Part(); got != want {
			t.Errorf("Part() = %q, want %q", got, want)
		}
	}
}
