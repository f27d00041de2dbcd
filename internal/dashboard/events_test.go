package dashboard

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestEvents streams a change, and ends with the program.
func TestEvents(t *testing.T) {
	t.Parallel()
	life, end := context.WithCancel(t.Context())
	defer end()
	handler, err := New(life, options(busyWorld(), ""))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, path := range []string{"/events?run=2026q4", "/events"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("GET %s has the type %q", path, kind)
		}
		lines := bufio.NewScanner(answer.Body)
		var got []string
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				if got = append(got, name); name == "change" {
					break
				}
			}
		}
		if strings.Join(got, " ") != "begin change" {
			t.Errorf("GET %s streams %v, want begin, then change", path, got)
		}
		if path == "/events" {
			end()
		}
		for path == "/events" && lines.Scan() { // it ends by itself
			continue
		}
	}
	if answer, _ := ask(t, serve(t, options(busyWorld(), "")), http.MethodGet, "/events?run=<script>", nil, nil); answer.StatusCode != http.StatusNotFound {
		t.Errorf("GET /events of no run's name = %d, want 404", answer.StatusCode)
	}
}
