package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func options(w *world, token string) Options {
	return Options{Source: w, Items: w, Orders: w, Token: token, Version: hostile}
}

// quietTimes are a silence that two workers met, and a pause.
func quietTimes(at time.Time) []harvest.Quiet {
	from := time.Unix(at.Unix()/60*60-60, 0).Add(10500 * time.Millisecond).UTC()
	return []harvest.Quiet{
		{From: from, Until: from.Add(7 * time.Second), Kind: harvest.LimitBackoff, Cause: "Retry-After"},
		{From: from.Add(time.Second / 2), Until: from.Add(7 * time.Second), Kind: harvest.LimitBackoff, Cause: "Retry-After"},
		{From: from.Add(-10 * time.Minute), Until: from.Add(-5 * time.Minute), Kind: harvest.LimitHold, Cause: hostile},
		{From: from.Add(-30 * time.Minute), Until: from.Add(-20 * time.Minute), Kind: harvest.LimitBackoff, Cause: hostile},
	}
}

func someItem() Item {
	item, err := harvest.NewItem("https://api.example/items/7", "", "", nil)
	if err != nil {
		panic(err)
	}
	return Item{
		Page: harvest.Page{Key: item.Key, URL: "javascript:alert(1)//" + hostile, ID: hostile, Outcome: harvest.Dead, Reason: hostile, Status: 502, Attempts: 6, Detail: hostile,
			Headers: []byte(hostile), Body: []byte(hostile), Revision: hostile, MediaType: hostile},
		Records: []string{hostile}, More: 3, Retried: true,
	}
}

func someLosses() []Loss {
	return []Loss{{Filter: Filter{Outcome: harvest.Dead, Reason: hostile, Status: 502}, Items: 12, PutBack: 2, Examples: []harvest.Page{someItem().Page}}}
}

func (w *world) Losses(context.Context, string) ([]Loss, error) { return w.losses, w.err }

func (w *world) Latest(_ context.Context, _ string, f Filter, _ int) ([]harvest.Page, error) {
	w.orders = append(w.orders, fmt.Sprint("latest ", f))
	return []harvest.Page{w.item.Page}, w.err
}

func (w *world) Item(_ context.Context, _ string, key harvest.Key) (Item, error) {
	if key != w.item.Key {
		return Item{}, ErrUnknown
	}
	return w.item, w.err
}

func (w *world) given(what string, args ...any) (string, error) {
	w.orders = append(w.orders, strings.TrimSpace(what+" "+fmt.Sprint(args...)))
	return "ordered: " + hostile, w.err
}

func (w *world) Pause(_ context.Context, run string, length time.Duration) (string, error) {
	return w.given("pause "+run, length)
}
func (w *world) Resume(_ context.Context, run string, lift bool) (string, error) {
	return w.given("resume "+run, lift)
}
func (w *world) Rate(_ context.Context, run, rate string) (string, error) {
	return w.given("rate "+run, rate)
}
func (w *world) Drain(_ context.Context, run string) (string, error) { return w.given("drain " + run) }
func (w *world) Retry(_ context.Context, run string, f Filter) (string, error) {
	return w.given("retry "+run, f)
}

func TestItemPages(t *testing.T) {
	t.Parallel()
	w := busyWorld()
	server := serve(t, options(w, ""))
	evidence := "/runs/2026q4/items/" + w.item.Key.String()
	list := "/runs/2026q4/items?outcome=skipped&status=502&reason=" + url.QueryEscape(hostile)
	for path, parts := range map[string][]string{
		"/runs/2026q4": {evidence, "12 <small>2 put back", "the upstream asked for it: Retry-After", "an operator paused the host", "coordinator pause --run 2026q4"},
		list:           {evidence, "coordinator retry --run 2026q4 --outcome skipped --reason", `value="502"`},
		evidence:       {"after 6 requests", "status 502", "put back", "and 3 more"},
	} {
		text := get(t, server, path)
		harmless(t, path, text)
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("GET %s lacks %q:\n%s", path, part, text)
			}
		}
	}
	if want := fmt.Sprint("latest ", Filter{harvest.Skipped, hostile, 502}); !slices.Contains(w.orders, want) {
		t.Errorf("the store was asked for %q, want %q", w.orders, want)
	}
	for path, want := range map[string]int{
		"/runs/2026q4/items?outcome=landed": 404, "/runs/2026q4/items?outcome=<b>": 404, "/runs/2026q4/items?status=x": 404,
		"/runs/2026q4/items/nokey": 404, "/runs/2026q4/items/" + strings.Repeat("0", 32): 404,
	} {
		answer, text := ask(t, server, http.MethodGet, path, nil, nil)
		harmless(t, path, text)
		if answer.StatusCode != want {
			t.Errorf("GET %s = %d, want %d", path, answer.StatusCode, want)
		}
	}
}

