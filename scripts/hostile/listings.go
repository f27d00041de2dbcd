package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// listings are hostile answers to the steps of a listing. Two of its chains are hostile, twenty are
// not.
func listings() []attack {
	ended := []int{0, 3, 4} // 4 where a person must look at --next or at the size of a page, after all else has landed
	person := func(a attack) attack {
		a.exits = []int{4}
		return a
	}
	pages := func(name string, answer http.HandlerFunc, args ...string) attack {
		return attack{name: "listing: " + name, within: 3 * time.Minute, exits: ended, args: args, prepare: func(c *scene) ([]string, error) { return c.chains(answer) }}
	}
	items := func(name string, answer http.HandlerFunc) attack {
		return attack{name: "listing: " + name, within: 3 * time.Minute, exits: ended, prepare: func(c *scene) ([]string, error) { return c.named(answer) }}
	}
	same := text("application/json", `{"data":[{"id":1},{"id":2}],"next":"abc"}`)
	empty := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"data":[],"next":"%d"}`, time.Now().UnixNano())
	}
	grows := func(w http.ResponseWriter, r *http.Request) {
		cursor := r.FormValue("cursor") + "x"
		_, _ = fmt.Fprintf(w, `{"data":[{"id":%d}],"next":"%s"}`, len(cursor), strings.Repeat(cursor, 2))
	}
	million := packed(`{"data":[`, strings.Repeat(`{"id":"/ok/1"},`, 10_000), 100, `{"id":"/ok/1"}],"next":null}`)
	return []attack{
		pages("the same cursor and items for ever", same),
		items("the same cursor and names for ever", same),
		pages("empty pages for ever", empty),
		items("empty pages of names for ever", empty),
		pages("a cursor that doubles", grows),
		pages("a cursor of 8 MB", text("application/json", `{"data":[],"next":"`+strings.Repeat("n", 8<<20)+`"}`)),
		person(pages("next at other hosts", func(w http.ResponseWriter, _ *http.Request) {
			now := time.Now().UnixNano()
			_, _ = fmt.Fprintf(w, `{"data":[{"id":%d}],"next":"http://127.0.0.%d:1/%d"}`, now, now%200+2, now)
		})),
		{name: "listing: Link headers to other hosts", within: 3 * time.Minute, exits: ended, args: []string{"--next", "link"}, prepare: func(c *scene) ([]string, error) {
			return c.linked(func(r *http.Request) string {
				return fmt.Sprintf(`<http://metadata.google.internal/%s>; rel="next", <file:///etc/passwd>; rel=next`, r.FormValue("cursor"))
			})
		}},
		{name: "listing: Link headers that grow", within: 3 * time.Minute, exits: ended, args: []string{"--next", "link"}, prepare: func(c *scene) ([]string, error) {
			return c.linked(func(r *http.Request) string { return "<" + r.URL.String() + "&" + r.URL.RawQuery + `>; rel="next"` })
		}},
		{name: "listing: Link headers of commas", within: 3 * time.Minute, exits: ended, args: []string{"--next", "link"}, prepare: func(c *scene) ([]string, error) {
			return c.linked(func(*http.Request) string { return strings.Repeat(`<,;"`, 100_000) })
		}},
		person(items("a page of a million names", million)),
		items("a page of a million wrong names", packed(`{"data":[`, strings.Repeat(`{"id":"\u0000:"},`, 10_000), 100, `{}],"next":null}`)),
		items("names of 1 MB", text("application/json", `{"data":[`+strings.Repeat(`{"id":"/ok/`+strings.Repeat("n", 1<<20)+`"},`, 14)+`{}],"next":null}`)),
		items("names on other hosts", text("application/json", `{"data":[{"id":"http://169.254.169.254/latest"},{"id":"file:///etc/passwd"},{"id":"//metadata.google.internal/"}],"next":null}`)),
		pages("HTML in place of a step", text("text/html", "<title>Login</title>")),
		pages("millions of empty objects", packed(`{"next":null,"data":[`, strings.Repeat("{},", 300_000), 16, `{}]}`)),
		person(pages("--next without end", text("application/json", `{"data":[],"next":"1","go":true}`), "--next", "if .go then (1 | until(false; . + 1)) else .next end")),
	}
}

// chains starts a listing whose answers are pages: 20 innocent chains of three steps.
func (c *scene) chains(hostile http.HandlerFunc) ([]string, error) {
	c.neighbour = "%day=2026-10%"
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.FormValue("day"), "2026-09") {
			hostile(w, r)
			return
		}
		step, _ := strconv.Atoi(r.FormValue("cursor")) // the first has none
		next := "null"
		if step < 2 {
			next = strconv.Itoa(step + 1)
		}
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"%s/%d"}],"next":%s}`, r.FormValue("day"), step, next)
	}), false)
	return []string{"--corpus", "list:" + base + "/list?day={2026-09-29..2026-10-20}&cursor={cursor}", "--next", ".next", "--extract", ".data[]?"}, err
}

// named starts a listing that names items: 20 innocent chains of one step and three names.
func (c *scene) named(hostile http.HandlerFunc) ([]string, error) {
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		day := r.FormValue("day")
		switch {
		case r.URL.Path != "/list":
			neighbour(w, r)
		case strings.HasPrefix(day, "2026-09"):
			hostile(w, r)
		default:
			_, _ = fmt.Fprintf(w, `{"data":[{"id":"/ok/%s-1"},{"id":"/ok/%s-2"},{"id":"/ok/%s-3"}],"next":null}`, day, day, day)
		}
	}), false)
	c.neighbour = "%/ok/2026-10%"
	return []string{"--corpus", "list:" + base + "/list?day={2026-09-29..2026-10-20}&cursor={cursor}", "--next", ".next", "--items", ".data[].id"}, err
}

// linked starts a listing whose Link header names where it continues.
func (c *scene) linked(hostile func(r *http.Request) string) ([]string, error) {
	c.neighbour = "%day=2026-10%"
	base, err := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		page, _ := strconv.Atoi(r.FormValue("page")) // the first has none
		switch {
		case strings.HasPrefix(r.FormValue("day"), "2026-09"):
			w.Header().Set("Link", hostile(r))
		case page < 2:
			w.Header().Set("Link", fmt.Sprintf(`</list?day=%s&page=%d>; rel="next"`, r.FormValue("day"), page+1))
		}
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"%s"}]}`, r.URL.RawQuery)
	}), false)
	return []string{"--corpus", "list:" + base + "/list?day={2026-09-29..2026-10-20}"}, err
}
