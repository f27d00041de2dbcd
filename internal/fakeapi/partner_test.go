package fakeapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// overEach runs a test against a partner of its own over each protocol.
func overEach(t *testing.T, b fakeapi.Behaviour, test func(*testing.T, *fakeapi.Server)) {
	t.Helper()
	b.Partner = true
	for name, o := range map[string]fakeapi.Options{"2": {}, "1.1": {HTTP1: true}, "plain": {Plaintext: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Behaviour = b
			test(t, start(t, o))
		})
	}
}

type item struct {
	ID             int
	Title, Updated string
	Tags           []string
}

// listing is an answer of /v1/items or /v1/pages.
type listing struct {
	Data       []item
	NextCursor *string `json:"next_cursor"`
	Page       int
	PerPage    int `json:"per_page"`
	Total      int
}

func decode[T any](t *testing.T, s *fakeapi.Server, path string) (*http.Response, T) {
	t.Helper()
	res, body := get(t, s, path)
	var v T
	if err := json.Unmarshal(body, &v); err != nil || res.StatusCode != 200 {
		t.Fatalf("GET %s = %d %s, %v, want 200 and JSON", path, res.StatusCode, body, err)
	}
	return res, v
}

func ids(items []item) (all []int) {
	for _, i := range items {
		all = append(all, i.ID)
	}
	return all
}

// walk follows the cursors of a listing to its end.
func walk(t *testing.T, s *fakeapi.Server, query string) (all []item, sizes []int) {
	t.Helper()
	for cursor := ""; ; {
		_, l := decode[listing](t, s, "/v1/items?"+query+"&cursor="+url.QueryEscape(cursor))
		all, sizes = append(all, l.Data...), append(sizes, len(l.Data))
		if l.NextCursor == nil {
			return all, sizes
		}
		cursor = *l.NextCursor
	}
}

func upTo(n int, but ...int) (all []int) {
	for i := range n {
		if !slices.Contains(but, i) {
			all = append(all, i)
		}
	}
	return all
}

func TestPartnerListsByCursor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		b     fakeapi.Behaviour
		query string
		ids   []int
		sizes []int
	}{
		{"the last page is full", fakeapi.Behaviour{Items: 6}, "limit=3", upTo(6), []int{3, 3}},
		{"the last page is not", fakeapi.Behaviour{Items: 7}, "limit=3", upTo(7), []int{3, 3, 1}},
		{"a page for all", fakeapi.Behaviour{Items: 100}, "", upTo(100), []int{100}},
		{"no more than a page holds", fakeapi.Behaviour{Items: 5, PageMost: 2}, "limit=100", upTo(5), []int{2, 2, 1}},
		{"what is missing is not listed", fakeapi.Behaviour{Items: 13, MissingEvery: 4}, "limit=5", upTo(13, 4, 8, 12), []int{5, 5}},
		{"all but the first are missing", fakeapi.Behaviour{Items: 13, MissingEvery: 1}, "limit=5", upTo(1), []int{1}},
		{"or it is, where deleted since", fakeapi.Behaviour{Items: 13, MissingEvery: 4, ListMissing: true}, "limit=13", upTo(13), []int{13}},
		{"a day", fakeapi.Behaviour{Items: 40, Days: 4}, "limit=4&day=2026-09-03", upTo(30, upTo(20)...), []int{4, 4, 2}},
		{"a day without those missing", fakeapi.Behaviour{Items: 40, Days: 4, MissingEvery: 10}, "day=2026-09-03", upTo(30, upTo(21)...), []int{9}},
		{"a day of none", fakeapi.Behaviour{Items: 40, Days: 4}, "day=2026-09-05", nil, []int{0}},
		{"a day before all", fakeapi.Behaviour{Items: 40, Days: 4}, "day=2026-08-31", nil, []int{0}},
		{"since a time, inclusive", fakeapi.Behaviour{Items: 48, Days: 2}, "since=2026-09-02T12:00:00Z", upTo(48, upTo(36)...), []int{12}},
		{"since a time of another zone", fakeapi.Behaviour{Items: 48, Days: 2}, "limit=7&since=2026-09-02T14:00:01%2B02:00", upTo(48, upTo(37)...), []int{7, 4}},
		{"since and day", fakeapi.Behaviour{Items: 48, Days: 2}, "since=2026-09-01T22:00:00Z&day=2026-09-01", upTo(24, upTo(22)...), []int{2}},
		{"since after the day", fakeapi.Behaviour{Items: 48, Days: 2}, "since=2026-09-02T23:00:00Z&day=2026-09-01", nil, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			overEach(t, c.b, func(t *testing.T, s *fakeapi.Server) {
				all, sizes := walk(t, s, c.query)
				if got := ids(all); !slices.Equal(got, c.ids) || !slices.Equal(sizes, c.sizes) {
					t.Errorf("GET /v1/items?%s = %v in pages of %v, want %v in %v", c.query, got, sizes, c.ids, c.sizes)
				}
				served := s.Served("/v1/items")
				for _, i := range all {
					if served[i.ID] != 1 {
						t.Errorf("Served(/v1/items)[%d] = %d, want 1", i.ID, served[i.ID])
					}
					if want := c.b.Updated(i.ID).Format(time.RFC3339); i.Updated != want || i.Title == "" {
						t.Errorf("item %d = %+v, want a title and updated %s", i.ID, i, want)
					}
				}
				if got := s.ByEndpoint()["/v1/items"]; len(served) != len(all) || got != len(sizes) {
					t.Errorf("%d items served in %d requests, want %d in %d", len(served), got, len(all), len(sizes))
				}
			})
		})
	}
}

