package dashboard

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"shoal/internal/harvest"
)

// hostile is what an upstream, a corpus or an operator may put into any text.
const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'` + "`" + `${7*7} javascript:alert(3) ` + "\u202eevil"

// world is a store that holds what a test puts there.
type world struct {
	runs   []harvest.Run
	status map[string]Status
	sent   Sent
	losses []Loss
	item   Item
	orders []string
	chains Chains
	err    error
	asked  func(what string)
}

func (w *world) note(what string) {
	if w.asked != nil {
		w.asked(what)
	}
}

func (w *world) Runs(context.Context) ([]harvest.Run, error) {
	w.note("runs")
	return w.runs, w.err
}

func (w *world) Status(_ context.Context, run string) (Status, error) {
	w.note("status")
	s, ok := w.status[run]
	if !ok {
		return s, fmt.Errorf("%w: %s", ErrUnknown, run)
	}
	return s, w.err
}

func (w *world) Sent(context.Context, string, int64) (Sent, error) {
	w.note("sent")
	return w.sent, w.err
}

func (w *world) Manners(context.Context, string) (Manners, error) {
	w.note("manners")
	return Manners{
		Requests: 10, WorstSecond: 49, WorstMinute: 2900, Budget: 50, Retries: map[string]int64{hostile: 2},
		Pauses: map[string]harvest.Silence{hostile: {Times: 1, Seconds: 3}}, Malformed: map[string]int64{hostile: 1},
	}, w.err
}

func (w *world) Chains(context.Context, string) (Chains, error) { return w.chains, w.err }

// busyRun is a run at work, with a dead worker.
func busyRun(name string) (harvest.Run, Status) {
	at := time.Now().UTC()
	run := harvest.Run{Name: name, OpenedAt: at.Add(-time.Hour), Inputs: harvest.Inputs{Host: hostile, Corpus: hostile, API: hostile, Extract: hostile}, Shards: 4}
	s := Status{
		Run: run, State: "at work", Of: 4, At: at, Waiting: 1, ETA: 90 * time.Minute,
		Totals:   harvest.Counts{Landed: 900, Missing: 50, Skipped: 30, Dead: 20, Bytes: 1 << 20},
		Progress: harvest.Progress{Run: name, Total: 2000, Rate: 48.5, Budget: 50, Limit: harvest.LimitBudget, Note: hostile, Now: at, Requests: 1234},
		Shards: []harvest.ShardState{
			{Shard: harvest.Shard{Index: 0, Of: 4}, Owner: hostile, Held: true, Silent: time.Second, Counts: harvest.Counts{Landed: 450}},
			{Shard: harvest.Shard{Index: 1, Of: 4}, Owner: "lab:2", Held: true, Lapsed: true, Silent: time.Minute},
			{Shard: harvest.Shard{Index: 2, Of: 4}, Owner: "lab:1", Drained: at},
		},
		Workers: []Worker{
			{State: "at work", Work: harvest.Work{Worker: hostile, Shard: "0/4", Seen: at, Stats: harvest.Stats{Rate: 48.5, Limit: harvest.LimitBudget, LastError: hostile, Note: hostile}}},
			{State: "silent", Work: harvest.Work{Worker: "lab:2@1", Shard: "1/4", Seen: at.Add(-time.Minute), Stats: harvest.Stats{LastError: "http_502"}}},
		},
	}
	return run, s
}

// busyWorld holds one run that is at work and one that is finished.
func busyWorld() *world {
	run, s := busyRun("2026q4")
	done := Status{Run: harvest.Run{Name: "2026q3", OpenedAt: s.At.Add(-200 * time.Hour), FinishedAt: s.At.Add(-190 * time.Hour)}, State: "finished", Of: 1, At: s.At,
		Totals: harvest.Counts{Landed: 10}, Progress: harvest.Progress{Total: 10}, Shards: []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Drained: s.At}}}
	minute := harvest.Minute{Unix: s.At.Unix()/60 - 1}
	for i := range minute.Seconds {
		minute.Seconds[i] = 48
	}
	return &world{runs: []harvest.Run{run, done.Run}, status: map[string]Status{run.Name: s, "2026q3": done}, sent: Sent{Minutes: []harvest.Minute{minute}, Quiets: quietTimes(s.At)}, losses: someLosses(), item: someItem(), chains: Chains{Listed: true, Done: 3, Longest: 12}}
}

