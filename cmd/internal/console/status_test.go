package console

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// TestReadyWhileAtWork: a probe sees what a person would have to fix here, and never takes a slow
// worker for a dead one.
func TestReadyWhileAtWork(t *testing.T) {
	t.Parallel()
	var last Watched
	address, stop, err := ServeStatus("127.0.0.1:0", "", &last, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	ask := func(path string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(address, "/metrics")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	expect := func(when string, ready int) {
		t.Helper()
		if got := ask("/readyz"); got != ready {
			t.Errorf("/readyz %s = %d, want %d", when, got, ready)
		}
		if got := ask("/healthz"); got != http.StatusOK {
			t.Errorf("/healthz %s = %d, want 200", when, got)
		}
	}
	expect("before there is a run", http.StatusServiceUnavailable)
	for _, limit := range append(harvest.Limits(), harvest.Limits()...) {
		get := func() harvest.Progress { return harvest.Progress{Limit: limit} }
		last.Store(&get)
		want := http.StatusOK
		if limit == harvest.LimitStore || limit == harvest.LimitPace {
			want = http.StatusServiceUnavailable
		}
		expect("at limit "+string(limit), want)
	}
}

// TestReadyWithoutWork: a process that only serves pages works on no run, and is ready.
func TestReadyWithoutWork(t *testing.T) {
	t.Parallel()
	address, stop, err := ServeStatus("127.0.0.1:0", "", nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(address, "/metrics")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s = %d, want 200", path, answer.StatusCode)
		}
	}
}