// TestSilencesAreMerged shows what two workers met as one silence, and whether it was kept.
func TestSilencesAreMerged(t *testing.T) {
	t.Parallel()
	at := time.Now().UTC()
	quiets := quietTimes(at)
	merged := merge(quiets)
	if len(merged) != 3 || !merged[0].From.Equal(quiets[0].From) {
		t.Fatalf("merge() = %v, want three, newest first", merged)
	}
	again := quiets[0]
	again.From, again.Until = quiets[0].Until.Add(time.Second/2), quiets[0].Until.Add(5*time.Second)
	if both := merge([]harvest.Quiet{again, quiets[0]}); len(both) != 2 {
		t.Errorf("a silence that was asked for half a second after another = %v, want both: what was sent between them broke neither", both)
	}
	minute := harvest.Minute{Unix: quiets[0].From.Unix() / 60}
	for i := range minute.Seconds {
		if i <= 10 || i >= 17 { // the silence is from 10.5 s to 17.5 s
			minute.Seconds[i] = 50
		}
	}
	s := Status{At: at.Add(time.Minute)}
	if got := keptText(merged[0], []harvest.Minute{minute}, s); got != "none: kept" {
		t.Errorf("keptText() = %q, want it kept", got)
	}
	minute.Seconds[12] = 3
	if got := keptText(merged[0], []harvest.Minute{minute}, s); got != "3" {
		t.Errorf("keptText() with requests in it = %q, want 3", got)
	}
	s.Control.Lifted = merged[0].From.Add(2 * time.Second)
	if got := keptText(merged[0], []harvest.Minute{minute}, s); got != "an operator ended it after 2 s" {
		t.Errorf("keptText() of one that was ended = %q", got)
	}
	if got := keptText(merged[2], []harvest.Minute{minute}, s); got != "–" {
		t.Errorf("keptText() before what is known = %q, want nothing", got)
	}
}

func TestLinksLeadToTheWebOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://api.example/a?b=c": "https://api.example/a?b=c", "http://127.0.0.1:8080/": "http://127.0.0.1:8080/",
		"javascript:alert(1)": "", "JAVASCRIPT:alert(1)//https://a": "", "data:text/html,x": "", "vbscript:x": "", "//evil.example": "", "/etc/passwd": "", "ftp://a/b": "",
		"https://user:secret@api.example/": "", "https:": "", "\x01javascript:alert(1)": "",
	} {
		if got := web(text); got != want {
			t.Errorf("web(%q) = %q, want %q", text, got, want)
		}
	}
}

// login returns the cookies of a visitor who has shown the token.
func login(t *testing.T, w *world) (post func(path string, form url.Values, headers ...string) (int, string), page func(path string) string) {
	t.Helper()
	server := serve(t, options(w, token))
	answer, _ := ask(t, server, http.MethodPost, "/login", url.Values{"token": {token}}, nil)
	cookies := answer.Cookies()
	post = func(path string, form url.Values, headers ...string) (int, string) {
		answer, text := ask(t, server, http.MethodPost, path, form, cookies, headers...)
		harmless(t, path, text)
		return answer.StatusCode, text
	}
	page = func(path string) string {
		_, text := ask(t, server, http.MethodGet, path, nil, cookies)
		harmless(t, path, text)
		return text
	}
	return post, page
}

func TestOrders(t *testing.T) {
	t.Parallel()
	w := busyWorld()
	post, page := login(t, w)
	for order, form := range map[string]url.Values{
		"pause": {}, "resume": {"lift": {"yes"}}, "rate": {"rate": {"30/s"}}, "drain": {}, "retry": {"outcome": {"dead"}, "reason": {"http_502"}},
	} {
		path := "/runs/2026q4/orders/" + order
		if text := page(path); !strings.Contains(text, `method="post" action="`+path+`"`) {
			t.Errorf("GET %s has no button:\n%s", path, text)
		}
		if code, text := post(path, form); code != http.StatusSeeOther {
			t.Errorf("POST %s = %d: %s", path, code, text)
		}
	}
	slices.Sort(w.orders)
	want := []string{"drain 2026q4", "pause 2026q4 " + fmt.Sprint(harvest.Forever), "rate 2026q4 30/s", "resume 2026q4 true", "retry 2026q4 " + fmt.Sprint(Filter{harvest.Dead, "http_502", 0})}
	if !slices.Equal(w.orders, want) {
		t.Errorf("orders %q, want %q", w.orders, want)
	}
	if text := page("/runs/2026q4"); !strings.Contains(text, "ordered: ") {
		t.Errorf("the page after an order lacks its sentence:\n%s", text)
	}
	if text := page("/runs/2026q4"); strings.Contains(text, "ordered: ") {
		t.Error("the sentence of an order is shown twice")
	}
	if code, text := post("/runs/2026q4/orders/pause", url.Values{"length": {"soon"}}); code != http.StatusUnprocessableEntity || !strings.Contains(text, "pause for how long") {
		t.Errorf("a pause of soon = %d: %s", code, text)
	}
	if code, _ := post("/runs/2026q4/orders/drop", url.Values{}); code != http.StatusNotFound {
		t.Errorf("an unknown order = %d, want 404", code)
	}
}

// TestOrdersNeedTheToken tries all ways to give an order without it.
func TestOrdersNeedTheToken(t *testing.T) {
	t.Parallel()
	w := busyWorld()
	post, _ := login(t, w)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		if code, _ := post("/runs/2026q4/orders/drain", url.Values{}, headers...); code != http.StatusForbidden {
			t.Errorf("POST with a session and %v = %d, want 403", headers, code)
		}
	}
	closed, open := serve(t, options(w, token)), serve(t, options(w, ""))
	if answer, _ := ask(t, closed, http.MethodPost, "/runs/2026q4/orders/drain", url.Values{}, nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("POST without the token = %d, want 401", answer.StatusCode)
	}
	if answer, _ := ask(t, open, http.MethodPost, "/runs/2026q4/orders/drain", url.Values{}, nil); answer.StatusCode != http.StatusForbidden {
		t.Errorf("POST where there is no token = %d, want 403", answer.StatusCode)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		_, _ = ask(t, open, method, "/runs/2026q4/orders/drain", nil, nil)
	}
	if len(w.orders) != 0 {
		t.Errorf("orders %q were given, want none", w.orders)
	}
}
