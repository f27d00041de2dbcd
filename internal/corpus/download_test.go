package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/corpus"
)

// shelf serves one corpus over TLS and breaks connections.
type shelf struct {
	mu       sync.Mutex
	data     []byte
	etag     string
	modified time.Time
	cut      int64                                                    // bytes after which an answer breaks; 0: never
	change   func(*shelf)                                             // called after each break
	special  func(w http.ResponseWriter, r *http.Request, n int) bool // answers itself
	asked    []string                                                 // the Range of each request
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Header.Get("Range"))
	if s.special != nil && s.special(w, r, len(s.asked)) {
		return
	}
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	if s.cut > 0 {
		w = &breaking{w, s, s.cut}
	}
	http.ServeContent(w, r, "", s.modified, bytes.NewReader(s.data))
}

type breaking struct {
	http.ResponseWriter
	shelf *shelf
	left  int64
}

func (b *breaking) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		_, _ = b.ResponseWriter.Write(p[:b.left])
		_ = http.NewResponseController(b.ResponseWriter).Flush()
		if b.shelf.change != nil {
			b.shelf.change(b.shelf)
		}
		panic(http.ErrAbortHandler)
	}
	b.left -= int64(len(p))
	return b.ResponseWriter.Write(p)
}

func (s *shelf) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func serve(t *testing.T, s *shelf, http2 bool) corpus.Config {
	t.Helper()
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return corpus.Config{URI: server.URL + "/urls", HTTP: server.Client()}
}

func TestABrokenDownloadGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	text := many(20000)
	for _, c := range []struct {
		name  string
		shelf *shelf
		http2 bool
	}{
		{"by a strong ETag", &shelf{data: []byte(text), etag: `"v1"`}, false},
		{"over HTTP/2", &shelf{data: []byte(text), etag: `"v1"`}, true},
		{"by a weak ETag and the date", &shelf{data: []byte(text), etag: `W/"v1"`, modified: time.Unix(1e9, 0)}, false},
		{"by the date alone", &shelf{data: []byte(text), modified: time.Unix(1e9, 0)}, false},
		{"inside gzip", &shelf{data: gz(t, text), etag: `"v1"`}, false},
		{"inside zstd", &shelf{data: zst(t, text), etag: `"v1"`}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.shelf.cut = 20000
			cfg := serve(t, c.shelf, c.http2)
			items, rejected, err := pass(t, cfg)
			if err != nil || len(rejected) != 0 || strings.Join(urls(items), "\n")+"\n" != text {
				t.Errorf("Entries() = %d items, %d rejected, %v, want the 20000 of the corpus", len(items), len(rejected), err)
			}
			if n := c.shelf.requests(); n < 5 {
				t.Errorf("requests = %d, want one for each break", n)
			}
		})
	}
}

func TestAServerWithoutRangesIsReadUpToTheOldPlace(t *testing.T) {
	t.Parallel()
	text := many(2000)
	s := &shelf{special: func(w http.ResponseWriter, _ *http.Request, n int) bool {
		w.Header().Set("ETag", `"v1"`)
		end := len(text)
		if n < 3 {
			end = n * 20000
		}
		_, _ = io.WriteString(w, text[:end])
		if n < 3 {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		return true
	}}
	items, _, err := pass(t, serve(t, s, false))
	if err != nil || strings.Join(urls(items), "\n")+"\n" != text {
		t.Errorf("Entries() = %d items, %v, want the 2000 of the corpus", len(items), err)
	}
}

func TestACorpusThatChangesWhileItIsReadIsDamaged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*shelf){
		"another ETag":   func(s *shelf) { s.etag = `"v2"` },
		"another length": func(s *shelf) { s.data = s.data[:len(s.data)-50] },
		"now shorter":    func(s *shelf) { s.data = s.data[:100] },
	} {
		s := &shelf{data: []byte(many(20000)), etag: `"v1"`, cut: 100000, change: change}
		items, _, err := pass(t, serve(t, s, false))
		if !errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), "changed while it was read") || len(items) < 1000 {
			t.Errorf("Entries() with %s = %d items, %v, want most items and ErrDamaged", name, len(items), err)
		}
	}
}

