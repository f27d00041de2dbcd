package fakeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The paths of a partner's API; grantPath is another.
const (
	itemsPath = "/v1/items"
	batchPath = "/v1/batch"
	pagesPath = "/v1/pages"
)

// The sizes that hold unless a request or the behaviour sets another.
const (
	maxBatch   = 100
	maxPage    = 100
	listPage   = 100
	pagesPage  = 50
	spreadDays = 30
	daySeconds = 86400
)

// FirstDay is the day, in UTC, of item 0.
const FirstDay = "2026-09-01"

var firstDay = time.Date(2026, time.September, 1, 0, 0, 0, 0, time.UTC)

// entry is an item in a listing.
type entry struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Updated string `json:"updated"`
}

// partner returns the handler of a path of a partner's API; nil for any other.
func partner(path string) func(http.Header, *http.Request, Behaviour) content {
	var answer func(http.Header, *http.Request, Behaviour) content
	switch path {
	case itemsPath:
		answer = list
	case batchPath:
		answer = batch
	case pagesPath:
		answer = pages
	default:
		return nil
	}
	return func(h http.Header, r *http.Request, b Behaviour) content {
		if r.Method != http.MethodGet {
			h.Set("Allow", http.MethodGet)
			return refusal(http.StatusMethodNotAllowed, "only GET")
		}
		c := answer(h, r, b)
		c.from = path
		return c
	}
}

// list answers with the part of a listing that a cursor points to.
func list(_ http.Header, r *http.Request, b Behaviour) content {
	q := r.URL.Query()
	from, to, err := b.between(q)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	size, err := number(q, "limit", listPage)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	at := 0
	if text := q.Get("cursor"); text != "" {
		c, err := readCursor(text, q)
		switch {
		case err != nil || from+c.offset > to:
			return refusal(http.StatusBadRequest, errCursor.Error())
		case b.CursorTTL > 0 && time.Since(c.made) >= b.CursorTTL:
			return refusal(http.StatusGone, "expired cursor")
		}
		at = c.offset
	}
	entries, ids := b.entries(from+at, min(to, from+at+b.page(size)))
	var next *string // null at the end
	if at += len(ids); from+at < to {
		c := cursor{offset: at}
		if b.CursorTTL > 0 { // else a cursor is the same in every run
			c.made = time.Now()
		}
		text := c.text(q)
		next = &text
	}
	return good(map[string]any{"data": entries, "next_cursor": next}, ids)
}

// pages answers with a numbered page of a listing, and names in Link (RFC 8288) the next page and
// the last.
func pages(h http.Header, r *http.Request, b Behaviour) content {
	q := r.URL.Query()
	n, err := number(q, "page", 1)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	size, err := number(q, "per_page", pagesPage)
	if err != nil {
		return refusal(http.StatusBadRequest, err.Error())
	}
	size = b.page(size)
	all := b.listedBelow(b.Items)
	last := max(1, (all+size-1)/size)
	if n > last {
		return refusal(http.StatusNotFound, "no such page")
	}
	base := "https://"
	if r.TLS == nil && r.ProtoMajor < 2 { // HTTP/2 is spoken over TLS only
		base = "http://"
	}
	echo := ""
	if b.Echo != "" && q.Has(b.Echo) {
		echo = url.Values{b.Echo: {q.Get(b.Echo)}}.Encode() + "&"
	}
	at := func(page int) string {
		return fmt.Sprintf("%s%s%s?%spage=%d&per_page=%d", base, r.Host, r.URL.Path, echo, page, size)
	}
	link := func(page int, rel string) string { return fmt.Sprintf(`<%s>; rel="%s"`, at(page), rel) }
	links := link(last, "last")
	if n < last {
		links = link(n+1, "next") + ", " + links
	}
	h.Set("Link", links)
	entries, ids := b.entries((n-1)*size, min(all, n*size))
	body := map[string]any{"data": entries, "page": n, "per_page": size, "total": all}
	if b.Echo != "" {
		body["self"] = at(n)
	}
	return good(body, ids)
}

