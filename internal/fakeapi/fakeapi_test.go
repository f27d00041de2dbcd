package fakeapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

func start(t *testing.T, o fakeapi.Options) *fakeapi.Server {
	t.Helper()
	s, err := fakeapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func get(t *testing.T, s *fakeapi.Server, path string) (*http.Response, []byte) {
	t.Helper()
	res, body, err := try(t, s.Client(), s.URL+path)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return res, body
}

func try(t *testing.T, c *http.Client, url string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func TestAnswersItemsOverEachProtocol(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o     fakeapi.Options
		proto string
	}{
		{fakeapi.Options{}, "HTTP/2.0"},
		{fakeapi.Options{HTTP1: true}, "HTTP/1.1"},
		{fakeapi.Options{Plaintext: true}, "HTTP/1.1"},
	} {
		c.o.Behaviour = fakeapi.Behaviour{Size: 100_000, Items: 10, MissingEvery: 4}
		s := start(t, c.o)
		res, body := get(t, s, "/items/7?a=b")
		var item struct{ ID int }
		if err := json.Unmarshal(body, &item); err != nil || res.StatusCode != 200 || res.Proto != c.proto || item.ID != 7 {
			t.Errorf("GET /items/7 = %d %s, id %d, %v, want 200 %s, id 7, nil", res.StatusCode, res.Proto, item.ID, err, c.proto)
		}
		if !bytes.Equal(body, fakeapi.Item(7, 100_000)) || len(body) < 100_000 {
			t.Errorf("GET /items/7 over %s: %d bytes, want those of Item(7, 100000)", c.proto, len(body))
		}
		for _, path := range []string{"/items/8", "/items/10", "/items/x", "/nothing"} {
			if res, _ := get(t, s, path); res.StatusCode != 404 {
				t.Errorf("GET %s = %d, want 404", path, res.StatusCode)
			}
		}
		all := s.Arrivals()
		if a := all[0]; len(all) != 5 || a.Path != "/items/7?a=b" || a.Status != 200 || a.Proto != c.proto || a.Conn != 1 || a.N != 1 {
			t.Errorf("Arrivals() = %d, the first %+v, want 5, /items/7?a=b 200 %s on connection 1", len(all), a, c.proto)
		}
	}
}

func TestBudgetAdmitsExactlyItsRate(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Rate: 20}})
	c := s.Client()
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, _, err := try(t, c, s.URL+"/items/1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.Refused(); got != 10 {
		t.Errorf("Refused() after 30 at once = %d, want 10", got)
	}
	if got := s.WorstWindow(time.Second); got != 30 {
		t.Errorf("WorstWindow(1s) = %d, want 30", got)
	}
	res, _ := get(t, s, "/items/2")
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "1" {
		t.Errorf("one more = %d, Retry-After %q, want 429, 1", res.StatusCode, res.Header.Get("Retry-After"))
	}
}

func TestHintsSayWhenToComeBack(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{{Kind: fakeapi.KindTooMany, At: []int{1}, Delay: time.Minute}}}})
	for _, c := range []struct {
		hint         fakeapi.Hint
		header, want string
	}{
		{fakeapi.HintSeconds, "Retry-After", "60"},
		{fakeapi.HintFraction, "Retry-After", "59."},
		{fakeapi.HintDate, "Retry-After", " GMT"},
		{fakeapi.HintXRateLimit, "X-RateLimit-Reset", "60"},
		{fakeapi.HintRateLimit, "RateLimit", `"default";r=0;t=60`},
	} {
		s.Set(func(b *fakeapi.Behaviour) { b.Hint = c.hint })
		res, _ := get(t, s, "/items/1")
		if got := res.Header.Get(c.header); res.StatusCode != 429 || !strings.Contains(got, c.want) {
			t.Errorf("hint %q: %d, %s = %q, want 429 and %q in it", c.hint, res.StatusCode, c.header, got, c.want)
		}
	}
	s.Set(func(b *fakeapi.Behaviour) { b.Hint = fakeapi.HintNone })
	if res, _ := get(t, s, "/items/1"); res.Header.Get("Retry-After") != "" {
		t.Errorf("no hint: Retry-After = %q, want none", res.Header.Get("Retry-After"))
	}
	if got := s.Refused(); got != 5 {
		t.Errorf("Refused() = %d, want 5: all but the injected one", got)
	}
}

