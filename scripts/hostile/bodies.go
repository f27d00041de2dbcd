package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// bodies are answers that cost memory or time once they are read.
func bodies() []attack {
	small := "[" + strings.Repeat(`{"a":1},`, 650_000) + `{"a":1}]`
	return []attack{
		{name: "40 bodies of 15 MB, 15 kB packed", items: 40, answer: bomb15()},
		{name: "40 bodies of 15 MB, unpacked", items: 40, answer: text("application/json", `{"id":1,"title":"`+strings.Repeat("a", 15<<20)+`"}`)},
		{name: "40 bodies of 1 GB, 1 MB packed", items: 40, answer: packed(`{"a":"`, strings.Repeat("a", 1<<20), 1000, `"}`)},
		{name: "650,000 small objects", items: 40, answer: text("application/json", small), args: []string{"--extract", "."}},
		{name: "650,000 small objects through jq", items: 10, answer: text("application/json", small), args: []string{"--extract", "[.[] | (.a? // 0) + 1]"}},
		{name: "millions of empty objects", items: 40, answer: packed("[", strings.Repeat("{},", 300_000), 16, "{}]")},
		{name: "a tree of a million levels", items: 40, answer: text("application/json", strings.Repeat(`{"a":[`, 500_000))},
		{name: "UTF-16 of 15 MB", items: 40, answer: text("application/json; charset=utf-16le", strings.Repeat("\"\x00", 7<<20))},
		{name: "HTML with status 200", items: 20, answer: text("text/html", "<html><title>Maintenance</title>"+strings.Repeat("<p>", 1<<20))},
		{name: "escapes in every text", items: 20, answer: escapes},
	}
}

// connections are servers that are hostile below the body.
func connections() []attack {
	return []attack{
		{name: "redirects without end", items: 10, answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fmt.Sprintf("/bad/%d", time.Now().UnixNano()), http.StatusFound)
		}},
		{name: "a megabyte of headers", items: 10, answer: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprintf("X-Flood-%d", i), strings.Repeat("h", 1000))
			}
			_, _ = io.WriteString(w, "{}")
		}},
		{name: "a byte a second", items: 10, args: []string{"--timeout", "3s"}, answer: drip},
		{name: "no answer at all", items: 10, args: []string{"--timeout", "2s"}, answer: hang},
		{name: "connections cut in mid-body", items: 10, answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":`)
			panic(http.ErrAbortHandler)
		}},
		{name: "103 Early Hints for ever", items: 5, args: []string{"--timeout", "5s"}, answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</"+strings.Repeat("l", 1000)+">; rel=preload")
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}},
	}
}

// overTLS are the same over HTTP/2.
func overTLS() []attack {
	return []attack{
		{name: "HTTP/2: 40 bodies of 15 MB, 15 kB packed", items: 40, tls: true, answer: bomb15()},
		{name: "HTTP/2: 40 bodies of 1 GB, 1 MB packed", items: 40, tls: true, answer: packed(`{"a":"`, strings.Repeat("a", 1<<20), 1000, `"}`)},
		{name: "HTTP/2: millions of empty objects", items: 40, tls: true, answer: packed("[", strings.Repeat("{},", 300_000), 16, "{}]")},
		{name: "HTTP/2: a byte a second", items: 10, tls: true, args: []string{"--timeout", "3s"}, answer: drip},
		{name: "HTTP/2: no answer at all", items: 10, tls: true, args: []string{"--timeout", "2s"}, answer: hang},
	}
}

func bomb15() http.HandlerFunc {
	return packed(`{"id":1,"title":"`, strings.Repeat("a", 1<<20), 15, `"}`)
}

// neighbour is an innocent answer.
func neighbour(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, innocent(r.URL.Path))
}

func innocent(path string) string {
	return fmt.Sprintf(`{"id":%q,"title":%q}`, path, strings.Repeat("an innocent neighbour ", 100))
}

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

// packed answers with a gzip body of head, n times middle, and tail, which is made when it is first
// asked for.
func packed(head, middle string, n int, tail string) http.HandlerFunc {
	body := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, head) // memory takes all
		for range n {
			_, _ = io.WriteString(z, middle)
		}
		_, _ = io.WriteString(z, tail)
		_ = z.Close()
		return b.Bytes()
	})
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body())
	}
}

func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(time.Second)
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

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// escapes answers with what acts on a terminal, forges a line or reorders it, in each place that an
// answer has.
func escapes(w http.ResponseWriter, r *http.Request) {
	const acts = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e\u2066\u2028\nlevel=ERROR msg=forged\r\x00\x7f\ufeff"
	shown := strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(acts)
	w.Header().Set("Content-Type", "text/html; title="+shown)
	w.Header().Set("Retry-Later", shown)
	w.Header().Set("RateLimit", shown)
	status := []int{http.StatusBadRequest, http.StatusOK, http.StatusFound, http.StatusInternalServerError}[len(r.URL.Path)%4]
	if status == http.StatusFound {
		w.Header().Set("Location", "//"+shown+"/"+shown)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<html><title>"+acts+"</title>"+acts)
}
