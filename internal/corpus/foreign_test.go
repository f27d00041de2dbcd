package corpus_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"shoal/internal/corpus"
)

// What another host than the named one sends is never shown: a redirect must not make our log a
// window into a network.
func TestContentOfAnotherHostIsNotShown(t *testing.T) {
	t.Parallel()
	const secret = "root:x:0:0:s3cr3t"
	inner := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/status":
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("HTTP/1.1 404 " + secret + "\r\nContent-Length: 0\r\n\r\n"))
			conn.Close()
		case "/banner":
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("SSH-2.0-" + secret + "\r\n"))
			conn.Close()
		case "/location":
			w.Header().Set("Location", "https://%zz"+secret)
			w.WriteHeader(http.StatusFound)
		default:
			w.Header().Set("Content-Length", "18")
			_, _ = w.Write([]byte(secret + "\n"))
		}
	}))
	t.Cleanup(inner.Close)
	outer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner.URL+r.URL.Path, http.StatusFound)
	}))
	outer.TLS = inner.TLS.Clone()
	outer.StartTLS()
	t.Cleanup(outer.Close)
	for _, path := range []string{"/lines", "/status", "/banner", "/location"} {
		_, err := corpus.Open(t.Context(), corpus.Config{URI: outer.URL + path, HTTP: inner.Client()})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "root:x") {
			t.Errorf("Open(%s) = %v, want an error without what the other host sent", path, err)
		}
	}
}

// A server's reason phrase is its own text, even on the named host.
func TestReasonPhraseOfADownloadIsNotShown(t *testing.T) {
	t.Parallel()
	cfg := serve(t, &shelf{special: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = conn.Write([]byte("HTTP/1.1 410 \x1b[31mforged\u202e\r\nContent-Length: 0\r\n\r\n"))
		conn.Close()
		return true
	}}, false)
	_, err := corpus.Open(t.Context(), cfg)
	if err == nil || strings.Contains(err.Error(), "forged") || !strings.Contains(err.Error(), "410 Gone") {
		t.Errorf("Open = %v, want 410 in our own words", err)
	}
}

// An http address on this machine does not redirect to a plain address elsewhere.
func TestDownloadStaysWithTLS(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.RedirectHandler("http://lists.example/urls", http.StatusFound)}}
	server.Start()
	t.Cleanup(server.Close)
	_, err = corpus.Open(t.Context(), corpus.Config{URI: server.URL + "/urls", HTTP: server.Client()})
	if err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("Open = %v, want the redirect to plain http refused", err)
	}
}

// A line of plain http would carry the credential for others to read: it is a rejection.
func TestExposedLinesAreRejected(t *testing.T) {
	t.Parallel()
	text := "https://api.example/1\nhttp://api.example/2\nhttps://api.example/3\n"
	src, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: strings.NewReader(text), Exposed: func(url string) bool { return strings.HasPrefix(url, "http:") }})
	if err != nil {
		t.Fatal(err)
	}
	items, rejected := 0, ""
	for entry, err := range src.Entries() {
		switch {
		case err != nil:
			t.Fatal(err)
		case entry.Rejected != nil:
			rejected += entry.Rejected.Reason
		default:
			items++
		}
	}
	if items != 2 || rejected != "plain_http" || src.First() != "https://api.example/1" {
		t.Errorf("Entries() = %d items, rejected %q, first %s; want 2, plain_http, that of the first line", items, rejected, src.First())
	}
}
