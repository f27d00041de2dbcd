package status

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"shoal/internal/harvest"
)

func serve(t *testing.T, addr string, ready func() error) *Server {
	t.Helper()
	s, err := Serve(addr, busy, ready)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends one request and returns status and body.
func ask(t *testing.T, s *Server, method, host, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(body)
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t, ":0", nil)
	if !strings.HasPrefix(s.Addr(), "127.0.0.1:") {
		t.Errorf("Serve(:0) bound %s, want 127.0.0.1", s.Addr())
	}
	for _, test := range []struct {
		method, host, path string
		want               int
	}{
		{"GET", "", "/metrics", 200}, {"GET", "", "/healthz", 200}, {"GET", "", "/readyz", 200}, {"HEAD", "", "/healthz", 200},
		{"GET", "localhost:9", "/healthz", 200}, {"GET", "[::1]:9", "/healthz", 200},
		{"GET", "evil.example", "/metrics", 403}, {"GET", "127.0.0.1.evil.example", "/healthz", 403}, {"GET", "169.254.169.254", "/metrics", 403},
		{"POST", "", "/metrics", 405}, {"DELETE", "", "/healthz", 405},
		{"GET", "", "/debug/pprof/", 404}, {"GET", "", "/debug/vars", 404}, {"GET", "", "/", 404},
	} {
		if got, _ := ask(t, s, test.method, test.host, test.path); got != test.want {
			t.Errorf("%s %s of host %q = %d, want %d", test.method, test.path, test.host, got, test.want)
		}
	}
}

func TestServeElsewhereAnswersAnyName(t *testing.T) {
	t.Parallel()
	s := serve(t, "0.0.0.0:0", nil)
	for _, path := range []string{"/healthz", "/readyz"} {
		if got, _ := ask(t, s, "GET", "worker-3.shoal", path); got != 200 {
			t.Errorf("GET %s of host worker-3.shoal = %d, want 200", path, got)
		}
	}
	for _, host := range []string{"worker-3.shoal", "localhost"} {
		if got, body := ask(t, s, "GET", host, "/metrics"); got != 200 || !strings.Contains(body, "shoal_requests_total") || strings.Contains(body, "://") {
			t.Errorf("GET /metrics of host %s = %d %q, want 200 with metrics and without a URL", host, got, body)
		}
	}
}

func TestReadyz(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1:0", func() error { return errors.New("store postgres://db.lab.edu is away") })
	got, body := ask(t, s, "GET", "", "/readyz")
	if got != 503 || strings.Contains(body, "lab.edu") {
		t.Errorf("GET /readyz = %d %q, want 503 without details", got, body)
	}
	if got, _ := ask(t, s, "GET", "", "/healthz"); got != 200 {
		t.Errorf("GET /healthz = %d, want 200: the process is alive", got)
	}
}