func serve(t *testing.T, o Options) *httptest.Server {
	t.Helper()
	life, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	handler, err := New(life, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return server
}

// ask sends a request and returns the answer with its text.
func ask(t *testing.T, server *httptest.Server, method, path string, form url.Values, cookies []*http.Cookie, headers ...string) (*http.Response, string) {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// get returns a page with all that it has: what takes longer is shown when it is there.
func get(t *testing.T, server *httptest.Server, path string) string {
	t.Helper()
	answer, text := ask(t, server, http.MethodGet, path, nil, nil)
	for i := 0; i < 500 && (strings.Contains(text, "They are being ") || strings.Contains(text, " is being ")); i++ {
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
		answer, text = ask(t, server, http.MethodGet, path, nil, nil)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d: %s", path, answer.StatusCode, text)
	}
	return text
}

// harmless checks that a page holds nothing that runs or loads: scripts and styles are our own, no
// element has a handler, and links lead to our own pages or to the web.
func harmless(t *testing.T, path, text string) {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", path, err)
			}
			return
		}
		token := tokens.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if strings.Contains(" img iframe object embed base style ", " "+token.Data+" ") {
			t.Errorf("%s holds <%s>", path, token.Data)
		}
		for _, a := range token.Attr {
			value := strings.TrimSpace(a.Val)
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc":
				t.Errorf("%s: <%s %s=%q>", path, token.Data, a.Key, value)
			case a.Key == "src" || a.Key == "href" && token.Data == "link":
				if !strings.HasPrefix(value, "/static/") {
					t.Errorf("%s loads %q", path, value)
				}
			case a.Key == "href":
				own := value == "" || strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") || strings.HasPrefix(value, "#")
				if !own && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
					t.Errorf("%s links to %q", path, value)
				}
			case a.Key == "action" && !strings.HasPrefix(value, "/"):
				t.Errorf("%s sends a form to %q", path, value)
			}
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	server := serve(t, options(busyWorld(), ""))
	for path, parts := range map[string][]string{
		"/":                   {"2026q4", "at work", "1,000 of 2,000 items ended: 50.0 %", "2026q3", "finished"},
		"/runs/2026q4":        {"48.5 requests/s of a budget of 50/s", "in about 1 h 30 min", "Held back by: budget", "worst second", "49 requests; the budget allows 50", "last hour", "last day", "table-day", "lapsed", "1/4", "http_502", "12 steps", "<svg"},
		"/runs/2026q3":        {"10 of 10 items ended: 100.0 %", "drained"},
		"/runs/2026q4/shards": {"0/4", "3/4", "ran out; renewed 60 seconds ago", "never taken"},
	} {
		text := get(t, server, path)
		harmless(t, path, text)
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("GET %s lacks %q:\n%s", path, part, text)
			}
		}
	}
	for _, path := range []string{"/runs/nosuch", "/runs/" + url.PathEscape(hostile), "/runs/..%2f"} {
		answer, text := ask(t, server, http.MethodGet, path, nil, nil)
		harmless(t, path, text)
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, answer.StatusCode)
		}
	}
}

// TestChartsAreSound parses each chart as XML: a label cannot end an element.
func TestChartsAreSound(t *testing.T) {
	t.Parallel()
	_, text, found := strings.Cut(get(t, serve(t, options(busyWorld(), "")), "/runs/2026q4"), "<svg")
	for n := 0; found; n++ {
		inside, rest, _ := strings.Cut(text, "</svg>")
		d := xml.NewDecoder(strings.NewReader("<svg" + inside + "</svg>"))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("chart %d: %v", n, err)
			}
		}
		_, text, found = strings.Cut(rest, "<svg")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	server := serve(t, options(busyWorld(), ""))
	for _, path := range []string{"/", "/runs/2026q4", "/nosuch"} {
		answer, _ := ask(t, server, http.MethodGet, path, nil, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want)
			}
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy %q lets more in than our own files", policy)
	}
}

const token = "0123456789abcdef0123"

