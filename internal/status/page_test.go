package status

import (
	"context"
	"io"
	"net/http"
	"testing"
)

// TestPageBesideTheMetrics gives the page all paths but those of programs, and no request that
// names this machine by a foreign name.
func TestPageBesideTheMetrics(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	s, err := ServeOptions("127.0.0.1:0", Options{Token: "0123456789abcdef", Get: busy, Page: func(life context.Context, local bool) (http.Handler, error) {
		context.AfterFunc(life, func() { close(ended) })
		if !local {
			t.Error("127.0.0.1 is not local")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, host, path string
		want               int
	}{
		{"GET", "", "/", http.StatusTeapot}, {"POST", "", "/login", http.StatusTeapot}, {"GET", "localhost:1", "/runs/a", http.StatusTeapot},
		{"GET", "evil.example", "/", 403}, {"POST", "evil.example", "/login", 403}, {"GET", "evil.example", "/metrics", 403},
		{"GET", "", "/metrics", 401}, {"GET", "", "/healthz", 200}, {"GET", "", "/metrics/", http.StatusTeapot},
	} {
		if got, _ := ask(t, s, test.method, test.host, test.path); got != test.want {
			t.Errorf("%s %s of host %q = %d, want %d", test.method, test.path, test.host, got, test.want)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	<-ended
}

// TestPageElsewhere makes the page know that other machines reach it.
func TestPageElsewhere(t *testing.T) {
	t.Parallel()
	s, err := ServeOptions("0.0.0.0:0", Options{Get: busy, Page: func(_ context.Context, local bool) (http.Handler, error) {
		if local {
			t.Error("0.0.0.0 is local")
		}
		return http.NotFoundHandler(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := ServeOptions("127.0.0.1:0", Options{Get: busy, Page: func(context.Context, bool) (http.Handler, error) { return nil, io.ErrUnexpectedEOF }}); err == nil {
		t.Error("ServeOptions() without its page = nil, want the error")
	}
}