func TestHealthz(t *testing.T) {
	t.Parallel()
	s, err := Serve("127.0.0.1:0", func() harvest.Progress {
		return harvest.Progress{Stuck: "decode: nothing has left this stage for 2m0s"}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if got, body := ask(t, s, "GET", "", "/healthz"); got != 503 || !strings.Contains(body, "decode") {
		t.Errorf("GET /healthz of a worker with a stuck stage = %d %q, want 503 with the stage", got, body)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1:0", nil)
	for _, addr := range []string{s.Addr(), "9090", "127.0.0.1:99999"} {
		if other, err := Serve(addr, busy, nil); err == nil {
			t.Errorf("Serve(%s) = %s, want an error", addr, other.Addr())
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	got, body := ask(t, serve(t, "127.0.0.1:0", nil), "GET", "", "/metrics")
	if got != 200 {
		t.Fatalf("GET /metrics = %d, want 200", got)
	}
	for _, m := range Metrics() {
		if !strings.Contains(body, "# HELP "+m.Name+" ") {
			t.Errorf("/metrics has no %s", m.Name)
		}
	}
	labels := `role="worker",run="2026q4",shard="1/4"`
	for _, want := range []string{
		`shoal_items_total{outcome="landed",` + labels + `} 20000`, `shoal_items_total{outcome="dead",` + labels + `} 3`, `shoal_limit{limit="budget",` + labels + `} 1`,
		`shoal_limit{limit="store",` + labels + `} 0`, `shoal_requests_total{` + labels + `} 21000`, `shoal_budget_rate{` + labels + `} 50`, `shoal_request_rate{` + labels + `} 49.62`,
		`shoal_ratelimit_header_malformed_total{header="Retry-After",` + labels + `} 3`, `shoal_corpus_items_estimated{` + labels + `} 0`, `shoal_corpus_ended{` + labels + `} 0`, `go_goroutines `,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
	for _, limit := range harvest.Limits() {
		if want := fmt.Sprintf(`shoal_limit{limit=%q,`, limit); strings.Count(body, want) != 1 {
			t.Errorf("/metrics says %s %d times, want once", want, strings.Count(body, want))
		}
	}
	if found := regexp.MustCompile(`https?://`).FindString(body); found != "" {
		t.Errorf("/metrics shows %q, want no URL", found)
	}
}

// The coordinator's sums have names of their own: no name is both a worker's and the fleet's, so
// nothing is counted twice.
func TestFleetMetricsHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	fleet := func() harvest.Progress {
		p := busy()
		p.Fleet, p.Malformed = true, nil
		return p
	}
	s, err := Serve("127.0.0.1:0", fleet, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	_, body := ask(t, s, "GET", "", "/metrics")
	for _, want := range []string{`shoal_fleet_requests_total{role="coordinator",run="2026q4",shard="all"} 21000`, `shoal_fleet_items_total{outcome="landed",role="coordinator",run="2026q4",shard="all"} 20000`} {
		if !strings.Contains(body, want) {
			t.Errorf("the coordinator's /metrics does not say %s", want)
		}
	}
	for _, m := range Metrics() {
		if m.Name != "shoal_log_lines_dropped_total" && strings.Contains(body, "\n"+m.Name+"{") {
			t.Errorf("the coordinator's /metrics has %s, which is the workers'", m.Name)
		}
		if name := m.FleetName(); name != "" && !strings.Contains(body, "# HELP "+name+" ") {
			t.Errorf("the coordinator's /metrics has no %s", name)
		}
	}
}

func TestLimitsAreExplained(t *testing.T) {
	t.Parallel()
	for _, limit := range harvest.Limits() {
		if what, todo := limit.Meaning(); what == "" || todo == "" {
			t.Errorf("Meaning(%s) = %q, %q, want both", limit, what, todo)
		}
		p := busy()
		p.Limit = limit
		if line := viewOf(p, 50).barLine(120); !strings.Contains(line, "limit: "+string(limit)) {
			t.Errorf("bar at limit %s = %q, want that word", limit, line)
		}
	}
}

func TestMetricsFollowTheConventions(t *testing.T) {
	t.Parallel()
	problems, err := testutil.CollectAndLint(collector{busy, measured()})
	if err != nil || len(problems) > 0 {
		t.Errorf("CollectAndLint = %v, %v, want nothing", problems, err)
	}
	for _, m := range Metrics() {
		if total := strings.HasSuffix(m.Name, "_total"); total != (m.Kind == prometheus.CounterValue) {
			t.Errorf("%s: a counter ends in _total and nothing else does", m.Name)
		}
	}
}

// TestURLIsOneThatABrowserOpens: a server on all addresses names one of them.
func TestURLIsOneThatABrowserOpens(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{":0": "http://127.0.0.1:", "0.0.0.0:0": "http://127.0.0.1:", "[::]:0": "http://127.0.0.1:", "127.0.0.1:0": "http://127.0.0.1:"} {
		server, err := Serve(addr, func() harvest.Progress { return harvest.Progress{} }, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Get(server.URL() + "/healthz")
		if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(server.URL(), want) {
			t.Errorf("a server on %s: %s/healthz = %v, want it to answer on %s…", addr, server.URL(), err, want)
		}
		if err == nil {
			_ = answer.Body.Close()
		}
		if err := server.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
