package plain

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

func TestParseListing(t *testing.T) {
	since := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		uri  string
		want string // seeds, or a part of the error
	}{
		"one seed":               {"list:https://a.example/items?limit=100", "https://a.example/items?limit=100"},
		"days":                   {"list:https://a.example/i?day={2026-08-30..2026-09-01}", "https://a.example/i?day=2026-08-30 https://a.example/i?day=2026-08-31 https://a.example/i?day=2026-09-01"},
		"numbers":                {"list:https://a.example/{1..3}/i", "https://a.example/1/i https://a.example/2/i https://a.example/3/i"},
		"numbers keep zeros":     {"list:https://a.example/{08..10}", "https://a.example/08 https://a.example/09 https://a.example/10"},
		"two ranges":             {"list:https://a.example/{1..2}?p={3..4}", "https://a.example/1?p=3 https://a.example/1?p=4 https://a.example/2?p=3 https://a.example/2?p=4"},
		"since":                  {"list:https://a.example/i?since={since}", "https://a.example/i?since=2026-07-01T10%3A00%3A00Z"},
		"a cursor stays":         {"list:https://a.example/i?cursor={cursor}&n=1", "https://a.example/i?cursor={cursor}&n=1"},
		"a range that goes down": {"list:https://a.example/{3..1}", "goes up"},
		"a day and a number":     {"list:https://a.example/{2026-01-01..7}", "goes up"},
		"too many":               {"list:https://a.example/{1..1000}/{1..1000}", "more than 100000 seeds"},
		"too many at once":       {"list:https://a.example/{1..9999999999}", "goes up"},
		"another brace":          {"list:https://a.example/{page}", "braces hold a range"},
		"two cursors":            {"list:https://a.example/i?a={cursor}&b={cursor}", "stands once"},
		"a cursor in the path":   {"list:https://a.example/{cursor}/x", "braces hold a range"},
		"no URL":                 {"list:", "write list:https"},
		"another scheme":         {"list:ftp://a.example/", "is not a listing"},
	}
	for name, test := range tests {
		seeds, err := ParseListing(test.uri, since)
		got := strings.Join(seeds, " ")
		if err != nil {
			got = err.Error()
			if !errors.Is(err, upstream.ErrListing) || !strings.Contains(got, test.want) {
				t.Errorf("%s: ParseListing(%s) = error %v, want ErrListing that says %q", name, test.uri, err, test.want)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%s: ParseListing(%s) = %s, want %s", name, test.uri, got, test.want)
		}
	}
	if _, err := ParseListing("list:https://a.example/?since={since}", time.Time{}); !errors.Is(err, upstream.ErrListing) {
		t.Errorf("ParseListing(since without a run before) = %v, want ErrListing", err)
	}
}

func TestListRequest(t *testing.T) {
	u, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	const seed = "https://a.example/i?limit=2&cursor={cursor}"
	for _, test := range []struct{ seed, next, want string }{
		{seed, "", "https://a.example/i?limit=2"},
		{seed, "a+b/c=", "https://a.example/i?limit=2&cursor=a%2Bb%2Fc%3D"},
		{seed, "https://a.example/i?page=2", "https://a.example/i?page=2"},
		{"https://a.example/i?cursor={cursor}", "7", "https://a.example/i?cursor=7"},
		{"https://a.example/i", "", "https://a.example/i"},
	} {
		r, err := u.ListRequest(test.seed, test.next)
		if err != nil || r.URL != test.want || r.Method != http.MethodGet {
			t.Errorf("ListRequest(%s, %s) = %+v, %v, want GET %s", test.seed, test.next, r, err, test.want)
		}
	}
	if _, err := u.ListRequest("https://a.example/i", "7"); err == nil || !strings.Contains(err.Error(), "cursor={cursor}") {
		t.Errorf("ListRequest(a cursor without a place) = %v, want a sentence that shows the place", err)
	}
}

