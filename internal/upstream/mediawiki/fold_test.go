package mediawiki

import "testing"

// Spellings that every MediaWiki takes for one page are one item, so that its records land once.
// All others are items of their own, and the wiki gets each as it was typed.
func TestSpellingsOfOneItem(t *testing.T) {
	t.Parallel()
	const api = "https://wiki.example/w/api.php"
	same := [][]string{
		{"Wikipedia:A b", "wikipedia:A b", "WIKIPEDIA:A_b", "Wikipedia:A  b", "Wikipedia: A b", "Wikipedia:A __b"},
		{"User talk:X", "user_talk:X", "User  Talk:X"},
		{"a b", "a_b", "a  b"},
		{"caf\u00e9", "cafe\u0301"},
	}
	for _, titles := range same {
		want, err := Title(api, titles[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, title := range titles {
			got, err := Title(api, title)
			if err != nil || got.Key != want.Key || got.ID != title {
				t.Errorf("Title(%q) = %s, %q, %v, want the key of %q and the id as typed", title, got.URL, got.ID, err, titles[0])
			}
			if again, err := asked(got); err != nil || underscored(again) != underscored(title) {
				t.Errorf("asked(Title(%q)) = %q, %v, want what was typed", title, again, err)
			}
		}
	}
	seen := map[string]string{}
	for _, title := range []string{"apple", "Apple", "foo:bar", "Foo:bar", "Wikipedia:a", "Wikipedia:A", ":A", "A", "WikipediaA", "benutzer:X", "Benutzer:X"} {
		item, err := Title(api, title)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[item.Key.String()]; ok {
			t.Errorf("Title(%q) has the key of %q, want one of its own", title, other)
		}
		seen[item.Key.String()] = title
	}
}
