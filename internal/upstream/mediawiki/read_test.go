package mediawiki

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

const testAPI = "https://wiki.example/w/api.php"

func wiki(t testing.TB) *Upstream {
	t.Helper()
	u, err := New(Config{API: testAPI, Body: true, Records: func(p Text) ([]harvest.Record, error) {
		return []harvest.Record{{Kind: "text", Data: fmt.Appendf(nil, "%q", p.Title)}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func titles(t testing.TB, names ...string) []harvest.Item {
	t.Helper()
	items := make([]harvest.Item, len(names))
	for i, name := range names {
		var err error
		if id, ok := strings.CutPrefix(name, "#"); ok {
			items[i], err = PageID(testAPI, id)
		} else {
			items[i], err = Title(testAPI, name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return items
}

// rev is a page with its text, as the wiki answers it.
func rev(id int, title, text string) string {
	sum := sha1.Sum([]byte(text))
	return fmt.Sprintf(`{"pageid":%d,"ns":4,"title":%q,"lastrevid":%d,"length":%d,"revisions":[{"revid":%d,"parentid":0,"user":"Ada","timestamp":"2020-01-02T03:04:05Z",
		"size":%d,"sha1":"%s","slots":{"main":{"contentmodel":"wikitext","contentformat":"text/x-wiki","content":%q}}}]}`,
		id, title, id, len(text), id, len(text), hex.EncodeToString(sum[:]), text)
}

func answered(body string) *harvest.Answer {
	return harvest.NewAnswer(harvest.Answer{Status: 200, Header: http.Header{}, Body: []byte(body), Arrived: time.Unix(1, 0)}, nil)
}

func ask(t testing.TB, u *Upstream, items []harvest.Item) *harvest.Request {
	t.Helper()
	req, err := u.Request(items)
	if err != nil {
		t.Fatalf("Request() = %v, want nil", err)
	}
	return req
}

// ends lists how each item ended in a reading: outcome and reason, unfinished or next. why is the
// reason of a page, with the title of its text.
func why(p *harvest.Page) string {
	if p.Reason == reasonAlias || p.Reason == reasonRedirect {
		return p.Reason + ":" + p.Detail
	}
	return p.Reason
}

func ends(r harvest.Reading, items []harvest.Item) string {
	how := map[harvest.Key]string{}
	add := func(key harvest.Key, what string) { how[key] = strings.TrimPrefix(how[key]+"+"+what, "+") }
	for i := range r.Pages {
		add(r.Pages[i].Key, strings.TrimSuffix(string(r.Pages[i].Outcome)+" "+why(&r.Pages[i]), " "))
	}
	for _, item := range r.Unfinished {
		add(item.Key, "unfinished")
	}
	if r.Next != nil {
		for _, item := range r.Next.Items {
			add(item.Key, "next")
		}
	}
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = how[item.Key]
	}
	return strings.Join(all, "; ")
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, asked, body, want string }{
		{"pages in any order", "A|B", `{"batchcomplete":true,"query":{"pages":[` + rev(2, "B", "b") + `,` + rev(1, "A", "a") + `]}}`, "landed; landed"},
		{"a spelling that shares the key is no alias", "wikipedia:A_b", `{"query":{"normalized":[{"from":"wikipedia:A b","to":"Wikipedia:A b"}],"pages":[` + rev(1, "Wikipedia:A b", "a") + `]}}`, "landed"},
		{"another spelling", "Project:A|Wikipedia:A", `{"query":{"normalized":[{"fromencoded":false,"from":"Project:A","to":"Wikipedia:A"}],"pages":[` + rev(1, "Wikipedia:A", "a") + `]}}`, "landed alias:Wikipedia:A; landed"},
		{"a spelling in another normal form", "Cafe\u0301", `{"query":{"normalized":[{"fromencoded":true,"from":"Cafe%CC%81","to":"Café"}],"pages":[` + rev(1, "Café", "a") + `]}}`, "landed"},
		{"another spelling of nothing", "Project:A", `{"query":{"normalized":[{"from":"Project:A","to":"Wikipedia:A"}],"pages":[{"ns":4,"title":"Wikipedia:A","missing":true}]}}`, "landed alias:Wikipedia:A"},
		{"redirects, one over two steps, with their target", "R|S|T", `{"query":{"redirects":[{"from":"R","to":"S"},{"from":"S","to":"T"}],"pages":[` + rev(1, "T", "t") + `]}}`, "landed redirect:T; landed redirect:T; landed"},
		{"a redirect to nothing", "R", `{"query":{"redirects":[{"from":"R","to":"N"}],"pages":[{"ns":0,"title":"N","missing":true}]}}`, "landed redirect:N"},
		{"redirects in a circle", "R|S|A", `{"query":{"redirects":[{"from":"R","to":"S"},{"from":"S","to":"R"}],"pages":[` + rev(1, "A", "a") + `]}}`, "skipped redirect_loop; skipped redirect_loop; landed"},
		{"missing, invalid, special, another wiki's", "M|I<|Special:X|Fr:Y", `{"query":{"interwiki":[{"title":"Fr:Y","iw":"fr"}],"pages":[{"title":"M","missing":true},{"title":"I<","invalidreason":"bad <","invalid":true},{"title":"Special:X","special":true}]}}`,
			"missing missing; skipped invalid_title; skipped special_page; skipped interwiki"},
		{"a reason that is an object", "I<", `{"query":{"pages":[{"title":"I<","invalidreason":{"code":"x","text":"bad"},"invalid":true}]}}`, "skipped invalid_title"},
		{"page ids", "#1|#2|#3", `{"query":{"pages":[{"pageid":2,"missing":true},` + rev(1, "A", "a") + `,` + strings.Replace(rev(3, "R", "#REDIRECT [[Old_name#x|y]]"), `"ns":4`, `"ns":4,"redirect":true`, 1) + `]}}`, "landed; missing missing; landed redirect:Old name"},
		{"without revisions, and with an empty list", "A|B|C", `{"query":{"pages":[` + rev(1, "A", "a") + `,{"pageid":2,"title":"B"},{"pageid":3,"title":"C","revisions":[]}]}}`, "landed; unfinished; unfinished"},
		{"cut at the size of an answer", "A|B", `{"continue":{"rvcontinue":"2|2","continue":"||info"},"query":{"pages":[` + rev(1, "A", "a") + `,{"pageid":2,"title":"B"}]}}`, "landed; next"},
		{"a continue that is not needed", "A", `{"continue":{"rvcontinue":"2|2","continue":"||"},"query":{"pages":[` + rev(1, "A", "a") + `]}}`, "landed"},
		{"not in the answer at all", "A|B", `{"batchcomplete":true,"query":{"pages":[` + rev(1, "A", "a") + `]}}`, "landed; unfinished"},
		{"nothing but an end", "A", `{"batchcomplete":true}`, "unfinished"},
		{"hidden", "A", strings.Replace(`{"query":{"pages":[`+rev(1, "A", "a")+`]}}`, `"content":"a"`, `"texthidden":true`, 1), "skipped hidden_revision"},
		{"a text that does not match its checksum", "A", strings.Replace(`{"query":{"pages":[`+rev(1, "A", "a")+`]}}`, `"content":"a"`, `"content":"b"`, 1), "unfinished"},
		{"a hidden user", "A", strings.Replace(`{"query":{"pages":[`+rev(1, "A", "a")+`]}}`, `"user":"Ada"`, `"userhidden":true`, 1), "landed"},
	} {
		u := wiki(t)
		items := titles(t, strings.Split(tt.asked, "|")...)
		r := u.Read(ask(t, u, items), answered(tt.body))
		if got := ends(r, items); got != tt.want || r.Fault != harvest.FaultNone {
			t.Errorf("%s: Read() = %q, fault %q, want %q", tt.name, got, r.Fault, tt.want)
		}
		for i := range r.Pages {
			if p := &r.Pages[i]; (p.Outcome == harvest.Landed && p.Reason == "") != (len(p.Body) > 0 && len(p.Records) == 1) {
				t.Errorf("%s: page %s %s has a body of %d bytes and %d records", tt.name, p.Outcome, p.Reason, len(p.Body), len(p.Records))
			}
		}
	}
}

func TestReadKeepsThePage(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	items := titles(t, "A")
	r := u.Read(ask(t, u, items), answered(`{"query":{"pages":[`+rev(7, "A", "x\u00e9 \U0001f41f")+`]}}`))
	const want = `{"pageid":7,"title":"A","revid":7,"parentid":0,"timestamp":"2020-01-02T03:04:05Z","user":"Ada","size":8,"sha1":"`
	if got := string(r.Pages[0].Body); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, `","contentmodel":"wikitext","content":"xé 🐟"}`) || r.Pages[0].Revision != "7" {
		t.Errorf("Read() keeps %s of revision %s, want %s…", got, r.Pages[0].Revision, want)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, header string
		fault              harvest.Fault
		reason             string
		wait               time.Duration
	}{
		{"maxlag", `{"errors":[{"code":"maxlag","text":"Waiting","data":{"lag":7.3}}]}`, "", harvest.FaultLagged, "maxlag", 7300 * time.Millisecond},
		{"maxlag in the old shape", `{"error":{"code":"maxlag","info":"Waiting","lag":900}}`, "", harvest.FaultLagged, "maxlag", time.Minute},
		{"ratelimited", `{"errors":[{"code":"ratelimited","text":"slow","data":[]}]}`, "", harvest.FaultRateLimited, "ratelimited", 0},
		{"readonly", `{"errors":[{"code":"readonly","text":"now"}]}`, "", harvest.FaultLagged, "readonly", 30 * time.Second},
		{"a server's error", `{"errors":[{"code":"internal_api_error_DBQueryError","text":"x"}]}`, "", harvest.FaultUndecodable, "internal_api_error_dbqueryerror", 0},
		{"a wrong parameter", `{"errors":[{"code":"badvalue","text":"x"}]}`, "", harvest.FaultFatal, "badvalue", 0},
		{"a lost session", `{"errors":[{"code":"assertuserfailed","text":"x"}]}`, "", harvest.FaultLogin, "assertuserfailed", 0},
		{"a refused token", `{"errors":[{"code":"mwoauth-invalid-authorization","text":"x"}]}`, "", harvest.FaultCredential, "mwoauth-invalid-authorization", 0},
		{"only by its header", `{}`, "ratelimited", harvest.FaultRateLimited, "ratelimited", 0},
		{"HTML", `<html>Wikimedia Error</html>`, "", harvest.FaultUndecodable, "html", 0},
		{"nothing", ``, "", harvest.FaultUndecodable, "bad_json", 0},
		{"cut", `{"query":{"pages":[{"pageid":1,`, "", harvest.FaultUndecodable, "bad_json", 0},
		{"deep", `{"query":` + strings.Repeat("[", 1000), "", harvest.FaultUndecodable, "too_deep", 0},
	} {
		u := wiki(t)
		a := answered(tt.body)
		if tt.header != "" {
			a.Header.Set("MediaWiki-API-Error", tt.header)
		}
		r := u.Read(ask(t, u, titles(t, "A", "B")), a)
		if r.Fault != tt.fault || r.Reason != tt.reason || r.Wait != tt.wait || len(r.Pages)+len(r.Unfinished) > 0 {
			t.Errorf("%s: Read() = %+v, want fault %s, reason %s, wait %s and no item", tt.name, r, tt.fault, tt.reason, tt.wait)
		}
	}
}

func TestTooManyValuesLowersTheLimit(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	u.SetLimit(500)
	items := titles(t, "A", "B", "C", "D", "E", "F")
	r := u.Read(ask(t, u, items), answered(`{"errors":[{"code":"toomanyvalues","text":"x","data":{"parameter":"titles","limit":3}}]}`))
	if len(r.Unfinished) != 6 || r.Fault != harvest.FaultNone || u.Fits(items[:3], items[3]) || !u.Fits(items[:2], items[2]) {
		t.Errorf("Read(toomanyvalues) = %+v, want all unfinished and a limit of 3", r)
	}
	if r := u.Read(ask(t, u, items[:1]), answered(`{"errors":[{"code":"toomanyvalues","text":"x"}]}`)); r.Fault != harvest.FaultFatal {
		t.Errorf("Read(toomanyvalues for one) = %+v, want %s", r, harvest.FaultFatal)
	}
}

func TestContinuationsMergeIntoTheOriginal(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	items := titles(t, "A", "B")
	first := ask(t, u, items)
	cut := `{"continue":{"rvcontinue":"2|2","continue":"||info"},"query":{"pages":[{"pageid":1,"title":"A"},{"pageid":2,"title":"B"}]}}`
	r := u.Read(first, answered(cut))
	if r.Next == nil || r.Next.URL != first.URL+"&continue=%7C%7Cinfo&rvcontinue=2%7C2" || len(r.Next.Items) != 2 {
		t.Fatalf("Read() continues with %+v, want the original with continue and rvcontinue", r.Next)
	}
	if again := u.Read(r.Next, answered(cut)); again.Next != nil || len(again.Unfinished) != 2 {
		t.Errorf("Read(the same continue again) = %+v, want both unfinished", again)
	}
	further := u.Read(r.Next, answered(strings.Replace(cut, "2|2", "3|3", 1)))
	if further.Next == nil || further.Next.URL != first.URL+"&continue=%7C%7Cinfo&rvcontinue=3%7C3" {
		t.Errorf("Read(the next continue) = %+v, want the original with the new one", further.Next)
	}
}

// A wiki that names a new place each time, and never completes a page, is left after ten steps.
func TestContinuationsThatBringNothingEnd(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	items := titles(t, "A", "B")
	request, steps := ask(t, u, items), 0
	for request != nil {
		steps++
		r := u.Read(request, answered(fmt.Sprintf(`{"continue":{"rvcontinue":"%d|1","continue":"||"},"query":{"pages":[]}}`, steps)))
		if r.Next == nil && len(r.Unfinished) != len(items) {
			t.Errorf("Read(step %d) = %+v, want all unfinished", steps, r)
		}
		if request = r.Next; steps > 100 {
			t.Fatal("Read continues for ever")
		}
	}
	if steps != maxBarren+1 {
		t.Errorf("%d steps, want %d", steps, maxBarren+1)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"query":{"pages":[` + rev(1, "A", "a") + `,{"pageid":2,"title":"B"}],"redirects":[{"from":"C","to":"A"}]},"continue":{"a":"b"}}`)
	f.Add(`{"errors":[{"code":"maxlag","data":{"lag":1e300}}]}`)
	f.Add(`[{}]`)
	u := wiki(f)
	items := titles(f, "A", "B", "C", "Project:D")
	req := ask(f, u, items)
	f.Fuzz(func(t *testing.T, body string) {
		r := u.Read(req, answered(body))
		u.ReadList(answered(body))
		u.ReadUserInfo(answered(body))
		u.ReadLogin(answered(body))
		if r.Fault != harvest.FaultNone {
			return
		}
		for i, how := range strings.Split(ends(r, items), "; ") {
			if how == "" || strings.Contains(how, "+") {
				t.Errorf("Read(%q): item %s ends as %q, want exactly one end", body, items[i].ID, how)
			}
		}
	})
}
