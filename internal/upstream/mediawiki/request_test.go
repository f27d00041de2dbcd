package mediawiki

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"shoal/internal/harvest"
)

// A changed key loses a run.
func TestKeysStay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ title, url, key string }{
		{"Ada", testAPI + "?title=Ada", "eb575483-7449-2742-9688-cdcd67b93435"},
		{"Wikipedia:Articles for deletion/Ashford Beacon", testAPI + "?title=Wikipedia%3AArticles_for_deletion%2FAshford_Beacon", "8b03382a-8065-b62c-0590-d21b328b8672"},
		{"ünal K", testAPI + "?title=%C3%BCnal_K", ""},
		{"AC/DC & 100%", testAPI + "?title=AC%2FDC_%26_100%25", ""},
	} {
		item, err := Title(testAPI, " "+tt.title+" ")
		if err != nil || item.URL != tt.url || item.ID != tt.title || tt.key != "" && item.Key.String() != tt.key {
			t.Errorf("Title(%q) = %+v, %v, want %s and key %s", tt.title, item, err, tt.url, tt.key)
		}
	}
	id, err := PageID(testAPI, " 0042 ")
	if err != nil || id.URL != testAPI+"?pageid=42" || id.ID != "42" || id.Key.String() != "3bf65985-1f70-8b9b-70d6-acf4316b49d7" {
		t.Errorf("PageID(0042) = %+v, %v, want pageid=42 and its key", id, err)
	}
	for _, bad := range []string{"", "0", "-1", "x", "1.5"} {
		if _, err := PageID(testAPI, bad); err == nil {
			t.Errorf("PageID(%q) = nil, want an error", bad)
		}
	}
	for _, bad := range []string{"", " ", "a\x00b", "a\nb", "\xff"} {
		if _, err := Title(testAPI, bad); err == nil {
			t.Errorf("Title(%q) = nil, want an error", bad)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	get := ask(t, u, titles(t, "a b", "C&D"))
	if want := "&maxlag=5&prop=info%7Crevisions&"; get.Method != "GET" || !strings.Contains(get.URL, want) || !strings.HasSuffix(get.URL, "&redirects=1&titles=a%20b%7CC%26D") {
		t.Errorf("Request() = %s %s, want %s and both titles", get.Method, get.URL, want)
	}
	ids := ask(t, u, titles(t, "#7", "#8"))
	if !strings.HasSuffix(ids.URL, "&pageids=7%7C8") || strings.Contains(ids.URL, "redirects") {
		t.Errorf("Request(ids) = %s, want pageids and no redirects", ids.URL)
	}
	bar := ask(t, u, titles(t, "a|b", "c"))
	if !strings.HasSuffix(bar.URL, "&titles=%1Fa%7Cb%1Fc") {
		t.Errorf("Request(a title with a bar) = %s, want another separator", bar.URL)
	}
	var long []harvest.Item
	for i := range 50 {
		long = append(long, titles(t, fmt.Sprintf("%d %s", i, strings.Repeat("Ж", 60)))...)
	}
	post := ask(t, u, long)
	if post.Method != "POST" || post.URL != testAPI || len(post.Body) < maxGet || post.Type != "application/x-www-form-urlencoded" {
		t.Errorf("Request(long titles) = %s %s, want a POST of a form", post.Method, post.URL)
	}
	if _, err := u.Request(titles(t, "A", "#7")); err == nil {
		t.Errorf("Request(a title and an id) = nil, want an error")
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	big := titles(t, "#1", "#2", "#3")
	for i := range big {
		big[i].Size = 2_500_000
	}
	many := make([]harvest.Item, 50)
	for i := range many {
		many[i] = titles(t, fmt.Sprintf("#%d", i+1))[0]
	}
	for _, tt := range []struct {
		name string
		pack []harvest.Item
		next harvest.Item
		want bool
	}{
		{"an empty pack", nil, harvest.Item{Size: 1 << 30}, true},
		{"fifty", many[:49], many[49], true},
		{"fifty-one", many, many[0], false},
		{"under 6 MB", big[:1], big[1], true},
		{"over 6 MB", big[:2], big[2], false},
		{"a title to ids", many[:1], titles(t, "A")[0], false},
	} {
		if got := u.Fits(tt.pack, tt.next); got != tt.want {
			t.Errorf("%s: Fits() = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"mediawiki:?prefix=Articles for deletion/&namespace=4", "mediawiki:?namespace=4&prefix=Articles%20for_deletion/"} {
		if l, err := ParseListing(uri); err != nil || l != (Listing{Namespace: 4, Prefix: "Articles for deletion/"}) {
			t.Errorf("ParseListing(%s) = %+v, %v, want both parts", uri, l, err)
		}
	}
	u := wiki(t)
	listed, next, r := u.ReadList(answered(`{"continue":{"gapcontinue":"B_c","continue":"gapcontinue||"},"query":{"pages":[
		{"pageid":9,"title":"Wikipedia:B","length":12,"lastrevid":99},{"pageid":3,"title":"Wikipedia:A","length":5,"lastrevid":33},{"pageid":4,"title":"R","redirect":true}]}}`))
	if r.Fault != harvest.FaultNone || len(listed) != 2 || listed[0].PageID != 3 || listed[1].Item.Size != 12 || listed[1].Item.ID != "Wikipedia:B" {
		t.Fatalf("ReadList() = %+v, %+v, want pages 3 and 9", listed, r)
	}
	if req := u.ListRequest(Listing{Namespace: 4, Prefix: "A/"}, next); !strings.HasSuffix(req.URL, "&gaplimit=max&prop=info&continue=gapcontinue%7C%7C&gapcontinue=B_c") {
		t.Errorf("ListRequest(next) = %s, want the continue object", req.URL)
	}
	if _, next, _ := u.ReadList(answered(`{"batchcomplete":true}`)); next != "" {
		t.Errorf("ReadList(the end) = next %q, want none", next)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	if token, r := u.ReadLoginToken(answered(`{"query":{"tokens":{"logintoken":"abc+\\"}}}`)); token != `abc+\` || r.Fault != harvest.FaultNone {
		t.Errorf("ReadLoginToken() = %q, %+v, want the token", token, r)
	}
	if body := string(u.LoginRequest(`abc+\`, "Ada@x", "p&w").Body); !strings.HasSuffix(body, `&lgname=Ada%40x&lgpassword=p%26w&lgtoken=abc%2B%5C`) {
		t.Errorf("LoginRequest() = %s, want an encoded form", body)
	}
	if r := u.ReadLogin(answered(`{"login":{"result":"Failed","reason":{"code":"wrongpassword","text":"Incorrect"}}}`)); r.Fault != harvest.FaultCredential || !strings.Contains(r.Cause.Error(), "Incorrect") {
		t.Errorf("ReadLogin(Failed) = %+v, want %s with the wiki's words", r, harvest.FaultCredential)
	}
	if r := u.ReadLogin(answered(`{"login":{"result":"Success"}}`)); r.Fault != harvest.FaultNone {
		t.Errorf("ReadLogin(Success) = %+v, want no fault", r)
	}
	if limit, name, _ := u.ReadUserInfo(answered(`{"query":{"userinfo":{"name":"Ada","rights":["read","apihighlimits"]}}}`)); limit != 500 || name != "Ada" {
		t.Errorf("ReadUserInfo() = %d, %s, want 500, Ada", limit, name)
	}
}

const smallDump = "-- MariaDB dump\n/*!40101 SET x='a;b' */;\nDROP TABLE IF EXISTS `page`;\nCREATE TABLE `page` (\n  `page_id` int(8) NOT NULL,\n  `page_namespace` int(11) NOT NULL,\n" +
	"  `page_title` varbinary(255) NOT NULL,\n  `page_is_redirect` tinyint(1) NOT NULL,\n  `page_len` int(8) NOT NULL,\n  PRIMARY KEY (`page_id`)\n) ENGINE=InnoDB;\n" +
	"INSERT INTO `page` VALUES (1,4,'AfD/O\\'Brien_(x),_\\\\y',0,12),(2,0,'AfD/No',0,3),(3,4,'AfD/R',1,4);\nINSERT INTO `page` VALUES (4,4,'AfD/Ω',0,NULL),(5,4,'Other',0,1);\n" +
	"/*!40000 ALTER TABLE `page` ENABLE KEYS */;\n-- Dump completed\n"

func TestDumpLines(t *testing.T) {
	t.Parallel()
	got, err := io.ReadAll(iotest.OneByteReader(DumpLines(iotest.HalfReader(strings.NewReader(smallDump)), Listing{Namespace: 4, Prefix: "AfD/"})))
	const want = "1\t12\tAfD/O'Brien (x), \\y\n4\tNULL\tAfD/Ω\n"
	if string(got) != want || err != nil {
		t.Errorf("DumpLines() = %q, %v, want %q", got, err, want)
	}
	item, err := DumpItem(testAPI, "1\t12\tA b")
	if err != nil || item.ID != "A b" || item.Size != 12 || item.URL != testAPI+"?pageid=1" {
		t.Errorf("DumpItem() = %+v, %v, want page 1", item, err)
	}
	end := strings.Index(smallDump, "/*!40000")
	for cut := range end + 1 {
		if rest, err := io.ReadAll(DumpLines(strings.NewReader(smallDump[:cut]), Listing{Namespace: 4})); err == nil {
			t.Errorf("DumpLines(cut at %d) = %q, nil, want an error", cut, rest)
		}
	}
}

func FuzzDumpLines(f *testing.F) {
	f.Add(smallDump)
	f.Fuzz(func(t *testing.T, text string) {
		if lines, err := io.ReadAll(DumpLines(strings.NewReader(text), Listing{Namespace: 4})); err == nil && len(lines) > 0 && !strings.HasSuffix(string(lines), "\n") {
			t.Errorf("DumpLines(%q) = %q, want whole lines", text, lines)
		}
	})
}

// The wiki gets what a person types after prefix=.
func TestPrefixesAsTyped(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	for typed, want := range map[string]string{
		"C++": "C++", "AT&T": "AT&T", "100% pure": "100% pure", "a b": "a b", "a_b": "a b", "café": "café", "#1": "#1", "A;B": "A;B", "a=b": "a=b", "Q&A=x": "Q&A=x",
		"50%": "50%", "%": "%", "100%2": "100%2", "5%zz": "5%zz", "?": "?", "a?b": "a?b", "R&B ": "R&B ", "R&": "R&", "&c.": "&c.", `"x"`: `"x"`, `\`: `\`, "a:b": "a:b", "ბირკიანი": "ბირკიანი", "AT&amp;T": "AT&amp;T",
		"a%20b": "a b", "C%2B%2B": "C++", "C%2b%2b": "C++", "AT%26T": "AT&T", "100%25 pure": "100% pure", "caf%C3%A9": "café", "%231": "#1", "a%26prefix=b": "a&prefix=b", "a%2520b": "a%20b", "": "",
	} {
		for _, uri := range []string{"mediawiki:?prefix=" + typed + "&namespace=4", "mediawiki:?namespace=4&prefix=" + typed} {
			l, err := ParseListing(uri)
			if err != nil || l != (Listing{Namespace: 4, Prefix: want}) {
				t.Errorf("ParseListing(%s) = %+v, %v, want prefix %q", uri, l, err, want)
			}
			if req := u.ListRequest(l, ""); !strings.Contains(req.URL, "&gapprefix="+harvest.Escape(want)+"&") {
				t.Errorf("ListRequest(%s) = %s, want its prefix", uri, req.URL)
			}
		}
		if l, err := ParseListing("mediawiki:?prefix=" + typed); err != nil || l != (Listing{Prefix: want}) {
			t.Errorf("ParseListing(prefix=%s) = %+v, %v, want prefix %q", typed, l, err, want)
		}
	}
	for _, bad := range []string{
		"mediawiki", "mediawiki:?namespace=x", "mediawiki:?namespace=-1", "mediawiki:?prefx=A", "mediawiki:?prefix=A&prefix=B", "mediawiki:?prefix=A&namspace=4", "mediawiki:?prefix=A&namespace=4&prefx=B",
		"mediawiki:?prefix=%FF", "mediawiki:?prefix=a%00", "mediawiki:?prefix=a%0Ab", "mediawiki:?prefix",
	} {
		if l, err := ParseListing(bad); err == nil {
			t.Errorf("ParseListing(%s) = %+v, want an error", bad, l)
		}
	}
	if l, err := FormerListing("mediawiki:?prefix=Articles+for%20deletion/&namespace=4"); err != nil || l != (Listing{Namespace: 4, Prefix: "Articles for deletion/"}) {
		t.Errorf("FormerListing(+) = %+v, %v, want a blank", l, err)
	}
}