// Servers and caches are sloppy: the headers of their answers are compared, whatever the request
// was.
func TestTheRestOfAnotherFileIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, etag, place string
		status            int
		want              string
	}{
		{"another ETag in the rest", `"v2"`, "bytes 50-99/100", 206, "changed while it was read"},
		{"another size in the rest", `"v1"`, "bytes 50-99/101", 206, "changed while it was read"},
		{"another place", `"v1"`, "bytes 40-99/100", 206, "sends others"},
		{"no place", `"v1"`, "", 206, "sends others"},
		{"all of it, by nothing known to be the same", "", "", 200, "changed while it was read"},
	} {
		synctest.Test(t, func(t *testing.T) {
			later := func(r *http.Request) (*http.Response, error) {
				response, err := answer(c.status, 100, strings.NewReader(strings.Repeat("x", 100)))(r)
				response.Header = http.Header{"Etag": {c.etag}, "Content-Range": {c.place}}
				return response, err
			}
			start := "https://a.example/1\nhttps://a.example/2\nhttps://a"
			s := &script{answers: []func(*http.Request) (*http.Response, error){answer(200, 100, io.MultiReader(strings.NewReader(start+"x"), broken{})), later}}
			items, _, err := pass(t, corpus.Config{URI: "https://a.example/urls", HTTP: &http.Client{Transport: s}})
			if !errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), c.want) || len(items) != 2 || len(s.asked) != 2 {
				t.Errorf("Entries() with %s = %d items, %v after %d requests, want 2 and …%s… after 2", c.name, len(items), err, len(s.asked), c.want)
			}
		})
	}
}

func TestAServerThatCannotResumeIsSaidSo(t *testing.T) {
	t.Parallel()
	s := &shelf{data: []byte(many(20000)), cut: 100000}
	items, _, err := pass(t, serve(t, s, false))
	if !errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), "neither ETag nor Last-Modified") || len(items) < 1000 {
		t.Errorf("Entries() = %d items, %v, want most items and ErrDamaged", len(items), err)
	}
}

func TestAnAnswerWithoutAnEndIsRefused(t *testing.T) {
	t.Parallel()
	s := &shelf{special: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhttps://a.example/1\nhttps://a.exam")
		_ = conn.Close()
		return true
	}}
	_, _, err := pass(t, serve(t, s, false))
	if err == nil || !strings.Contains(err.Error(), "does not send the length of the corpus") {
		t.Errorf("Open() = %v, want …does not send the length of the corpus…", err)
	}
}

func TestAWrongAddressIsAnswered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status      int
		query, want string
	}{{403, "", "still valid"}, {404, "?X-Signature=secret", "is the address right"}, {206, "?X-Signature=secret", "is the address right"}} {
		s := &shelf{special: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(c.status)
			return true
		}}
		cfg := serve(t, s, false)
		cfg.URI += c.query
		_, err := corpus.Open(t.Context(), cfg)
		if err == nil || errors.Is(err, corpus.ErrAway) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") || s.requests() != 1 {
			t.Errorf("Open() with %d = %v after %d requests, want …%s… after one, without the query", c.status, err, s.requests(), c.want)
		}
	}
}

func TestNoSecretOfAnAddressIsShown(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.RedirectHandler("http://127.0.0.1/elsewhere?X-Signature=secret", http.StatusFound))
	defer server.Close()
	for _, client := range []*http.Client{server.Client(), {Transport: &http.Transport{}}} {
		_, err := corpus.Open(t.Context(), corpus.Config{URI: server.URL + "/urls?X-Signature=secret#secret", HTTP: client})
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "/urls?…") {
			t.Errorf("Open() = %v, want an error with the address up to its query", err)
		}
		if errors.Is(err, corpus.ErrAway) {
			t.Errorf("Open() = %v, want an error that another try does not mend", err)
		}
	}
}

// script answers requests by the functions in turn, the last one for ever.
type script struct {
	answers []func(*http.Request) (*http.Response, error)
	asked   []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, time.Now())
	return s.answers[min(len(s.asked), len(s.answers))-1](r)
}

