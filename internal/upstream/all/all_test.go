package all

import (
	"testing"

	"shoal/internal/upstream"
	"shoal/internal/upstream/upstreamtest"
)

// TestRows: each row has what every kind needs, and no two share a word.
func TestRows(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, kind := range append(Kinds(), upstreamtest.Things()) {
		if kind.Name == "" || kind.Noun == "" || kind.Open == nil || kind.PerRequest == nil || kind.Listing.Scheme != "" && kind.Listing.Host == nil {
			t.Errorf("the row of %q lacks a name, a noun, Open, PerRequest or the host of its listing", kind.Name)
		}
		for _, word := range []string{kind.Name, kind.Listing.Scheme, kind.Auth} {
			if other := seen[word]; word != "" && other != "" {
				t.Errorf("%s and %s share the word %q", other, kind.Name, word)
			}
			seen[word] = kind.Name
		}
	}
}

// TestQuestions: the table knows whose a corpus, a credential and an --api are.
func TestQuestions(t *testing.T) {
	t.Parallel()
	kinds := Kinds()
	for corpus, want := range map[string]struct {
		kind    string
		chained bool
		filters bool
	}{
		"list:https://a.example/i?c=1":              {"plain", true, true},
		"mediawiki:?prefix=A":                       {"mediawiki", false, true},
		"https://d.example/page.sql.gz?namespace=4": {"", false, true},
		"https://d.example/urls.txt?signature=ab":   {"", false, false},
		"urls.txt": {"", false, false},
	} {
		kind, _ := kinds.Lists(corpus)
		_, chained := kinds.Chained(corpus)
		if filters := kinds.Filters(corpus); kind.Name != want.kind || chained != want.chained || filters != want.filters {
			t.Errorf("Lists, Chained, Filters(%s) = %q, %t, %t, want %q, %t, %t", corpus, kind.Name, chained, filters, want.kind, want.chained, want.filters)
		}
	}
	for _, pair := range []struct {
		a, b string
		want bool
	}{
		{"list:https://a.example/i?since=1", "list:https://a.example/i", true}, {"list:https://a.example/i", "list:https://a.example/j", false},
		{"mediawiki:?prefix=A", "mediawiki:?prefix=A", false}, {"urls.txt", "urls.txt", false},
	} {
		if got := kinds.SameListing(pair.a, pair.b); got != pair.want {
			t.Errorf("SameListing(%s, %s) = %t, want %t", pair.a, pair.b, got, pair.want)
		}
	}
	if kind, _ := kinds.ByAPI(); kind.Name != "mediawiki" {
		t.Errorf("ByAPI() = %s, want mediawiki", kind.Name)
	}
	if kind, _ := kinds.ByAuth("botpassword"); kind.Name != "mediawiki" {
		t.Errorf("ByAuth(botpassword) = %s, want mediawiki", kind.Name)
	}
	if kind, ok := kinds.ByAuth(""); ok {
		t.Errorf("ByAuth(no credential) = %s, want none", kind.Name)
	}
}

// TestSizes: how many items a request holds decides into how many shards a run is cut.
func TestSizes(t *testing.T) {
	t.Parallel()
	kinds := Kinds()
	for _, test := range []struct {
		settings        upstream.Settings
		perRequest, cut int
	}{
		{upstream.Settings{Kind: "plain", URL: "https://a.example/{id}", Pack: 100}, 1, 64},
		{upstream.Settings{Kind: "plain", URL: "https://a.example/?ids={ids}", Pack: 100}, 100, 8},
		{upstream.Settings{Kind: "plain", URL: "https://a.example/?ids={ids}", Pack: 1}, 1, 64},
		{upstream.Settings{Kind: "mediawiki", Pack: 100}, 50, 8},
		{upstream.Settings{Kind: "mediawiki", Profile: "wikimedia-bot"}, 500, 8},
	} {
		kind, _ := kinds.Find(test.settings.Kind)
		if got, cut := kind.PerRequest(test.settings), kind.Shards(test.settings); got != test.perRequest || cut != test.cut {
			t.Errorf("PerRequest, Shards(%+v) = %d, %d, want %d, %d", test.settings, got, cut, test.perRequest, test.cut)
		}
	}
}
