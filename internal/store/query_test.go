package store

import (
	"strings"
	"testing"

	"shoal/internal/harvest"
)

func TestAQuerySelectsPages(t *testing.T) {
	t.Parallel()
	page := harvest.Page{Key: harvest.KeyOf("u"), URL: "u", ID: "7", Outcome: harvest.Dead, Reason: "http_502", Status: 502}
	other := harvest.KeyOf("v")
	for _, test := range []struct {
		name  string
		query Query
		want  bool
	}{
		{"all", Query{}, true},
		{"key", Query{Key: &page.Key}, true},
		{"another key", Query{Key: &other}, false},
		{"outcome", Query{Outcomes: []harvest.Outcome{harvest.Missing, harvest.Dead}}, true},
		{"another outcome", Query{Outcomes: []harvest.Outcome{harvest.Landed}}, false},
		{"all of it", Query{Reason: "http_502", Status: 502, ID: "7", URL: "u"}, true},
		{"another reason", Query{Reason: "http_500"}, false},
		{"another status", Query{Status: 500}, false},
		{"another id", Query{ID: "8"}, false},
		{"another URL", Query{URL: "v"}, false},
	} {
		test.query.What = PageRows
		if got := test.query.Selects(page); got != test.want {
			t.Errorf("%s: Selects() = %t, want %t", test.name, got, test.want)
		}
	}
	if !(Query{What: RecordRows, Status: 500}).Selects(page) || (Query{What: RecordRows, Key: &other}).Selects(page) {
		t.Error("Selects() of records asks for more than the key, or not for it")
	}
}

func TestAQueryNamesWhatCannotBeExported(t *testing.T) {
	t.Parallel()
	if err := (Query{Run: "r", What: "bodies"}).Check(); err == nil || !strings.Contains(err.Error(), `"bodies" of run r`) {
		t.Errorf("Check() = %v, want it to name bodies and the run", err)
	}
	if err := (Query{What: RecordRows}).Check(); err != nil {
		t.Errorf("Check() = %v, want nil", err)
	}
}
