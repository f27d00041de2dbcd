package harvest

import "testing"

// TestContradicts states which inputs a later start of a run may not change.
func TestContradicts(t *testing.T) {
	t.Parallel()
	stored := Run{Name: "r", Shards: 8, Inputs: Inputs{Upstream: "plain", API: "https://h/{id}", Host: "h", Extract: ".", Body: "json", Corpus: "ids.txt"}}
	for _, test := range []struct {
		name   string
		change func(stored, given *Run)
		want   string // the field; empty: nothing contradicts
	}{
		{"the same inputs", func(*Run, *Run) {}, ""},
		{"what is not given is as stored", func(_, given *Run) { *given = Run{} }, ""},
		{"another kind of API", func(_, given *Run) { given.Upstream = "mediawiki" }, "--upstream"},
		{"another API", func(_, given *Run) { given.API = "https://h/x/{id}" }, "--api or --url"},
		{"another host", func(_, given *Run) { given.Host = "i" }, "host"},
		{"other records", func(_, given *Run) { given.Extract = ".a" }, "--extract"},
		{"records where there were none", func(stored, _ *Run) { stored.Extract = "" }, "--extract"},
		{"another corpus", func(_, given *Run) { given.Corpus = "other.txt" }, "--corpus"},
		{"the table of the run", func(_, given *Run) { given.Corpus = StoreCorpus }, ""},
		{"a corpus for a table", func(stored, _ *Run) { stored.Corpus = StoreCorpus }, ""},
		{"another number of shards", func(_, given *Run) { given.Shards = 4 }, "--shards"},
		{"a run that is led from now on", func(stored, _ *Run) { stored.Shards = 0 }, ""},
		{"what is not an input", func(_, given *Run) { given.Rate, given.Pack, given.Check = "9/s", 9, ".ok" }, ""},
	} {
		was, given := stored, stored
		test.change(&was, &given)
		field := ""
		if c := Contradicts(was, given); c != nil {
			field = c.Field
			if c.Run != "r" || c.Error() == "" || c.Redefinable() != (field != "--shards") {
				t.Errorf("%s: Contradicts() = %+v, which is redefinable: %v", test.name, c, c.Redefinable())
			}
		}
		if field != test.want {
			t.Errorf("%s: Contradicts() is about %q, want %q", test.name, field, test.want)
		}
	}
}
