package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/stores"
)

const (
	testRun   = "2026q4"
	testToken = "0123456789abcdef0123"
)

// stocked is a store with a run of which one item is dead, one is missing and one has landed.
func stocked(t *testing.T) (address string, db *store.Store, pages []harvest.Page) {
	t.Helper()
	address = "sqlite:" + filepath.Join(t.TempDir(), "page.db")
	db, err := stores.Open(t.Context(), address, store.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	inputs := harvest.Inputs{Upstream: "plain", Host: "api.example", Body: "json", Corpus: "items.txt"}
	if _, _, err := db.OpenRun(t.Context(), harvest.Run{Name: testRun, Shards: 1, Rate: "50/s", Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	for i, outcome := range []harvest.Outcome{harvest.Landed, harvest.Dead, harvest.Missing} {
		item, err := harvest.NewItem(fmt.Sprintf("https://api.example/items/%d", i), "", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		page := harvest.Page{Key: item.Key, URL: item.URL, Outcome: outcome, Attempts: 1, FetchedAt: time.Now()}
		switch outcome {
		case harvest.Landed:
			page.Status, page.Body, page.Records = 200, []byte(`{"answer":42}`), []harvest.Record{{Kind: "jq", Data: []byte(`{"record":43}`)}}
		case harvest.Dead:
			page.Status, page.Reason, page.Detail = 502, "http_502", "<h1>Bad gateway</h1>"
		default:
			page.Status, page.Reason = 404, "http_404"
		}
		pages = append(pages, page)
	}
	lease, err := db.Claim(t.Context(), store.Claim{Run: testRun, Shard: harvest.Shard{Of: 1}, Owner: "lab:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Land(t.Context(), pages); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	return address, db, pages
}

// visit serves the page over a store and returns a visitor who has shown the token.
func visit(t *testing.T, set Settings) (get func(path string) (int, string), post func(path string, form url.Values) (int, string)) {
	t.Helper()
	set.TokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(set.TokenFile, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	page, err := Page(set)
	if err != nil {
		t.Fatal(err)
	}
	server, err := status.ServeOptions("127.0.0.1:0", status.Options{Page: page, Get: func() harvest.Progress { return harvest.Progress{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	send := func(method, path string, form url.Values) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	get = func(path string) (code int, text string) {
		t.Helper()
		for range 500 {
			code, text = send(http.MethodGet, path, nil)
			if !strings.Contains(text, ">They are being ") && !strings.Contains(text, " is being ") { // what takes longer is shown when it is there
				break
			}
			select {
			case <-t.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		return code, text
	}
	post = func(path string, form url.Values) (int, string) {
		t.Helper()
		return send(http.MethodPost, path, form)
	}
	if code, text := post("/login", url.Values{"token": {testToken}}); code != http.StatusOK {
		t.Fatalf("POST /login = %d: %s", code, text)
	}
	return get, post
}

// TestPageShowsTheStore reads a real store through the page.
func TestPageShowsTheStore(t *testing.T) {
	t.Parallel()
	address, _, pages := stocked(t)
	get, _ := visit(t, Settings{Store: address})
	for path, parts := range map[string][]string{
		"/":                        {testRun, "api.example"},
		"/runs/" + testRun:         {"landed", "http_502", "https://api.example/items/1", "no worker is on run " + testRun},
		"/runs/2026q4/items":       {"https://api.example/items/1", "Bad gateway"},
		"/runs/2026q4/shards":      {"0/1", "given back"},
		itemPath(pages[0]):         {"answer", "42", "record", "43"},
		itemPath(pages[1]):         {"&lt;h1&gt;Bad gateway", "status 502"},
		"/runs/2026q4/orders/rate": {"The budget of api.example changes"},
	} {
		code, text := get(path)
		if code != http.StatusOK {
			t.Errorf("GET %s = %d", path, code)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("GET %s lacks %q:\n%s", path, part, text)
			}
		}
	}
	if code, _ := get("/runs/2025q1"); code != http.StatusNotFound {
		t.Errorf("GET of another run = %d, want 404", code)
	}
}

func itemPath(p harvest.Page) string { return "/runs/" + testRun + "/items/" + p.Key.String() }

// TestOrdersReachTheStore gives each order by its form.
func TestOrdersReachTheStore(t *testing.T) {
	t.Parallel()
	address, db, pages := stocked(t)
	refused := errors.New("above what the profile allows")
	_, post := visit(t, Settings{Store: address, Allowed: func(_ string, rate config.Rate) error {
		if rate.PerSecond > 100 {
			return refused
		}
		return nil
	}})
	order := func(name string, form url.Values, want int, sentence string) harvest.Control {
		t.Helper()
		if code, text := post("/runs/"+testRun+"/orders/"+name, form); code != want || !strings.Contains(text, sentence) {
			t.Errorf("order %s %v = %d, want %d and %q:\n%s", name, form, code, want, sentence, text)
		}
		control, err := db.Control(t.Context(), testRun)
		if err != nil {
			t.Fatal(err)
		}
		return control
	}
	if c := order("pause", url.Values{"length": {"10m"}}, 200, "api.example is left alone until"); c.Hold < 9*time.Minute || !strings.HasPrefix(c.By, "the page on ") {
		t.Errorf("after a pause of 10m: hold %s by %q", c.Hold, c.By)
	}
	if c := order("drain", url.Values{}, 200, "land what is in flight"); c.DrainAt.IsZero() {
		t.Error("after drain the run is not drained")
	}
	if c := order("resume", url.Values{}, 200, "is asked again"); c.Hold != 0 || !c.DrainAt.IsZero() {
		t.Errorf("after resume: hold %s, drained at %s", c.Hold, c.DrainAt)
	}
	if c := order("rate", url.Values{"rate": {"30/s"}}, 200, "30/s for all workers"); c.Rate != "30/s" {
		t.Errorf("after rate: %q, want 30/s", c.Rate)
	}
	if c := order("rate", url.Values{"rate": {"500/s"}}, http.StatusUnprocessableEntity, refused.Error()); c.Rate != "30/s" {
		t.Errorf("after a rate that is refused: %q, want 30/s still", c.Rate)
	}
	order("rate", url.Values{"rate": {"fast"}}, http.StatusUnprocessableEntity, "rate &#34;fast&#34;")
	order("retry", url.Values{"outcome": {"dead"}, "reason": {"http_502"}}, 200, "Items put back: 1.")
	known, err := db.Known(t.Context(), testRun, []harvest.Key{pages[1].Key, pages[2].Key})
	if err != nil || known[0] || !known[1] {
		t.Errorf("after retry the dead and the missing item are known: %v, %v, want only the missing one", known, err)
	}
	order("retry", url.Values{"outcome": {"skipped"}}, 200, "no such item")
}

// TestAStoreThatIsNotThereYet shows no run, and the run when a worker has made the store.
func TestAStoreThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	get, _ := visit(t, Settings{Store: "sqlite:" + filepath.Join(t.TempDir(), "later.db")})
	if code, text := get("/"); code != http.StatusOK || !strings.Contains(text, "holds no run yet") {
		t.Errorf("GET / of a store that is not there = %d: %s", code, text)
	}
}