func TestTokenOpensThePage(t *testing.T) {
	t.Parallel()
	server := serve(t, options(busyWorld(), token))
	for _, path := range []string{"/", "/runs/2026q4", "/events", "/runs/nosuch"} {
		answer, text := ask(t, server, http.MethodGet, path, nil, nil)
		if answer.StatusCode != http.StatusUnauthorized || strings.Contains(text, "landed") {
			t.Errorf("GET %s without the token = %d, want 401 and nothing of a run", path, answer.StatusCode)
		}
	}
	wrong, _ := ask(t, server, http.MethodPost, "/login", url.Values{"token": {"0123456789abcdef0124"}}, nil)
	if wrong.StatusCode != http.StatusUnauthorized || len(wrong.Cookies()) != 0 {
		t.Errorf("a wrong token = %d with %d cookies, want 401 with none", wrong.StatusCode, len(wrong.Cookies()))
	}
	right, _ := ask(t, server, http.MethodPost, "/login", url.Values{"token": {token}, "next": {"/runs/2026q4"}}, nil)
	if right.StatusCode != http.StatusSeeOther || right.Header.Get("Location") != "/runs/2026q4" || len(right.Cookies()) != 1 {
		t.Fatalf("the token = %d to %q with %d cookies", right.StatusCode, right.Header.Get("Location"), len(right.Cookies()))
	}
	cookie := right.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || strings.Contains(cookie.Value, token) {
		t.Errorf("cookie %v, want one that no script reads, no other site sends, and that is not the token", cookie)
	}
	if answer, _ := ask(t, server, http.MethodGet, "/runs/2026q4", nil, right.Cookies()); answer.StatusCode != http.StatusOK {
		t.Errorf("GET with a session = %d, want 200", answer.StatusCode)
	}
	if answer, _ := ask(t, server, http.MethodGet, "/", nil, nil, "Authorization", "Bearer "+token); answer.StatusCode != http.StatusOK {
		t.Errorf("GET with the token = %d, want 200", answer.StatusCode)
	}
	if answer, _ := ask(t, server, http.MethodPost, "/logout", url.Values{}, right.Cookies()); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("POST /logout = %d, want 303", answer.StatusCode)
	}
	if answer, _ := ask(t, server, http.MethodGet, "/", nil, right.Cookies()); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET after the logout = %d, want 401", answer.StatusCode)
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/runs/a": "/runs/a", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "/a\r\nSet-Cookie: x=y": "/", "javascript:alert(1)": "/",
	} {
		if got := inside(next); got != want {
			t.Errorf("inside(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestOtherSitesCannotLogInOrOut(t *testing.T) {
	t.Parallel()
	server := serve(t, options(busyWorld(), token))
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		for _, path := range []string{"/login", "/logout"} {
			if answer, _ := ask(t, server, http.MethodPost, path, url.Values{"token": {token}}, nil, header...); answer.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s with %v = %d, want 403", path, header, answer.StatusCode)
			}
		}
	}
}

func TestClosedWithoutAToken(t *testing.T) {
	t.Parallel()
	o := options(busyWorld(), "")
	o.Closed = "closed: give --status-token"
	server := serve(t, o)
	answer, text := ask(t, server, http.MethodGet, "/runs/2026q4", nil, nil)
	if answer.StatusCode != http.StatusForbidden || !strings.Contains(text, "closed: give --status-token") || strings.Contains(text, "landed") {
		t.Errorf("GET of a closed page = %d: %s", answer.StatusCode, text)
	}
	if answer, _ := ask(t, server, http.MethodPost, "/login", url.Values{"token": {""}}, nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("an empty token = %d, want 401", answer.StatusCode)
	}
}

// TestTroubleIsShown keeps what was read when the store is away, and names the trouble.
func TestTroubleIsShown(t *testing.T) {
	t.Parallel()
	w := busyWorld()
	w.err = errors.New("dial: " + hostile)
	server := serve(t, options(w, ""))
	for _, path := range []string{"/", "/runs/2026q4"} {
		_, text := ask(t, server, http.MethodGet, path, nil, nil)
		harmless(t, path, text)
		if !strings.Contains(text, "dial: ") {
			t.Errorf("GET %s lacks the error:\n%s", path, text)
		}
	}
}