func TestPartnerSpreadsItemsEvenlyOverDays(t *testing.T) {
	t.Parallel()
	b := fakeapi.Behaviour{Items: 1000}
	days := map[string]int{}
	for n := range b.Items {
		days[b.Updated(n).Format(time.DateOnly)]++
	}
	if len(days) != 30 {
		t.Errorf("1000 items are of %d days, want 30", len(days))
	}
	for day, n := range days {
		if n < 33 || n > 34 || day < fakeapi.FirstDay || day > "2026-09-30" {
			t.Errorf("%d items are of %s, want 33 or 34 of a day in September", n, day)
		}
	}
}

func TestPartnerRefuses(t *testing.T) {
	t.Parallel()
	overEach(t, fakeapi.Behaviour{Items: 20, Days: 2, BatchMost: 3, MissingEvery: 5, PoisonID: 7}, func(t *testing.T, s *fakeapi.Server) {
		_, l := decode[listing](t, s, "/v1/items?limit=2")
		cursor := *l.NextCursor
		changed := "A" + cursor[1:]
		if cursor[0] == 'A' {
			changed = "B" + cursor[1:]
		}
		for _, c := range []struct {
			path   string
			status int
			text   string
		}{
			{"/v1/items?cursor=nonsense", 400, "invalid cursor"},
			{"/v1/items?cursor=AAAA", 400, "invalid cursor"},
			{"/v1/items?cursor=" + url.QueryEscape(changed), 400, "invalid cursor"},
			{"/v1/items?cursor=" + url.QueryEscape(cursor[:len(cursor)-4]), 400, "invalid cursor"},
			{"/v1/items?day=2026-09-01&cursor=" + url.QueryEscape(cursor), 400, "invalid cursor"},
			{"/v1/items?since=2026-09-01T00:00:00Z&cursor=" + url.QueryEscape(cursor), 400, "invalid cursor"},
			{"/v1/items?limit=0", 400, "invalid limit"},
			{"/v1/items?limit=ten", 400, "invalid limit"},
			{"/v1/items?since=yesterday", 400, "invalid since"},
			{"/v1/items?day=2026-9-3", 400, "invalid day"},
			{"/v1/batch", 400, "ids wanted"},
			{"/v1/batch?ids=1,x", 400, "invalid id"},
			{"/v1/batch?ids=1,", 400, "invalid id"},
			{"/v1/batch?ids=1,2,3,4", 422, "at most 3 ids"},
			{"/v1/batch?ids=1,7", 500, "internal error"},
			{"/v1/batch?ids=7", 500, "internal error"},
			{"/v1/pages?page=0", 400, "invalid page"},
			{"/v1/pages?per_page=-1", 400, "invalid per_page"},
			{"/v1/pages?page=2", 404, "no such page"},
			{"/v1/pages?page=99999999999999999999", 400, "invalid page"},
		} {
			res, body := get(t, s, c.path)
			if want := fmt.Sprintf(`{"error":%q}`, c.text); res.StatusCode != c.status || string(body) != want || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("GET %s = %d %s, want %d %s", c.path, res.StatusCode, body, c.status, want)
			}
		}
		for _, path := range []string{"/v1/items/5", "/v1/items/20", "/v1/items/", "/v1", "/v1/others"} {
			if res, _ := get(t, s, path); res.StatusCode != 404 {
				t.Errorf("GET %s = %d, want 404", path, res.StatusCode)
			}
		}
		res, err := s.Client().Post(s.URL+"/v1/batch", "text/plain", strings.NewReader("1"))
		if err != nil || res.StatusCode != 405 || res.Header.Get("Allow") != "GET" {
			t.Errorf("POST /v1/batch = %v, %v, want 405 and Allow: GET", res, err)
		}
		if got := s.Served(""); len(got) != 2 {
			t.Errorf("Served() = %v, want the two items of the one good answer", got)
		}
	})
}

func TestPartnerIsOnlyThereWhenAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: 20, Rate: 50}})
	for _, path := range []string{"/v1/items", "/v1/batch?ids=1", "/v1/pages", "/oauth/token"} {
		if res, _ := get(t, s, path); res.StatusCode != 404 || res.Header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("GET %s = %d, want 404 without X-RateLimit-Limit", path, res.StatusCode)
		}
	}
}

func TestPartnerCursorsExpireAndAreTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	overEach(t, fakeapi.Behaviour{Items: 20, CursorTTL: time.Hour}, func(t *testing.T, s *fakeapi.Server) {
		next := func() string {
			_, l := decode[listing](t, s, "/v1/items?limit=2")
			return url.QueryEscape(*l.NextCursor)
		}
		timed := next()
		if _, l := decode[listing](t, s, "/v1/items?limit=2&cursor="+timed); !slices.Equal(ids(l.Data), []int{2, 3}) {
			t.Errorf("the second page = %v, want 2, 3", ids(l.Data))
		}
		s.Set(func(b *fakeapi.Behaviour) { b.CursorTTL = 1 })
		res, body := get(t, s, "/v1/items?limit=2&cursor="+timed)
		if res.StatusCode != 410 || string(body) != `{"error":"expired cursor"}` {
			t.Errorf("GET with an old cursor = %d %s, want 410", res.StatusCode, body)
		}
		s.Set(func(b *fakeapi.Behaviour) { b.CursorTTL = 0 })
		if first, second := next(), next(); first != second || first != "IBF%2B%2BzIuMA%3D%3D" {
			t.Errorf("cursors of the same place = %s, %s, want them to be those of every run", first, second)
		}
	})
}

func TestPartnerAnswersBatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		b     fakeapi.Behaviour
		asked []int
		want  []int
	}{
		{"all that there are", fakeapi.Behaviour{Items: 20}, []int{3, 1, 2}, []int{1, 2, 3}},
		{"two, never as asked", fakeapi.Behaviour{Items: 20}, []int{1, 2}, []int{1, 2}},
		{"one", fakeapi.Behaviour{Items: 20}, []int{0}, []int{0}},
		{"what is missing is left out", fakeapi.Behaviour{Items: 20, MissingEvery: 3}, []int{1, 2, 3, 4, 20, 21}, []int{1, 2, 4}},
		{"nothing is there", fakeapi.Behaviour{Items: 20}, []int{20, 21}, nil},
		{"an id asked twice is one", fakeapi.Behaviour{Items: 20}, []int{5, 5}, []int{5}},
		{"a hundred", fakeapi.Behaviour{Items: 200}, upTo(100), upTo(100)},
		{"poison alone, where that is served", fakeapi.Behaviour{Items: 20, PoisonID: 7, PoisonAlone: true}, []int{7}, []int{7}},
		{"no poison", fakeapi.Behaviour{Items: 20, PoisonID: 7}, []int{6, 8}, []int{6, 8}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.b.Size = 500
			overEach(t, c.b, func(t *testing.T, s *fakeapi.Server) {
				text := strings.Trim(strings.ReplaceAll(fmt.Sprint(c.asked), " ", ","), "[]")
				res, answer := decode[struct{ Items []item }](t, s, "/v1/batch?ids="+text)
				got := ids(answer.Items)
				if len(got) > 1 && slices.Equal(got, c.asked) {
					t.Errorf("GET /v1/batch?ids=%s = %v, want another order", text, got)
				}
				again, _ := get(t, s, "/v1/batch?ids="+text)
				if res.ContentLength != again.ContentLength || res.ContentLength < int64(500*len(c.want)) {
					t.Errorf("GET /v1/batch?ids=%s = %d and %d bytes, want 500 or more an item", text, res.ContentLength, again.ContentLength)
				}
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("GET /v1/batch?ids=%s = %v, want %v", text, got, c.want)
				}
				served := s.Served("/v1/batch")
				for _, i := range answer.Items {
					if want := c.b.Updated(i.ID).Format(time.RFC3339); i.Updated != want || i.Title == "" || len(i.Tags) != 2 || served[i.ID] != 2 {
						t.Errorf("item %d = %+v, served %d times, want a title, two tags and %s, twice", i.ID, i, served[i.ID], want)
					}
				}
				if len(served) != len(c.want) || len(s.Served("/v1/items")) != 0 {
					t.Errorf("Served(/v1/batch) = %v, want %v alone", served, c.want)
				}
			})
		})
	}
}