// batch answers with the items that a request names, in an order that is not the request's.
func batch(_ http.Header, r *http.Request, b Behaviour) content {
	text := strings.Join(r.URL.Query()["ids"], ",")
	if text == "" {
		return refusal(http.StatusBadRequest, "ids wanted")
	}
	asked := strings.Split(text, ",")
	if most := or(b.BatchMost, maxBatch); len(asked) > most {
		return refusal(http.StatusUnprocessableEntity, fmt.Sprintf("at most %d ids", most))
	}
	var ids []int
	for _, id := range asked {
		n, err := strconv.Atoi(id)
		if err != nil || n < 0 {
			return refusal(http.StatusBadRequest, "invalid id")
		}
		if !slices.Contains(ids, n) {
			ids = append(ids, n)
		}
	}
	if b.PoisonID > 0 && slices.Contains(ids, b.PoisonID) && (len(ids) > 1 || !b.PoisonAlone) {
		return refusal(http.StatusInternalServerError, "internal error")
	}
	ids = slices.DeleteFunc(ids, func(n int) bool { return !b.exists(n) })
	shuffle(ids, text)
	items := make([]json.RawMessage, len(ids))
	for i, n := range ids {
		items[i] = b.full(n)
	}
	return good(map[string]any{"items": items}, ids)
}

// shuffle puts the ids into an order that only text decides, and never into the order that they
// have.
func shuffle(ids []int, text string) {
	if len(ids) < 2 {
		return
	}
	before := slices.Clone(ids)
	seed := crc32.ChecksumIEEE([]byte(text))
	rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if slices.Equal(ids, before) {
		slices.Reverse(ids)
	}
}

// full returns an item as in /v1/items/N and in a batch.
func (b Behaviour) full(n int) []byte { return item(n, b.Size, b.Updated(n).Format(time.RFC3339)) }

// Updated returns when item n was changed last: the items in their order are spread evenly over the
// days.
func (b Behaviour) Updated(n int) time.Time {
	seconds := n * or(b.Days, spreadDays) * daySeconds / max(1, b.Items)
	return firstDay.Add(time.Duration(seconds) * time.Second)
}

// page returns how many items a page holds if the request asks for size.
func (b Behaviour) page(size int) int { return min(size, or(b.PageMost, maxPage)) }

// listedBelow counts the items in a listing whose number is below n.
func (b Behaviour) listedBelow(n int) int {
	if b.ListMissing || b.MissingEvery == 0 || n < 1 {
		return n
	}
	return n - (n-1)/b.MissingEvery
}

// listed returns the number of the k-th item in a listing, from 0.
func (b Behaviour) listed(k int) int {
	if b.ListMissing || b.MissingEvery == 0 || k == 0 {
		return k
	}
	return k + (k-1)/(b.MissingEvery-1)
}

// entries returns the items of a listing from one place in it up to another.
func (b Behaviour) entries(from, to int) (entries []entry, ids []int) {
	entries = []entry{} // an empty listing is [], not null
	for k := from; k < to; k++ {
		n := b.listed(k)
		entries = append(entries, entry{ID: n, Title: title(n), Updated: b.Updated(n).Format(time.RFC3339)})
		ids = append(ids, n)
	}
	return entries, ids
}

// between returns which part of the listing q asks for, by since and day; empty if from is not
// below to.
func (b Behaviour) between(q url.Values) (from, to int, err error) {
	to = b.Items
	since := func(t time.Time) int {
		return sort.Search(b.Items, func(n int) bool { return !b.Updated(n).Before(t) })
	}
	if text := q.Get("since"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, 0, errors.New("invalid since")
		}
		from = since(t)
	}
	if text := q.Get("day"); text != "" {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return 0, 0, errors.New("invalid day")
		}
		from, to = max(from, since(t)), since(t.AddDate(0, 0, 1))
	}
	from = b.listedBelow(from)
	return from, b.listedBelow(to), nil
}

// number reads a number above 0 from q.
func number(q url.Values, name string, otherwise int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("invalid %s", name)
	}
	return n, nil
}

func refusal(status int, text string) content {
	body, _ := json.Marshal(map[string]string{"error": text}) // a string
	return content{status: status, body: body}
}

func good(v any, ids []int) content {
	body, _ := json.Marshal(v) // numbers, strings and what was marshalled before
	return content{status: http.StatusOK, body: body, ids: ids}
}
