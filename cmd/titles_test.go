package cmd_test

import (
	"crypto/sha1"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/unicode/norm"
	_ "modernc.org/sqlite" // the driver of formerRuns
)

// letters is a MediaWiki that holds every title, with a text that names it, and is strict about
// spellings: it brings a title first into normal form C and then into its own spelling, in which
// the first letter is a capital or not, but never a Georgian one. old answers as a wiki before 1.25
// does.
type letters struct {
	sensitive, old bool
	listed         sync.Map // page id → title
}

// startLetters starts such a wiki, "letters first-letter", "letters case-sensitive" or "letters
// old".
func startLetters(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(&letters{sensitive: args[0] == "case-sensitive", old: args[0] == "old"})
	ts.Defer(server.Close)
	ts.Setenv("WIKI", server.URL+"/w/api.php")
}

// formerRuns makes the runs of a store in a file those of a version that keyed titles by a capital.
func formerRuns(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec("UPDATE inputs SET titles = ''")
	ts.Check(err)
	ts.Check(db.Close())
}

func (l *letters) spelling(title string) string {
	title = strings.Trim(strings.ReplaceAll(title, "_", " "), " ")
	if first, n := utf8.DecodeRuneInString(title); !l.sensitive && !unicode.Is(unicode.Georgian, first) {
		title = string(unicode.ToUpper(first)) + title[n:]
	}
	return title
}

// ServeHTTP is api.php.
func (l *letters) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var normalized []any
	pages := map[string]any{}
	var titles []string
	if r.FormValue("generator") == "allpages" {
		titles = []string{r.FormValue("gapprefix") + " and more"}
	} else {
		titles = strings.Split(r.FormValue("titles"), "|")
		if title, ok := l.listed.Load(r.FormValue("pageids")); ok {
			titles = []string{title.(string)}
		}
	}
	say := func(from, to string) {
		encoded := norm.NFC.String(from) != from
		if encoded {
			from = url.PathEscape(from)
		}
		normalized = append(normalized, map[string]any{"from": from, "to": to, "fromencoded": encoded})
	}
	for _, raw := range titles {
		title := norm.NFC.String(raw)
		if title != raw {
			say(raw, title)
		}
		if own := l.spelling(title); own != title {
			say(title, own)
			title = own
		}
		pages[title] = l.page(title)
	}
	query := map[string]any{"normalized": normalized, "pages": slices.Collect(valuesOf(pages))}
	answer := map[string]any{"batchcomplete": true, "query": query}
	if l.old {
		query["pages"], answer["batchcomplete"] = pages, ""
		answer["warnings"] = map[string]any{"main": map[string]any{"*": "Unrecognized parameter: 'rvslots'"}}
	}
	rw.Header().Set("Content-Type", "application/json")
	if l.old {
		_, _ = rw.Write([]byte("\uFEFF"))
	}
	_ = json.NewEncoder(rw).Encode(answer)
}

func valuesOf(m map[string]any) func(yield func(any) bool) {
	return func(yield func(any) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

func (l *letters) page(title string) any {
	id := int64(1)
	for _, c := range []byte(title) {
		id = (id*31 + int64(c)) % 1_000_000_007
	}
	l.listed.Store(strconv.FormatInt(id, 10), title)
	text := "text of " + title
	sum := sha1.Sum([]byte(text))
	revision := map[string]any{"revid": id, "parentid": 0, "user": "Ada", "timestamp": "2020-05-09T10:00:00Z", "size": len(text), "sha1": hex.EncodeToString(sum[:])}
	slot := map[string]any{"contentmodel": "wikitext", "content": text}
	if l.old {
		revision["*"] = text
	} else {
		revision["slots"] = map[string]any{"main": slot}
	}
	return map[string]any{"pageid": id, "ns": 0, "title": title, "length": len(text), "lastrevid": id, "revisions": []any{revision}}
}