func TestPartnerAnswersASingleItemAsABatchDoes(t *testing.T) {
	t.Parallel()
	overEach(t, fakeapi.Behaviour{Items: 20}, func(t *testing.T, s *fakeapi.Server) {
		_, one := get(t, s, "/v1/items/7")
		_, batch := decode[struct{ Items []json.RawMessage }](t, s, "/v1/batch?ids=7")
		if string(one) != string(batch.Items[0]) {
			t.Errorf("GET /v1/items/7 = %s, want %s", one, batch.Items[0])
		}
		get(t, s, "/items/7")
		if got := []int{s.Served("/v1/items/")[7], s.Served("/items/")[7], s.Served("")[7]}; !slices.Equal(got, []int{1, 1, 3}) {
			t.Errorf("item 7 was served %v times of /v1/items/, of /items/ and in all, want 1, 1, 3", got)
		}
	})
}

var linkRE = regexp.MustCompile(`<([^>]+)>; rel="(\w+)"`)

func TestPartnerLinksPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		b     fakeapi.Behaviour
		query string
		ids   []int
		sizes []int
	}{
		{fakeapi.Behaviour{Items: 120}, "", upTo(120), []int{50, 50, 20}},
		{fakeapi.Behaviour{Items: 6}, "?page=1&per_page=3", upTo(6), []int{3, 3}},
		{fakeapi.Behaviour{Items: 7, MissingEvery: 3}, "?per_page=2", upTo(7, 3, 6), []int{2, 2, 1}},
		{fakeapi.Behaviour{Items: 5, PageMost: 2}, "?per_page=50", upTo(5), []int{2, 2, 1}},
		{fakeapi.Behaviour{Items: 1}, "", upTo(1), []int{1}},
	} {
		overEach(t, c.b, func(t *testing.T, s *fakeapi.Server) {
			var all, sizes []int
			for path := "/v1/pages" + c.query; path != ""; {
				res, l := decode[listing](t, s, path)
				all, sizes = append(all, ids(l.Data)...), append(sizes, len(l.Data))
				if l.Page != len(sizes) || l.Total != len(c.ids) || l.PerPage < len(l.Data) {
					t.Errorf("GET %s = page %d of %d, %d in all, want page %d, %d in all", path, l.Page, l.PerPage, l.Total, len(sizes), len(c.ids))
				}
				links := map[string]string{}
				for _, m := range linkRE.FindAllStringSubmatch(res.Header.Get("Link"), -1) {
					var ok bool
					if links[m[2]], ok = strings.CutPrefix(m[1], s.URL); !ok {
						t.Errorf("Link of %s to %s = %s, want one that begins with %s", path, m[2], m[1], s.URL)
					}
				}
				if want := fmt.Sprintf("/v1/pages?page=%d&per_page=%d", len(c.sizes), l.PerPage); links["last"] != want {
					t.Errorf("the last page is said to be %q, want %q", links["last"], want)
				}
				path = links["next"]
			}
			if !slices.Equal(all, c.ids) || !slices.Equal(sizes, c.sizes) {
				t.Errorf("GET /v1/pages%s = %v in %v, want %v in %v", c.query, all, sizes, c.ids, c.sizes)
			}
			if res, _ := get(t, s, "/v1/pages?per_page=1000&page="+strconv.Itoa(len(c.sizes)+1)); res.StatusCode != 404 {
				t.Errorf("GET of a page past the end = %d, want 404", res.StatusCode)
			}
		})
	}
}
