package mediawiki

import (
	"iter"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// The wiki decides which page a spelling means, in one step or in two.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ asked, normalized, title, want string }{
		{"apple", ``, "apple", "landed"},
		{"apple", `{"from":"apple","to":"Apple"}`, "Apple", "landed"},
		{"ბირკიანი", ``, "ბირკიანი", "landed"},
		{"ßa", ``, "ßa", "landed"},
		{"ŉa", `{"from":"ŉa","to":"ʼNa"}`, "ʼNa", "landed"},
		{"ǆa", `{"from":"ǆa","to":"ǅa"}`, "ǅa", "landed"},
		{"istanbul", `{"from":"istanbul","to":"İstanbul"}`, "İstanbul", "landed"},
		{"cafe\u0301", `{"fromencoded":true,"from":"cafe%CC%81","to":"café"},{"from":"café","to":"Café"}`, "Café", "landed"},
		{"cafe\u0301", `{"from":"café","to":"Café"},{"fromencoded":true,"from":"cafe%CC%81","to":"café"}`, "Café", "landed"},
		{"a  b", `{"from":"a  b","to":"A b"}`, "A b", "landed"},
		{"a__b", `{"from":"a  b","to":"A b"}`, "A b", "landed"},
		{":apple", `{"from":":apple","to":"Apple"}`, "Apple", "landed"},
		{"x\u200ey", `{"from":"x\u200ey","to":"Xy"}`, "Xy", "landed"},
		{"AT&amp;T", `{"from":"AT&amp;T","to":"AT&T"}`, "AT&T", "landed"},
		{"Foo#bar", `{"from":"Foo#bar","to":"Foo"}`, "Foo", "landed"},
		{"user : ada", `{"from":"user : ada","to":"User:Ada"}`, "User:Ada", "landed"},
		{"user_talk:ada", `{"from":"user talk:ada","to":"User talk:Ada"}`, "User talk:Ada", "landed"},
		{":\u200eUser:ada", `{"from":":\u200eUser:ada","to":"User:Ada"}`, "User:Ada", "landed"},
		{"Cate\u0301gorie:x", `{"fromencoded":true,"from":"Cate%CC%81gorie%3Ax","to":"Catégorie:x"},{"from":"Catégorie:x","to":"Catégorie:X"}`, "Catégorie:X", "landed"},
		{"WP:A", `{"from":"WP:A","to":"Wikipedia:A"}`, "Wikipedia:A", "landed alias:Wikipedia:A"},
		{"User:X", `{"from":"User:X","to":"Benutzer:X"}`, "Benutzer:X", "landed alias:Benutzer:X"},
		{"A", `{"from":"A","to":"B"},{"from":"B","to":"A"}`, "C", "unfinished"},
		{"A", `{"from":"A","to":"A"}`, "A", "landed"},
	} {
		u := wiki(t)
		items := titles(t, tt.asked)
		r := u.Read(ask(t, u, items), answered(`{"query":{"normalized":[`+tt.normalized+`],"pages":[`+rev(1, tt.title, "a")+`]}}`))
		if got := ends(r, items); got != tt.want {
			t.Errorf("Read(%q with normalized %s) = %q, want %q", tt.asked, tt.normalized, got, tt.want)
		}
	}
	u := wiki(t)
	items := titles(t, "x", "r")
	r := u.Read(ask(t, u, items), answered(`{"query":{"normalized":[{"from":"x","to":"X"},{"from":"r","to":"R"}],"converted":[{"from":"X","to":"Y"}],"redirects":[{"from":"R","to":"Meta:Z","tointerwiki":"meta"}],"interwiki":[{"title":"Meta:Z","iw":"meta"}],"pages":[`+rev(1, "Y", "a")+`]}}`))
	if got := ends(r, items); got != "landed; landed redirect:Meta:Z" {
		t.Errorf("Read(converted, and a redirect to another wiki) = %q, want both landed", got)
	}
}

func TestTitlesAreItemsOfTheirOwn(t *testing.T) {
	t.Parallel()
	keys := map[harvest.Key]string{}
	for _, title := range []string{"apple", "Apple", "café", "Café", "ბირკიანი", "Ბირკიანი", "ß", "SS", "ǆ", "ǅ", "Ǆ", "i", "İ", "I"} {
		item := titles(t, title)[0]
		if other, taken := keys[item.Key]; taken {
			t.Errorf("Title(%q) has the key of %q, want another", title, other)
		}
		keys[item.Key] = title
		if req := ask(t, wiki(t), []harvest.Item{item}); !strings.HasSuffix(req.URL, "&titles="+harvest.Escape(title)) {
			t.Errorf("Request(%q) = %s, want the title as it is written", title, req.URL)
		}
	}
}

// A run of an older version keeps its keys, and its titles are still requested as they are written.
func TestCapitals(t *testing.T) {
	t.Parallel()
	given := append(titles(t, "ünal K", "Ada", "#42"), harvest.Item{})
	corpus := func(yield func(harvest.Entry, error) bool) {
		for _, item := range given[:3] {
			if !yield(harvest.Entry{Item: item}, nil) {
				return
			}
		}
		yield(harvest.Entry{Rejected: &harvest.Rejection{Reason: "x"}}, nil)
	}
	next, stop := iter.Pull2(Capitals(testAPI, corpus))
	defer stop()
	for i, want := range []string{"?title=%C3%9Cnal_K", "?title=Ada", "?pageid=42"} {
		entry, _, _ := next()
		if entry.Item.URL != testAPI+want || entry.Item.ID != given[i].ID || entry.Item.Key != harvest.KeyOf(testAPI+want) {
			t.Errorf("Capitals() entry %d = %+v, want %s", i, entry.Item, want)
		}
		if req := ask(t, wiki(t), []harvest.Item{entry.Item}); i == 0 && !strings.HasSuffix(req.URL, "&titles=%C3%BCnal%20K") {
			t.Errorf("Request(%s) = %s, want the title as it is written", entry.Item.ID, req.URL)
		}
	}
	if entry, _, _ := next(); entry.Rejected == nil {
		t.Errorf("Capitals() last entry = %+v, want the rejection", entry)
	}
}
