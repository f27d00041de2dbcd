package cmd_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// wiki is a small MediaWiki: pages 1 to 130 in namespace 4, of which 5 redirects to 6, and a wrong
// spelling of page 7. It knows the shapes of api.php that a harvest meets: listings in steps,
// normalised titles, redirects, missing and invalid titles, answers that are cut and continued,
// lag, and a page that its servers cannot give with others.
type wiki struct {
	requests atomic.Int64
	lagged   atomic.Bool // reported so once
}

const (
	wikiPages  = 130
	wikiPrefix = "Wikipedia:Articles for deletion/"
	wikiStep   = 40 // pages of one step of a listing
	wikiCut    = 30 // pages with content in one answer
)

func wikiTitle(id int) string { return fmt.Sprintf("%sCase %03d", wikiPrefix, id) }

func wikiText(id int) string {
	return fmt.Sprintf("<div class=\"boilerplate afd vfd xfd-closed\">\n<!--Template:Afd top-->\nThe result was '''keep'''. [[User:Ada|Ada]] 10:00, 9 May 2020 (UTC)\n"+
		"===[[:Case %03d]]===\nNot notable. [[User:Bob|Bob]] 09:00, 1 May 2020 (UTC)\n*'''Keep''' per [[WP:GNG]]. [[User:Eve|Eve]] 09:30, 2 May 2020 (UTC)\n<!--Template:Afd bottom--></div>", id)
}

// startWiki starts a wiki and sets WIKI to the address of its api.php.
func startWiki(ts *testscript.TestScript, _ bool, _ []string) {
	w := &wiki{}
	server := httptest.NewServer(w)
	ts.Defer(server.Close)
	ts.Setenv("WIKI", server.URL+"/w/api.php")
}

// ServeHTTP is api.php.
func (w *wiki) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	n := w.requests.Add(1)
	rw.Header().Set("Content-Type", "application/json")
	switch {
	case n == 5 && !w.lagged.Swap(true):
		rw.Header().Set("Retry-After", "1")
		rw.Header().Set("MediaWiki-API-Error", "maxlag")
		fmt.Fprint(rw, `{"errors":[{"code":"maxlag","text":"Waiting for db1","data":{"lag":1}}]}`)
	case r.FormValue("maxlag") != "5" || r.FormValue("formatversion") != "2":
		fmt.Fprint(rw, `{"errors":[{"code":"badvalue","text":"a parameter of every request is missing"}]}`)
	case r.FormValue("generator") == "allpages":
		w.list(rw, r)
	default:
		w.pages(rw, r)
	}
}

func (w *wiki) list(rw http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.FormValue("gapcontinue"))
	var pages []any
	id := max(from, 1)
	if !strings.HasPrefix("Articles for deletion/", r.FormValue("gapprefix")) {
		id = wikiPages + 1
	}
	for ; id <= wikiPages && len(pages) < wikiStep; id++ {
		if id != 5 {
			pages = append(pages, map[string]any{"pageid": id, "ns": 4, "title": wikiTitle(id), "length": len(wikiText(id)), "lastrevid": id})
		}
	}
	answer := map[string]any{"batchcomplete": true}
	if len(pages) > 0 { // a real wiki leaves an empty query out
		answer["query"] = map[string]any{"pages": pages}
	}
	if id <= wikiPages {
		answer["continue"] = map[string]any{"gapcontinue": strconv.Itoa(id), "continue": "gapcontinue||"}
	}
	_ = json.NewEncoder(rw).Encode(answer)
}

// pages answers titles or page ids, at most wikiCut of them with their text.
func (w *wiki) pages(rw http.ResponseWriter, r *http.Request) {
	asked := strings.Split(r.FormValue("titles")+r.FormValue("pageids"), "|")
	if len(asked) > 50 {
		fmt.Fprint(rw, `{"errors":[{"code":"toomanyvalues","text":"too many","data":{"limit":50}}]}`)
		return
	}
	if len(asked) > 1 && (slices.Contains(asked, wikiTitle(77)) || slices.Contains(asked, "77")) {
		fmt.Fprint(rw, `{"errors":[{"code":"internal_api_error_DBQueryError","text":"page 77 is poison for its neighbours"}]}`)
		return
	}
	skip, _ := strconv.Atoi(r.FormValue("rvcontinue"))
	var normalized, redirects []any
	var pages []map[string]any
	for _, name := range asked {
		if after, ok := strings.CutPrefix(name, "Project:"); ok {
			normalized = append(normalized, map[string]string{"from": name, "to": "Wikipedia:" + after})
			name = "Wikipedia:" + after
		}
		id, err := strconv.Atoi(strings.TrimPrefix(name, wikiPrefix+"Case "))
		switch {
		case strings.Contains(name, "<"):
			pages = append(pages, map[string]any{"title": name, "invalid": true, "invalidreason": "bad character"})
		case err != nil || id < 1 || id > wikiPages:
			pages = append(pages, map[string]any{"ns": 4, "title": name, "missing": true})
		case id == 5 && r.FormValue("titles") != "":
			redirects = append(redirects, map[string]string{"from": wikiTitle(5), "to": wikiTitle(6)})
		default:
			pages = append(pages, map[string]any{"pageid": id, "ns": 4, "title": wikiTitle(id), "revisions": revisions(id)})
		}
	}
	query := map[string]any{"normalized": normalized, "redirects": redirects, "pages": pages}
	answer := map[string]any{"query": query, "batchcomplete": true}
	for i := range pages {
		if i < skip || i >= skip+wikiCut {
			delete(pages[i], "revisions")
		}
	}
	if skip+wikiCut < len(pages) {
		answer["continue"] = map[string]any{"rvcontinue": strconv.Itoa(skip + wikiCut), "continue": "||info"}
		delete(answer, "batchcomplete")
	}
	_ = json.NewEncoder(rw).Encode(answer)
}

func revisions(id int) []any {
	text := wikiText(id)
	sum := sha1.Sum([]byte(text))
	return []any{map[string]any{
		"revid": id, "parentid": 0, "user": "Ada", "timestamp": "2020-05-09T10:00:00Z", "size": len(text), "sha1": hex.EncodeToString(sum[:]),
		"slots": map[string]any{"main": map[string]any{"contentmodel": "wikitext", "contentformat": "text/x-wiki", "content": text}},
	}}
}
