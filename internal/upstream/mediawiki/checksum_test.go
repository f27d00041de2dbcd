package mediawiki

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"shoal/internal/harvest"
)

func sha(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// The API answers with text in normal form C, without control characters and invalid UTF-8; its
// checksums are of the text before that.
func TestChecksums(t *testing.T) {
	t.Parallel()
	const landed, unchecked, refused = "landed", "landed unchecked", "unfinished"
	// answer is page A with the text that the API answers with; slot is what else its main slot
	// has.
	answer := func(text string, size int, sum, slot string) string {
		return fmt.Sprintf(`{"query":{"pages":[{"pageid":1,"title":"A","revisions":[{"revid":1,"size":%d,"sha1":%q,"slots":{"main":{%s"content":%s}}}]}]}}`, size, sum, slot, quoted(text))
	}
	wikitext := `"contentmodel":"wikitext",`
	own := func(text string) string { return fmt.Sprintf(`%s"size":%d,"sha1":%q,`, wikitext, len(text), sha(text)) }
	const nfd = "cafe\u0301 x"
	nfc := norm.NFC.String(nfd)
	for _, tt := range []struct{ name, body, want string }{
		{"one slot, the revision's checksum", answer("abc", 3, sha("abc"), wikitext), landed},
		{"one slot, its own checksum", answer("abc", 3, sha("abc"), own("abc")), landed},
		{"two slots: the revision's checksum and size are of both", answer("abc", 90, sha("both"), own("abc")), landed},
		{"two slots of which only the sum is known", answer("abc", 90, sha("both"), wikitext), unchecked},
		{"two slots without sizes", strings.Replace(answer("abc", 90, sha("both"), wikitext), `"size":90,`, "", 1), unchecked},
		{"two slots, the main one empty", answer("", 90, sha("both"), own("")), landed},
		{"a capital letter in the checksum", answer("abc", 3, strings.ToUpper(sha("abc")), wikitext), landed},
		{"no checksum at all", answer("abc", 3, "", wikitext), unchecked},
		{"a checksum in base 36", answer("abc", 3, "phoiac9h4m842xq45sp7s6u21eteeq1", wikitext), unchecked},
		{"written in normal form D", answer(nfc, len(nfd), sha(nfd), own(nfd)), unchecked},
		{"written in normal form D, no slot's checksum", answer(nfc, len(nfd), sha(nfd), wikitext), unchecked},
		{"a control character", answer("a\ufffdb", 3, sha("a\x01b"), own("a\x01b")), unchecked},
		{"a byte that is not UTF-8", answer("a\ufffdb", 3, sha("a\xffb"), own("a\xffb")), unchecked},
		{"three bytes that are not UTF-8 for one U+FFFD", answer("a\ufffdb", 5, sha("a\xed\xa0\x80b"), own("a\xed\xa0\x80b")), unchecked},
		{"the Kelvin sign", answer("Kelvin K", 10, sha("Kelvin \u212a"), own("Kelvin \u212a")), unchecked},
		{"the Greek question mark", answer("x;", 3, sha("x\u037e"), own("x\u037e")), unchecked},
		{"the Greek ano teleia, which becomes the middle dot of the same length", answer("il·lusió", 10, sha("il\u0387lusió"), own("il\u0387lusió")), unchecked},
		{"the ano teleia among letters of ASCII", answer("a·b", 4, sha("a\u0387b"), own("a\u0387b")), unchecked},
		{"the Greek oxia", answer("a´b", 5, sha("a\u1ffdb"), own("a\u1ffdb")), unchecked},
		{"a compatibility ideograph of the same length", answer("\u8c48", 3, sha("\uf900"), own("\uf900")), unchecked},
		{"marks in another order", answer("a\u0323\u0302"[:1]+"\u0323\u0302", 5, sha("a\u0302\u0323"), own("a\u0302\u0323")), unchecked},
		{"Hangul of single letters", answer("\uac01", 9, sha("\u1100\u1161\u11a8"), own("\u1100\u1161\u11a8")), unchecked},
		{"a model that the API writes anew", answer(`{"a":1}`, 7, sha("old"), strings.Replace(own(`{"b":2}`), "wikitext", "wikibase-item", 1)), unchecked},
		{"another text of one slot", answer("abd", 3, sha("abc"), wikitext), refused},
		{"another text by its own slot", answer("abd", 90, sha("both"), own("abc")), refused},
		{"another text with letters of Latin-1", answer("caf\u00e9", 5, sha("caf\u00e8"), own("caf\u00e8")), refused},
		{"a text cut short", answer("ab", 3, sha("abc"), own("abc")), refused},
		{"a text swallowed", answer("", 3, sha("abc"), own("abc")), refused},
	} {
		u := wiki(t)
		items := titles(t, "A")
		r := u.Read(ask(t, u, items), answered(tt.body))
		if got := ends(r, items); got != tt.want {
			t.Errorf("%s: Read() = %q, want %q", tt.name, got, tt.want)
		}
		if len(r.Pages) == 1 && (strings.Contains(string(r.Pages[0].Body), `,"unchecked":true}`) != (tt.want == unchecked) || len(r.Pages[0].Records) != 1) {
			t.Errorf("%s: Read() keeps %s and %d records, want the flag and the records", tt.name, r.Pages[0].Body, len(r.Pages[0].Records))
		}
	}
}

// What MediaWiki 1.31, 1.24 and 1.19 answer: no slots, no formatversion, no continue.
func TestOldWikis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, asked, body, want string }{
		{"1.31: no slots", "A", `{"batchcomplete":true,"warnings":[{"code":"unrecognizedparams","text":"Unrecognized parameter: rvslots.","module":"main"}],
			"query":{"pages":[{"pageid":1,"ns":0,"title":"A","revisions":[{"revid":1,"parentid":0,"user":"Ada","size":3,"sha1":"` + sha("abc") + `","contentformat":"text/x-wiki","contentmodel":"wikitext","content":"abc"}]}]}}`, "landed"},
		{"1.31: another text", "A", `{"query":{"pages":[{"pageid":1,"title":"A","revisions":[{"revid":1,"size":3,"sha1":"` + sha("abc") + `","contentmodel":"wikitext","content":"abd"}]}]}}`, "unfinished"},
		{"1.31: cut short", "A", `{"query":{"pages":[{"pageid":1,"title":"A","revisions":[{"revid":1,"size":3,"sha1":"` + sha("abc") + `","contentmodel":"wikitext","content":"ab"}]}]}}`, "unfinished"},
		{"1.31: hidden", "A", `{"query":{"pages":[{"pageid":1,"title":"A","revisions":[{"revid":1,"texthidden":true,"sha1hidden":true}]}]}}`, "skipped hidden_revision"},
		{"1.24: formatversion 1", "a|B|C|D<|R|Special:X", `{"query":{"normalized":[{"from":"a","to":"A"}],"redirects":[{"from":"R","to":"A"}],"pages":{
			"1":{"pageid":1,"ns":0,"title":"A","revisions":[{"revid":1,"parentid":0,"user":"Ada","size":3,"sha1":"` + sha("abc") + `","contentformat":"text/x-wiki","contentmodel":"wikitext","*":"abc"}]},
			"2":{"pageid":2,"ns":0,"title":"B","revisions":[{"revid":2,"texthidden":"","*":""}]},
			"-1":{"ns":0,"title":"C","missing":""},"-2":{"title":"D<","invalid":""},"-3":{"ns":-1,"title":"Special:X","special":""}}}}`,
			"landed; skipped hidden_revision; missing missing; skipped invalid_title; landed redirect:A; skipped special_page"},
		{"1.24: page ids", "#1|#2|#3", `{"query":{"pages":{"1":{"pageid":1,"ns":0,"title":"A","revisions":[{"revid":1,"sha1":"` + sha("abc") + `","*":"abc"}]},"2":{"pageid":2,"missing":""},
			"3":{"pageid":3,"ns":0,"title":"R","redirect":"","revisions":[{"revid":3,"*":"#REDIRECT [[A]]"}]}}}}`, "landed; missing missing; landed redirect:A"},
		{"1.19: query-continue", "A|B", `{"query-continue":{"revisions":{"rvcontinue":"2|2"}},"query":{"pages":{"1":{"pageid":1,"title":"A","revisions":[{"revid":1,"size":3,"*":"abc"}]},"2":{"pageid":2,"title":"B"}}}}`, "landed unchecked; next"},
		{"slots in formatversion 1", "A", `{"query":{"pages":{"1":{"pageid":1,"title":"A","revisions":[{"revid":1,"slots":{"main":{"sha1":"` + sha("abc") + `","contentmodel":"wikitext","*":"abc"}}}]}}}}`, "landed"},
		{"titles that PHP took for numbers", "1984|7", `{"query":{"redirects":[{"from":1984,"to":7}],"pages":[{"pageid":1,"title":7,"revisions":[{"revid":1,"sha1":"` + sha("abc") + `","content":"abc"}]}]}}`, "landed redirect:7; landed"},
	} {
		u := wiki(t)
		items := titles(t, strings.Split(tt.asked, "|")...)
		r := u.Read(ask(t, u, items), answered(tt.body))
		if got := ends(r, items); got != tt.want || r.Fault != harvest.FaultNone {
			t.Errorf("%s: Read() = %q, fault %q, want %q", tt.name, got, r.Fault, tt.want)
		}
		if p := r.Pages; len(p) > 0 && strings.HasPrefix(tt.want, "landed;") && !strings.Contains(string(p[0].Body), `"content":"abc"`) {
			t.Errorf("%s: Read() keeps %s, want the text", tt.name, p[0].Body)
		}
	}
	u := wiki(t)
	listed, next, r := u.ReadList(answered(`{"query-continue":{"allpages":{"gapcontinue":"B_c"}},"query":{"pages":{"9":{"pageid":9,"title":"B","length":12,"lastrevid":99},"4":{"pageid":4,"title":"R","redirect":""}}}}`))
	if r.Fault != harvest.FaultNone || len(listed) != 1 || listed[0].PageID != 9 {
		t.Fatalf("ReadList(query-continue) = %+v, %+v, want page 9", listed, r)
	}
	if req := u.ListRequest(Listing{}, next); !strings.HasSuffix(req.URL, "&gapcontinue=B_c") {
		t.Errorf("ListRequest(query-continue) = %s, want gapcontinue", req.URL)
	}
}
