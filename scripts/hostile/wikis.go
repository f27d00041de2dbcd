package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wikis are hostile api.php. A pack that holds a hostile title gets what is hostile, its neighbours
// by themselves do not.
func wikis() []attack {
	circle := make([]string, 1000)
	for i := range circle {
		circle[i] = fmt.Sprintf(`{"from":"Bad %d","to":"Bad %d"}`, i, (i+1)%len(circle))
	}
	million := func(key string) http.HandlerFunc {
		return packed(`{"query":{"`+key+`":[`, strings.Repeat(`{"from":"Bad 0","to":"Bad 1"},`, 10_000), 50, `{}],"pages":[]}}`)
	}
	row := func(name string, items int, answer http.HandlerFunc, args ...string) attack {
		return attack{name: "wiki: " + name, items: items, args: args, prepare: func(c *scene) ([]string, error) { return c.wiki(items, answer) }}
	}
	return []attack{
		row("millions of empty pages in 70 KiB", 10, packed(`{"query":{"pages":[`, strings.Repeat("{},", 300_000), 16, "{}]}}")),
		row("millions of empty revisions", 10, packed(`{"query":{"pages":[{"title":"Bad 0","revisions":[`, strings.Repeat("{},", 300_000), 16, "{}]}]}}")),
		row("half a million redirects", 10, million("redirects")),
		row("half a million normalized titles", 10, million("normalized")),
		row("a batch of errors without end", 10, packed(`{"errors":[`, strings.Repeat("{},", 300_000), 16, "{}]}")),
		row("8 MiB of text each", 20, wikiText(8<<20)),
		row("15 MiB of text each", 20, wikiText(15<<20)),
		row("continue with the same token for ever", 10, text("application/json", `{"continue":{"rvcontinue":"1|1","continue":"||"},"query":{"pages":[]}}`)),
		row("continue with a new token for ever", 10, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"continue":{"rvcontinue":"%d","continue":"||"},"query":{"pages":[]}}`, time.Now().UnixNano())
		}),
		row("continue with a token that grows", 10, func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"continue":{"rvcontinue":"%s1","continue":"||"},"query":{"pages":[]}}`, strings.Repeat("9", 2*len(r.FormValue("rvcontinue"))))
		}),
		row("pages without revisions for ever", 10, echo(func(title string) any {
			return map[string]any{"pageid": 1, "ns": 0, "title": title}
		})),
		row("pages that were not asked for", 10, text("application/json", `{"batchcomplete":true,"query":{"pages":[{"pageid":7,"ns":0,"title":"Other"}]}}`)),
		row("normalized titles in a circle", 10, text("application/json", `{"batchcomplete":true,"query":{"normalized":[`+strings.Join(circle, ",")+`],"redirects":[`+strings.Join(circle, ",")+`],"pages":[]}}`)),
		row("redirects in a circle", 10, text("application/json", `{"batchcomplete":true,"query":{"redirects":[`+strings.Join(circle, ",")+`],"pages":[]}}`)),
		row("lagged for ever, for some titles", 2, lagged("1")),
		impatient(row("lagged by 1e18 seconds", 2, lagged("1e18"))),
		row("a discussion of 4 MB of brackets", 5, wikiPage(strings.Repeat("[[{{", 1<<20)), "--extract", "afd"),
		row("a discussion of 120,000 signatures", 5, wikiPage("== A ==\n"+strings.Repeat("[[User:A]] 1:00, 1 May 2010 (UTC)\n", 120_000)), "--extract", "afd"),
	}
}

// lagged answers that the wiki lags by so many seconds, and asks to be left alone for one.
func lagged(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		_, _ = w.Write([]byte(`{"errors":[{"code":"maxlag","data":{"lag":` + seconds + `}}]}`))
	}
}

// impatient is a case in which the pack of the hostile titles, which comes first, silences the
// worker for longer than its patience.
func impatient(a attack) attack {
	a.args, a.exits, a.landed, a.within = []string{"--patience", "30s", "--concurrency", "1"}, []int{5}, noneLands, time.Minute
	return a
}

// wiki starts a wiki and writes a corpus of titles.
func (c *scene) wiki(items int, hostile http.HandlerFunc) ([]string, error) {
	c.neighbour = "%=Ok%"
	good := wikiPage("An innocent neighbour.")
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.FormValue("meta") != "":
			_, _ = w.Write([]byte(`{"batchcomplete":true,"query":{"general":{"case":"first-letter"}}}`))
		case strings.Contains(r.FormValue("titles"), "Bad"):
			hostile(w, r)
		default:
			good(w, r)
		}
	}), false)
	if err != nil {
		return nil, err
	}
	var titles strings.Builder
	for i := 1; i <= neighbours; i++ {
		if i <= items {
			fmt.Fprintf(&titles, "Bad %d\n", i)
		}
		fmt.Fprintf(&titles, "Ok %d\n", i)
	}
	return []string{"--api", base + "/w/api.php", "--corpus", "titles.txt"}, c.write("titles.txt", titles.String())
}

// echo answers with a page for each title that is asked for.
func echo(page func(title string) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var pages []any
		for title := range strings.SplitSeq(r.FormValue("titles"), "|") {
			pages = append(pages, page(title))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"batchcomplete": true, "query": map[string]any{"pages": pages}}) // the client may be gone
	}
}

func wikiPage(content string) http.HandlerFunc {
	return echo(func(title string) any {
		id, _ := strconv.Atoi(title[strings.LastIndexByte(title, ' ')+1:]) // 0 is as good
		return map[string]any{"pageid": max(id, 1), "ns": 0, "title": title, "revisions": []any{map[string]any{
			"revid": id + 1, "timestamp": "2020-05-09T10:00:00Z", "size": len(content),
			"slots": map[string]any{"main": map[string]any{"contentmodel": "wikitext", "contentformat": "text/x-wiki", "content": content}},
		}}}
	})
}

// wikiText answers with one page of so many bytes, the first that was asked for.
func wikiText(size int) http.HandlerFunc {
	page := wikiPage(strings.Repeat("w", size))
	return func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(r.FormValue("titles"), "|")
		r.Form.Set("titles", first)
		page(w, r)
	}
}