func TestTokensAreWantedAndLapse(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{ClientID: "id", ClientSecret: "secret", TokenLife: 90 * time.Second}})
	ask := func(secret string) (int, string, float64) {
		form := url.Values{"grant_type": {"client_credentials"}}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/token", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("id", secret)
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var a struct {
			AccessToken string  `json:"access_token"`
			ExpiresIn   float64 `json:"expires_in"`
		}
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, a.AccessToken, a.ExpiresIn
	}
	if status, _, _ := ask("wrong"); status != 401 {
		t.Errorf("POST /token with a wrong secret = %d, want 401", status)
	}
	_, token, life := ask("secret")
	if token == "" || life != 90 {
		t.Errorf("POST /token = %q for %v s, want a token for 90 s", token, life)
	}
	item := func() int {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/items/1", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := item(); got != 200 {
		t.Errorf("GET with a good token = %d, want 200", got)
	}
	s.Revoke()
	if got := item(); got != 401 {
		t.Errorf("GET with a revoked token = %d, want 401", got)
	}
	if n, c := s.Count(), s.Control("/token"); n != 2 || c != 2 {
		t.Errorf("Count(), Control(/token) = %d, %d, want 2, 2", n, c)
	}
}

func TestGoAwayServesWhatCameBeforeIt(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{GoAwayEvery: 10}})
	c := s.Client()
	for i := range 35 {
		if res, _, err := try(t, c, s.URL+"/items/"+strconv.Itoa(i)); err != nil || res.StatusCode != 200 {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	var per []int
	for _, conn := range s.Connections() {
		per = append(per, conn.Requests)
	}
	if len(per) != 4 || per[0] != 10 || per[1] != 10 || per[2] != 10 || per[3] != 5 {
		t.Errorf("requests per connection = %v, want [10 10 10 5]", per)
	}
}

func TestStatsAreServedAndNotCounted(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Plaintext: true})
	s.SetOutage(true)
	get(t, s, "/items/1")
	s.SetOutage(false)
	get(t, s, "/items/1")
	_, body := get(t, s, "/_stats")
	var st fakeapi.Stats
	if err := json.Unmarshal(body, &st); err != nil {
		t.Fatal(err)
	}
	if st.Arrivals != 2 || st.ByStatus["503"] != 1 || st.ByStatus["200"] != 1 || st.WorstSecond != 2 || st.First == nil {
		t.Errorf("GET /_stats = %s, want 2 arrivals, one 503 and one 200", body)
	}
}

func TestAnswersAsTold(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{
		Gzip: true, Latency: 20 * time.Millisecond, Headers: map[string]string{"X-Kept": "yes"},
		Answer: func(r *http.Request) *fakeapi.Reply {
			if r.URL.Path != "/own" {
				return nil
			}
			return &fakeapi.Reply{Status: http.StatusAccepted, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("mine")}
		},
	}})
	before := time.Now()
	res, body := get(t, s, "/own")
	if res.StatusCode != 202 || string(body) != "mine" || res.Header.Get("X-Kept") != "yes" || time.Since(before) < 20*time.Millisecond {
		t.Errorf("GET /own = %d %q after %s, want 202 mine after 20 ms", res.StatusCode, body, time.Since(before))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/echo?q=1", strings.NewReader(strings.Repeat("x", 200_000)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", "stranger")
	res, err = s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatalf("POST /echo: not gzip: %v", err)
	}
	var echo struct{ Method, Path, Query, Body string }
	if err := json.NewDecoder(z).Decode(&echo); err != nil {
		t.Fatal(err)
	}
	if echo.Method != http.MethodPost || echo.Path != "/echo" || echo.Query != "q=1" || len(echo.Body) != 200_000 {
		t.Errorf("POST /echo = %s %s?%s with %d bytes, want POST /echo?q=1 with 200000", echo.Method, echo.Path, echo.Query, len(echo.Body))
	}
	if a := s.Arrivals()[1]; a.UserAgent != "stranger" || a.Header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("Arrivals()[1] = %+v, want the user agent and the headers", a)
	}
	if got := len(s.Between(before, time.Now())); got != 2 {
		t.Errorf("Between(start, now) = %d arrivals, want 2", got)
	}
	if got := len(s.Between(time.Now(), time.Now().Add(time.Hour))); got != 0 {
		t.Errorf("Between(now, later) = %d arrivals, want 0", got)
	}
}