func TestReadList(t *testing.T) {
	const cursor, plain = "https://a.example/i?cursor={cursor}", "https://a.example/i"
	links := func(lines ...string) http.Header { return http.Header{"Link": lines} }
	tests := map[string]struct {
		config Config
		seed   string
		next   string
		header http.Header
		body   string
		want   string // items → then, or the fault
	}{
		"a cursor":                    {Config{Next: ".next", Items: ".data[].id"}, cursor, "", nil, `{"data":[{"id":1},{"id":2}],"next":"abc"}`, "1 2 -> abc"},
		"a number is a cursor, exact": {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":["x"],"next":12345678901234567890}`, "x -> 12345678901234567890"},
		"null ends it":                {Config{Next: ".next", Items: ".data[]"}, cursor, "c", nil, `{"data":[7],"next":null}`, "7 -> "},
		"false and nothing end it":    {Config{Next: ".next", Items: ".data[]"}, cursor, "c", nil, `{"data":[],"next":false}`, " -> "},
		"an absent member ends it":    {Config{Next: ".next", Items: ".data[]"}, cursor, "c", nil, `{"data":[]}`, " -> "},
		"a URL":                       {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"https://a.example/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a relative URL":              {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a query":                     {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a cursor without a place":    {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"abc"}`, "api_refuses no_cursor"},
		"another host":                {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"https://b.example/i?page=2"}`, "api_refuses foreign_next"},
		"another protocol":            {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"http://a.example/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a proxy's port":              {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"http://a.example:443/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a proxy's port 80":           {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"http://a.example:80/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"another port":                {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"http://a.example:8080/i?page=2"}`, "api_refuses foreign_next"},
		"another port of TLS":         {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"https://a.example:8443/i?page=2"}`, "api_refuses foreign_next"},
		"our own port":                {Config{Next: ".next", Items: ".data[]"}, "https://a.example:8443/i", "", nil, `{"data":[1],"next":"http://a.example:8443/i?page=2"}`, "1 -> https://a.example:8443/i?page=2"},
		"http stays http":             {Config{Next: ".next", Items: ".data[]"}, "http://a.example:81/i", "", nil, `{"data":[1],"next":"https://a.example:81/i?page=2"}`, "1 -> http://a.example:81/i?page=2"},
		"a scheme in capitals":        {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[1],"next":"HTTPS://A.example/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"another host, no scheme":     {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"//b.example/i?page=2"}`, "api_refuses foreign_next"},
		"the same host, no scheme":    {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"//a.example/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a relative path":             {Config{Next: ".next", Items: ".data[]"}, "https://a.example/v1/i?page=1", "", nil, `{"data":[1],"next":"i?page=2"}`, "1 -> https://a.example/v1/i?page=2"},
		"blanks around":               {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":" /i?page=2\n"}`, "1 -> https://a.example/i?page=2"},
		"a user name in the next URL": {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"https://me:secret@a.example/i?page=2"}`, "1 -> https://a.example/i?page=2"},
		"a stray percent sign":        {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"/100%/i%20j?q=5%&page=2"}`, "1 -> https://a.example/100%25/i%20j?q=5%25&page=2"},
		"a fragment":                  {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"/i?page=2#top"}`, "1 -> https://a.example/i?page=2"},
		"empty ends it":               {Config{Next: ".next", Items: ".data[]"}, cursor, "c", nil, `{"data":[7],"next":""}`, "7 -> "},
		"where it is":                 {Config{Next: ".next", Items: ".data[]"}, plain, "", nil, `{"data":[1],"next":"https://a.example/i"}`, "1 -> https://a.example/i"},
		"the same cursor":             {Config{Next: ".next", Items: ".data[]"}, cursor, "c", nil, `{"data":[1],"next":"c"}`, "1 -> c"},
		"a Link header":               {Config{Next: NextLink, Items: ".[]"}, plain, "", links(`<https://a.example/i?page=9>; rel="last", <https://a.example/i?page=2>; rel="next"`), `[1]`, "1 -> https://a.example/i?page=2"},
		"no Link header":              {Config{Next: NextLink, Items: ".[]"}, plain, "", nil, `[1]`, "1 -> "},
		"objects with url or id":      {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[{"id":1},{"url":"u"},{"id":2,"url":"v"}]}`, "1 u v -> "},
		"values that are no items":    {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[{},"bad",3]}`, "no_item no_item 3 -> "},
		"relative URLs":               {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":["/item/1","it"]}`, "https://a.example/item/1 it -> "},
		"ids like paths":              {Config{Next: ".next", Items: ".data[]", Template: "https://a.example/{id}"}, cursor, "", nil, `{"data":["/1"]}`, "/1 -> "},
		"a cursor like a path":        {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[1],"next":"/9j+x=="}`, "1 -> /9j+x=="},
		"--next yields an object":     {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[1],"next":{"href":"x"}}`, "api_refuses no_next"},
		"--next yields true":          {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":[1],"next":true}`, "api_refuses no_next"},
		"--items fails":               {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `{"data":7}`, "unexpected items_failed"},
		"--next fails":                {Config{Next: ".next.a", Items: ".data[]"}, cursor, "", nil, `{"data":[],"next":[]}`, "unexpected next_failed"},
		"no JSON":                     {Config{Next: ".next", Items: ".data[]"}, cursor, "", nil, `<html>`, "undecodable html"},
		"--check":                     {Config{Next: ".next", Items: ".data[]", Check: ".ok"}, cursor, "", nil, `{"data":[1]}`, "unexpected check_failed"},
		"the answer is a page":        {Config{Next: ".next", Extract: ".data[]"}, cursor, "", nil, `{"data":[1,2],"next":"c"}`, "page of 2 records -> c"},
		"a key in the next URL":       {Config{Next: ".next", Items: ".data[]", Credential: "api_key"}, plain, "", nil, `{"data":[1],"next":"?api_key=ab12C&page=2"}`, "1 -> https://a.example/i?page=2"},
		"a key in the Link header":    {Config{Next: NextLink, Items: ".[]", Credential: "api_key"}, plain, "", links(`<https://a.example/i?page=2&api_key=ab>; rel="next"`), `[1]`, "1 -> https://a.example/i?page=2"},
		"a key in the items' URLs":    {Config{Next: ".next", Items: ".data[]", Credential: "api_key"}, cursor, "", nil, `{"data":["https://a.example/1?api_key=ab12C",{"url":"https://a.example/2?x=1&api_key=[secret]"}]}`, "https://a.example/1 https://a.example/2?x=1 -> "},
		"where it is, with a key":     {Config{Next: ".next", Items: ".data[]", Credential: "api_key"}, plain, "", nil, `{"data":[1],"next":"https://a.example/i?api_key=ab12C"}`, "1 -> https://a.example/i"},
		"a page that fails --check":   {Config{Next: ".next", Check: ".ok"}, cursor, "", nil, `{"data":[1,2],"next":"c"}`, "unexpected check_failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			req, err := u.ListRequest(test.seed, test.next)
			if err != nil {
				t.Fatal(err)
			}
			l, then, r := u.ReadList(req, test.seed, 3, &harvest.Answer{Status: 200, Header: test.header, Body: []byte(test.body)}, func(text string) (harvest.Item, error) {
				if text == "bad" {
					return harvest.Item{}, harvest.ErrURL
				}
				return harvest.Item{ID: text}, nil
			})
			var ids []string
			for _, entry := range l.Entries {
				if entry.Rejected != nil {
					ids = append(ids, entry.Rejected.Reason)
					continue
				}
				ids = append(ids, entry.Item.ID)
			}
			got := strings.Join(ids, " ") + " -> " + then
			if r.Fault != harvest.FaultNone {
				got = string(r.Fault) + " " + r.Reason
			} else if test.config.Items == "" {
				got = fmt.Sprintf("page of %d records -> %s", len(l.Page.Records), then)
				if l.Page.Key != harvest.StepKey(test.seed, 3) || l.Page.URL != req.URL {
					t.Errorf("ReadList() = page %s of %s, want that of step 3 of the seed", l.Page.Key, l.Page.URL)
				}
			}
			if got != test.want {
				t.Errorf("ReadList(%s) = %s, want %s", test.body, got, test.want)
			}
		})
	}
}

func TestLinkNext(t *testing.T) {
	for _, test := range []struct{ header, want string }{
		{`<https://a.example/2>; rel="next"`, "https://a.example/2"},
		{`<https://a.example/2>; rel=next`, "https://a.example/2"},
		{`</2>;rel="prev next"`, "/2"},
		{`</1>; title="a, <b>; rel=next"; rel="prev", </2>; REL=NEXT`, "/2"},
		{`</1>; rel="prev"; rel="next"`, ""},
		{`</a,b;c>; rel=next`, "/a,b;c"},
		{`</1>; rel="ne\xt"`, "/1"},
		{`</1>; rel="next`, "/1"},
		{`</1>; rel="previous"; results="false"; cursor="a", </2>; rel="next"; results="true"; cursor="b"`, "/2"},
		{`</1>; rel="previous"; results="true"; cursor="a", </2>; rel="next"; results="false"; cursor="b"`, ""},
		{`</1; rel=next`, ""},
		{`rel=next`, ""},
		{`</1>`, ""},
		{``, ""},
		{`</2>; rel='next'`, "/2"},
		{`</2>; rel = 'prev next' ; title='x'`, "/2"},
		{`</2>; title='a, <b>; rel=prev'; rel='next'`, "/2"},
		{`</2>; title=it's; rel=next`, "/2"},
		{`</2>; rel="next"; anchor="/other"`, ""},
		{`</1>; anchor=/other; rel="next", </2>; rel="next"`, "/2"},
		{`</1>; Anchor='#x'; rel=next`, ""},
		{`</2>; hreflang=de; REL="Next"; type="a/b"`, "/2"},
		{`, ,, </2> ;rel=next,`, "/2"},
		{"\t</2>\t;\trel\t=\tnext", "/2"},
		{`< /2 >; rel=next`, "/2"},
		{`</i?a=1,2;b=3>; rel="next"`, "/i?a=1,2;b=3"},
		{`</2>; rel=nextpage`, ""},
		{`</2>; rev=next`, ""},
		{`</2>; rel`, ""},
		{`</1>; rel; rel=prev, </2>; rel=next`, "/2"},
	} {
		if got := linkNext([]string{test.header}); got != test.want {
			t.Errorf("linkNext(%s) = %q, want %q", test.header, got, test.want)
		}
	}
	if got := linkNext([]string{`</1>; rel=prev`, `</2>; rel=next`}); got != "/2" {
		t.Errorf("linkNext(two lines) = %q, want /2", got)
	}
}

func FuzzLinkNext(f *testing.F) {
	f.Add(`<https://a.example/2>; rel="next", <x>; a=b; c="d\"e"`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := linkNext([]string{header}); len(got) > len(header) {
			t.Errorf("linkNext(%q) = %q, longer than the header", header, got)
		}
	})
}

// TestMore checks the signs that a listing continues although --next ends it.
func TestMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, next, link, body, want string }{
		{"next beside it", ".nxt", "", `{"data":[1],"next":"https://a.example/i?page=2"}`, "next https://a.example/i?page=2"},
		{"a cursor", ".next", "", `{"data":[1],"cursor":"abc"}`, "cursor abc"},
		{"nextPageToken", ".next_page_token", "", `{"items":[1],"nextPageToken":"abc"}`, "nextPageToken abc"},
		{"within meta", ".next_cursor", "", `{"data":[1],"meta":{"next_cursor":"abc"}}`, "meta.next_cursor abc"},
		{"within pagination", ".next", "", `{"data":[1],"pagination":{"page":1,"total_pages":9}}`, "pagination page 1 of 9"},
		{"links.next", ".next", "", `{"data":[1],"links":{"self":"/a","next":"/b"}}`, "links.next /b"},
		{"links.next.href", ".next", "", `{"_links":{"next":{"href":"/b"}}}`, "_links.next …"},
		{"a list of links", ".next", "", `{"links":[{"rel":"self","href":"/a"},{"rel":"next","href":"/b"}]}`, "links with rel next /b"},
		{"OData", ".nextLink", "", `{"value":[1],"@odata.nextLink":"/b"}`, "@odata.nextLink /b"},
		{"has_more", ".next", "", `{"data":[1],"has_more":true}`, "has_more true"},
		{"hasNextPage", ".next", "", `{"data":{"pageInfo":{"hasNextPage":true,"endCursor":"abc"}}}`, "data.pageInfo.hasNextPage true"},
		{"has_more beside a null that is named", ".next", "", `{"data":[1],"next":null,"has_more":true}`, "has_more true"},
		{"LastEvaluatedKey", ".Next", "", `{"Items":[1],"LastEvaluatedKey":{"id":1}}`, "LastEvaluatedKey …"},
		{"a number", ".nextpage", "", `{"data":[1],"next_page":2}`, "next_page 2"},
		{"a Link header", ".next", `<https://a.example/i?page=2>; rel=next`, `{"data":[1]}`, "a Link header with rel=next: https://a.example/i?page=2"},
		{"a Link header that is looked for, and a member", "link", "", `{"data":[1],"next":"/b"}`, "next /b"},
		{"an expression that looks elsewhere", ".meta | select(.on).nxt", "", `{"data":[1],"next":"/b"}`, "next /b"},
		{"no escape in a sentence", ".nxt", "", `{"next":"\u001b[31mx"}`, ""},

		{"isLast", ".nxt", "", `{"values":[1],"isLast":false}`, "isLast false"},
		{"moreResultsAvailable", ".nxt", "", `{"values":[1],"moreResultsAvailable":true}`, "moreResultsAvailable true"},
		{"a total", ".nxt", "", `{"startAt":0,"maxResults":50,"total":120,"issues":[1]}`, "total 120"},
		{"a total within", ".nxt", "", `{"meta":{"x":1},"page":{"offset":0,"total":9,"items":[1,2]}}`, "page total 9"},
		{"a Link header that is none", "link", `https://a.example/i?page=2; rel=next`, `[1]`, "a Link header that is none: https://a.example/i?page=2; rel=next"},
		{"the last of a total", ".nxt", "", `{"startAt":100,"maxResults":50,"total":120,"issues":[1]}`, ""},
		{"all of a total", ".nxt", "", `{"limit":50,"total":2,"issues":[1,2]}`, ""},
		{"a total of something else", ".nxt", "", `{"total":500,"issues":[1,2]}`, ""},
		{"isLast beside a null that is named", ".next", "", `{"values":[1],"isLast":false,"next":null}`, ""},
		{"nothing", ".next", "", `{"data":[1]}`, ""},
		{"null is named", ".next", "", `{"data":[1],"next":null,"cursor":"abc"}`, ""},
		{"null is named further in", ".meta.next", "", `{"data":[1],"meta":{"next":null,"cursor":"abc"}}`, ""},
		{"everything is null", ".nxt", "", `{"data":[1],"next":null,"cursor":""}`, ""},
		{"no more", ".next", "", `{"data":[1],"cursor":"abc","has_more":false}`, ""},
		{"the last page", ".next", "", `{"data":[1],"page":3,"total_pages":3}`, ""},
		{"the last, and said so", ".next", "", `{"data":[1],"cursor":"abc","last":true}`, ""},
		{"an expression that has looked at it", "if .count > 9 then .cursor else null end", "", `{"data":[1],"count":1,"cursor":"abc"}`, ""},
		{"another person's data", ".next", "", `{"data":[{"next":"x","token":"y"}],"user":{"account":{"token":"abc"}}}`, ""},
		{"none", "none", "", `{"data":[1],"next":"/b"}`, ""},
		{"a list", ".next?", "", `[1]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, Config{Next: c.next})
			req, err := u.ListRequest("https://a.example/i?c={cursor}", "")
			if err != nil {
				t.Fatal(err)
			}
			a := answer(200, c.body)
			if c.link != "" {
				a.Header.Set("Link", c.link)
			}
			l, _, r := u.ReadList(req, "https://a.example/i?c={cursor}", 1, a, nil)
			if c.name == "no escape in a sentence" {
				if strings.Contains(l.More, "\x1b") || l.More == "" {
					t.Errorf("More = %q, want it found, without the escape", l.More)
				}
				return
			}
			if r.Fault != harvest.FaultNone && c.name != "a list" || strings.ReplaceAll(l.More, `"`, "") != c.want {
				t.Errorf("ReadList(%s) with --next %s = %+v, More %q, want %q", c.body, c.next, r.Fault, l.More, c.want)
			}
			if l, _, _ = u.ReadList(req, "https://a.example/i?c={cursor}", 2, a, nil); l.More != "" {
				t.Errorf("More at the second step = %q, want none", l.More)
			}
		})
	}
}

