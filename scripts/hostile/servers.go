package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// attack is what a server answers to the hostile items, and how the worker is started against it.
type attack struct {
	name   string
	items  int
	answer http.HandlerFunc
	args   []string
}

const plainExtract = "{id,title}"

// attacks are the hostile servers.
func attacks() []attack {
	small := "[" + strings.Repeat(`{"a":1},`, 650_000) + `{"a":1}]`
	blanks := `{"id":1,"s":"` + strings.Repeat(" ", 1<<20) + `"}`
	return []attack{
		{"bodies of 15 MB, 15 kB packed", 40, packed(`{"id":1,"title":"`, strings.Repeat("a", 1<<20), 15, `"}`), nil},
		{"bodies of 15 MB, unpacked", 40, text("application/json", `{"id":1,"title":"`+strings.Repeat("a", 15<<20)+`"}`), nil},
		{"bodies of 1 GB, 1 MB packed", 40, packed(`{"a":"`, strings.Repeat("a", 1<<20), 1000, `"}`), nil},
		{"650,000 small objects", 40, text("application/json", small), []string{"--extract", "."}},
		{"650,000 small objects through jq", 10, text("application/json", small), []string{"--extract", "[.[] | (.a? // 0) + 1]"}},
		{"millions of empty objects", 40, packed("[", strings.Repeat("{},", 300_000), 16, "{}]"), nil},
		{"a tree of a million levels", 40, text("application/json", strings.Repeat(`{"a":[`, 500_000)), nil},
		{"one step of jq without end", 8, text("application/json", blanks), []string{"--extract", `{id, s: ((.s // "x") | gsub(" ";""))}`}},
		{"numbers of 16 million digits", 8, text("application/json", `{"id":1,"n":`+strings.Repeat("7", 15<<20)+`}`), []string{"--extract", "{id, n: ((.n // 1) + 1)}", "--body", "raw"}},
		{"text times number", 8, text("application/json", `{"id":1,"price":"aaaaaaaaaaaaaaaa","n":16777215}`), []string{"--extract", "{id, p: ((.price // 2) * (.n // 3))}"}},
		{"UTF-16 of 15 MB", 40, text("application/json; charset=utf-16le", strings.Repeat("\"\x00", 7<<20)), nil},
		{"HTML with status 200", 20, text("text/html", "<html><title>Maintenance</title>"+strings.Repeat("<p>", 1<<20)), nil},
		{"redirects without end", 10, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fmt.Sprintf("/bad/%d", time.Now().UnixNano()), http.StatusFound)
		}, nil},
		{"a megabyte of headers", 10, func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprintf("X-Flood-%d", i), strings.Repeat("h", 1000))
			}
			_, _ = io.WriteString(w, "{}")
		}, nil},
		{"a byte a second", 10, func(w http.ResponseWriter, r *http.Request) { drip(w, r, time.Second) }, []string{"--timeout", "3s"}},
		{"no answer at all", 10, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"--timeout", "2s"}},
		{"connections cut in mid-body", 10, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":`)
			panic(http.ErrAbortHandler)
		}, nil},
	}
}

// neighbour is an innocent answer.
func neighbour(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"id":%q,"title":%q}`, r.URL.Path, strings.Repeat("an innocent neighbour ", 100))
}

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

// packed answers with a gzip body of head, n times middle, and tail.
func packed(head, middle string, n int, tail string) http.HandlerFunc {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, head) // memory takes all
	for range n {
		_, _ = io.WriteString(z, middle)
	}
	_, _ = io.WriteString(z, tail)
	_ = z.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(b.Bytes())
	}
}

func drip(w http.ResponseWriter, r *http.Request, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