func answer(status int, size int64, body io.Reader) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		header := http.Header{"Etag": {`"v1"`}}
		if rest, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			header.Set("Content-Range", "bytes "+rest+"9/10")
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), ProtoMajor: 2, ContentLength: size, Header: header, Body: io.NopCloser(body), Request: r}, nil
	}
}

func fails(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// silent sends nothing until its request is given up.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAServerThatIsAwayAtTheStartIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]func(*http.Request) (*http.Response, error){
		"no connection": fails, "503": answer(503, 0, strings.NewReader("")), "silence": silent,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []func(*http.Request) (*http.Response, error){what}}
			_, err := corpus.Open(t.Context(), corpus.Config{URI: "https://a.example/urls", HTTP: &http.Client{Transport: s}})
			if !errors.Is(err, corpus.ErrAway) || errors.Is(err, corpus.ErrDamaged) || len(s.asked) != 3 {
				t.Errorf("Open() with %s = %v after %d requests, want ErrAway after 3", name, err, len(s.asked))
			}
		})
	}
}

func TestAServerThatIsGoneForGoodIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := "https://a.example/1\nhttps://a.example/2\nhttps://a.exa"
		s := &script{answers: []func(*http.Request) (*http.Response, error){answer(200, 1000, io.MultiReader(strings.NewReader(start), broken{})), fails}}
		began := time.Now()
		items, _, err := pass(t, corpus.Config{URI: "https://a.example/urls", HTTP: &http.Client{Transport: s}, Patience: 5 * time.Minute})
		if !errors.Is(err, corpus.ErrAway) || errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), "after line 2:") || len(items) != 2 {
			t.Errorf("Entries() = %d items, %v, want 2 and ErrAway after line 2", len(items), err)
		}
		if took := time.Since(began); took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("gave up after %d requests in %s, want soon after the 5 minutes of patience", len(s.asked), took)
		}
		if first := s.asked[1].Sub(s.asked[0]); first != 0 {
			t.Errorf("the first try to go on came after %s, want at once", first)
		}
	})
}

// Another start, with a fresh address, continues: the corpus is as good as before.
func TestASignatureThatExpiresIsNoDamage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 410} {
		synctest.Test(t, func(t *testing.T) {
			start := "https://a.example/1\nhttps://a.example/2\nhttps://a.exa"
			expired := answer(status, 0, strings.NewReader(""))
			s := &script{answers: []func(*http.Request) (*http.Response, error){answer(200, 1000, io.MultiReader(strings.NewReader(start), broken{})), expired}}
			cfg := corpus.Config{URI: "https://a.example/urls?X-Signature=secret", HTTP: &http.Client{Transport: s}, Patience: time.Minute}
			items, _, err := pass(t, cfg)
			if !errors.Is(err, corpus.ErrAway) || errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), "fresh address") || strings.Contains(err.Error(), "secret") || len(items) != 2 {
				t.Errorf("Entries() with %d in the middle = %d items, %v, want 2 and ErrAway that asks for a fresh address", status, len(items), err)
			}
			s.answers = []func(*http.Request) (*http.Response, error){expired}
			if _, err := corpus.Open(t.Context(), cfg); !errors.Is(err, corpus.ErrAway) || !strings.Contains(err.Error(), "fresh address") {
				t.Errorf("Open() with %d = %v, want ErrAway that asks for a fresh address", status, err)
			}
		})
	}
}

// broken is a connection that was lost.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnInterruptedDownloadIsNoDamage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := "https://a.example/1\nhttps://a.exa"
		s := &script{answers: []func(*http.Request) (*http.Response, error){answer(200, 1000, io.MultiReader(strings.NewReader(start), broken{})), fails}}
		source, err := corpus.Open(ctx, corpus.Config{URI: "https://a.example/urls", HTTP: &http.Client{Transport: s}})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		var last error
		for _, err := range source.Entries() {
			last = err
		}
		if !errors.Is(last, context.DeadlineExceeded) || errors.Is(last, corpus.ErrDamaged) {
			t.Errorf("Entries() = %v, want context.DeadlineExceeded", last)
		}
	})
}