// TestEnds checks what marks the end of a listing.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		next string
		ends bool
	}{
		{`null`, true}, {`false`, true}, {`""`, true}, {`" "`, true}, {`0`, true}, {`"0"`, true}, {`-1`, true}, {`"-1"`, true}, {`"null"`, true}, {`"None"`, true}, {`"undefined"`, true}, {`"false"`, true}, {`[]`, true}, {`{}`, true},
		{`1`, false}, {`"1"`, false}, {`"00"`, false}, {`"nullable"`, false}, {`0.5`, false}, {`"-"`, false},
	} {
		u := newUpstream(t, Config{Next: ".next"})
		req, err := u.ListRequest("https://a.example/i?c={cursor}", "")
		if err != nil {
			t.Fatal(err)
		}
		_, then, r := u.ReadList(req, "https://a.example/i?c={cursor}", 2, answer(200, `{"data":[1],"next":`+c.next+`}`), nil)
		if r.Fault != harvest.FaultNone || (then == "") != c.ends {
			t.Errorf("ReadList(next: %s) continues at %q, fault %q, want the end: %t", c.next, then, r.Fault, c.ends)
		}
	}
}

// TestSight checks which answers bring the same items.
func TestSight(t *testing.T) {
	t.Parallel()
	sight := func(config Config, body string) string {
		config.Next = ".next?"
		u := newUpstream(t, config)
		req, err := u.ListRequest("https://a.example/i?c={cursor}", "")
		if err != nil {
			t.Fatal(err)
		}
		l, _, r := u.ReadList(req, "https://a.example/i?c={cursor}", 1, answer(200, body), func(text string) (harvest.Item, error) {
			return harvest.Item{ID: text, Key: harvest.KeyOf(text)}, nil
		})
		if r.Fault != harvest.FaultNone {
			t.Fatalf("ReadList(%s) = %s %s", body, r.Fault, r.Reason)
		}
		return l.Sight
	}
	items := Config{Items: ".data[].id"}
	for _, c := range []struct {
		name   string
		config Config
		a, b   string
		same   bool
	}{
		{"the same, later", Config{}, `{"took":1,"data":[1,2],"next":"a"}`, `{"next":"b","took":7,"data":[1,2]}`, true},
		{"the same in another order", Config{}, `{"data":[1,2,{"a":3}]}`, `{"data":[{"a":3},2,1]}`, true},
		{"the same items in another order", items, `{"data":[{"id":1},{"id":2}]}`, `{"data":[{"id":2},{"id":1}]}`, true},
		{"the same once and twice", Config{}, `{"data":[1,1]}`, `{"data":[1]}`, false},
		{"others", Config{}, `{"data":[1,2]}`, `{"data":[1,3]}`, false},
		{"the same in another list", Config{}, `{"a":[1],"b":[]}`, `{"a":[],"b":[1]}`, false},
		{"the same items", items, `{"data":[{"id":1,"at":5}]}`, `{"data":[{"id":1,"at":6}]}`, true},
		{"other items", items, `{"data":[{"id":1}]}`, `{"data":[{"id":2}]}`, false},
		{"further in", Config{}, `{"hits":{"total":9,"hits":[1]}}`, `{"hits":{"total":8,"hits":[1]}}`, true},
		{"links are none", Config{}, `{"data":[1],"links":[{"rel":"next","href":"/a"}]}`, `{"data":[1],"links":[{"rel":"next","href":"/b"}]}`, true},
		{"objects without a list", Config{}, `{"a":1}`, `{"a":2}`, false},
	} {
		if a, b := sight(c.config, c.a), sight(c.config, c.b); (a == b) != c.same || a == EmptySight || b == EmptySight {
			t.Errorf("%s: sights %q and %q, want the same: %t", c.name, a, b, c.same)
		}
	}
	for _, body := range []string{`{"data":[],"next":"a"}`, `[]`, `{}`, `null`, `{"data":{"items":[],"included":[]}}`, `{"data":[],"links":[{"rel":"next","href":"/a"}]}`} {
		if got := sight(Config{}, body); got != EmptySight {
			t.Errorf("sight of %s = %q, want %q", body, got, EmptySight)
		}
	}
	if got := sight(Config{Items: ".data[]|select(.x)"}, `{"data":[{"y":1}]}`); got == EmptySight {
		t.Errorf("sight of an answer whose items --items leaves out = %q, want it to count as items", got)
	}
}
