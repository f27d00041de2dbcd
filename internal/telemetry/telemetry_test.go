package telemetry

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"shoal/internal/harvest"
	"shoal/internal/testenv"
)

func item(t *testing.T, n int) harvest.Item {
	t.Helper()
	i, err := harvest.NewItem(fmt.Sprintf("https://api.example/items/%d?api_key=c4nary&page=1", n), fmt.Sprint(n), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// start begins an export to a collector.
func start(t *testing.T, address string, log *slog.Logger) *Exporter {
	t.Helper()
	registry := prometheus.NewRegistry()
	native := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "shoal_fetch_duration_seconds", NativeHistogramBucketFactor: 1.1})
	native.Observe(0.2)
	sent := prometheus.NewCounter(prometheus.CounterOpts{Name: "shoal_requests_total"})
	registry.MustRegister(native, sent)
	e, err := Start(t.Context(), Settings{URL: address, Service: "shoal-worker", Version: "1.2", Metrics: registry, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	e.Run("q")
	return e
}

var quiet = slog.New(slog.DiscardHandler)

// pass sends an item on its way: one attempt that fails, one that lands.
func pass(e *Exporter, items ...harvest.Item) {
	request := &harvest.Request{Items: items, Method: "GET", URL: items[0].URL}
	at := time.Now().Add(-time.Second)
	times := func(ms int) harvest.Times {
		at := at.Add(time.Duration(ms) * time.Millisecond)
		return harvest.Times{Began: at, Connected: at.Add(1e6), Permitted: at.Add(20e6), Answered: at.Add(70e6), Decoded: at.Add(75e6)}
	}
	e.Attempted(harvest.Attempt{Request: request, Times: times(0), Status: 500, Reason: "http_500"})
	e.Attempted(harvest.Attempt{Request: request, Times: times(200), Status: 200})
	pages := make([]harvest.Page, len(items))
	for i := range items {
		pages[i] = harvest.Page{Key: items[i].Key, Outcome: harvest.Landed, Attempts: 2}
	}
	e.Landed(pages, at.Add(400*time.Millisecond), at.Add(450*time.Millisecond))
}

// TestWholeTraces: each sampled item has one trace from its first wait to its landing, without a
// credential.
func TestWholeTraces(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	t.Setenv("OTEL_SERVICE_NAME", "nightly")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "team=lab")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven")
	c := testenv.Collector(t, nil)
	e := start(t, c.URL+"/", quiet)
	pass(e, item(t, 1), item(t, 2))
	e.Close(5 * time.Second)
	byTrace := map[string][]testenv.Span{}
	for _, s := range c.Spans() {
		byTrace[s.Trace] = append(byTrace[s.Trace], s)
	}
	if len(byTrace) != 2 || c.Header().Get("X-Tenant") != "seven" {
		t.Fatalf("%d traces, headers %v, want 2 and that of the environment", len(byTrace), c.Header())
	}
	for _, spans := range byTrace {
		var names []string
		var root testenv.Span
		for _, s := range spans {
			if s.Parent == "" {
				root = s
			}
		}
		for _, s := range spans {
			names = append(names, s.Name)
			if s.Parent != "" && s.Parent != root.ID || s.From.Before(root.From) || s.To.After(root.To) || s.To.Before(s.From) {
				t.Errorf("span %+v is not within %+v", s, root)
			}
			if strings.Contains(fmt.Sprint(s.Attributes), "c4nary") {
				t.Errorf("span %s shows a credential: %v", s.Name, s.Attributes)
			}
			if s.Resource["service.name"] != "nightly" || s.Resource["team"] != "lab" || s.Resource["service.version"] != "1.2" {
				t.Errorf("resource %v, want the names of the environment", s.Resource)
			}
			if s.Name == "fetch" && s.Failed != (s.Attributes["error.type"] == "http_500") {
				t.Errorf("fetch %v failed %v", s.Attributes, s.Failed)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != "connect connect decode decode fetch fetch item land permit permit" {
			t.Errorf("spans %s, want two attempts and a landing", got)
		}
		if root.Attributes["shoal.outcome"] != "landed" || root.Attributes["shoal.run"] != "q" || root.Attributes["url.full"] == "" {
			t.Errorf("root %v, want outcome, run and URL", root.Attributes)
		}
	}
	if kinds := c.Metrics(); kinds["shoal_fetch_duration_seconds"] != "exponential histogram" || kinds["shoal_requests_total"] != "sum" {
		t.Errorf("metrics %v, want a native histogram and a sum", kinds)
	}
}

// TestSampling: without a word in the environment one item in a hundred is followed, the same ones
// in each process; and a word in the environment counts.
func TestSampling(t *testing.T) {
	const n = 3000
	roots := func(set map[string]string) map[string]bool {
		for name, value := range set {
			t.Setenv(name, value)
		}
		c := testenv.Collector(t, nil)
		e := start(t, c.URL, quiet)
		for i := range n {
			pass(e, item(t, i))
		}
		e.Close(10 * time.Second)
		all := map[string]bool{}
		for _, s := range c.Spans() {
			if s.Parent == "" {
				all[s.Trace] = true
			}
		}
		return all
	}
	first, second := roots(nil), roots(nil)
	if len(first) < n/200 || len(first) > n/50 || !equal(first, second) {
		t.Errorf("%d and %d of %d items are followed, want about %d, the same", len(first), len(second), n, n/100)
	}
	if off := roots(map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}); len(off) > 0 {
		t.Errorf("always_off: %d items are followed", len(off))
	}
	if some := roots(map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"}); len(some) < n/40 || len(some) > n/10 {
		t.Errorf("traceidratio 0.05: %d of %d items are followed", len(some), n)
	}
}

func equal(a, b map[string]bool) bool {
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestCollectorThatHangs costs the run nothing and its end a bounded time; items that have not
// landed leave nothing behind.
func TestCollectorThatHangs(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	release := make(chan struct{})
	c := testenv.Collector(t, release)
	defer close(release)
	var log bytes.Buffer
	e := start(t, c.URL, slog.New(slog.NewTextHandler(&log, nil)))
	began := time.Now()
	for i := range 2 * maxOpen {
		it := item(t, i)
		e.Attempted(harvest.Attempt{Request: &harvest.Request{Items: []harvest.Item{it}, URL: it.URL}, Times: harvest.Times{Began: began}})
	}
	if took := time.Since(began); took > 5*time.Second || len(e.items.open) != maxOpen {
		t.Errorf("%d items took %s and %d are followed, want no wait and %d", 2*maxOpen, took, len(e.items.open), maxOpen)
	}
	began = time.Now()
	e.Close(300 * time.Millisecond)
	if took := time.Since(began); took > 5*time.Second || len(e.items.open) > 0 {
		t.Errorf("Close(300ms) took %s, %d items are left", took, len(e.items.open))
	}
	if !strings.Contains(log.String(), "telemetry not delivered") {
		t.Errorf("logged %q, want what was not delivered", log.String())
	}
}

// TestDisabled: the environment can turn it off.
func TestDisabled(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	e, err := Start(t.Context(), Settings{URL: "http://127.0.0.1:1"})
	if e != nil || err != nil {
		t.Errorf("Start() = %v, %v, want nothing", e, err)
	}
	e.Close(time.Second)
}

// TestMasked states what of an address is shown.
func TestMasked(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://u:c4nary@api.example/x?page=2":                 "https://api.example/x?page=2",
		"https://api.example/x?access_token=c4nary&page=2":      "https://api.example/x?access_token=[secret]&page=2",
		"https://api.example/x?X-Amz-Signature=c4nary&list=a,b": "https://api.example/x?X-Amz-Signature=[secret]&list=a,b",
		"https://api.example/x":                                 "https://api.example/x", "://": "[unreadable]",
	} {
		if got := masked(address); got != want {
			t.Errorf("masked(%s) = %s, want %s", address, got, want)
		}
	}
}

// TestEnvironmentNamesTheCollector: the SDK's own variables choose where each signal goes.
func TestEnvironmentNamesTheCollector(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	general, traces := testenv.Collector(t, nil), testenv.Collector(t, nil)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", general.URL)
	e := start(t, FromEnv, quiet)
	pass(e, item(t, 1))
	e.Close(5 * time.Second)
	if len(general.Spans()) != 10 || len(general.Metrics()) == 0 {
		t.Errorf("%d spans and %d metrics by OTEL_EXPORTER_OTLP_ENDPOINT, want 10 and some", len(general.Spans()), len(general.Metrics()))
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.URL+"/v1/traces")
	e = start(t, general.URL, quiet)
	pass(e, item(t, 2))
	e.Close(5 * time.Second)
	if len(traces.Spans()) != 10 || len(general.Spans()) != 10 {
		t.Errorf("%d spans by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and %d elsewhere, want 10 more there only", len(traces.Spans()), len(general.Spans())-10)
	}
}

// BenchmarkAttempted measures what an item costs while one in a hundred is followed.
func BenchmarkAttempted(b *testing.B) {
	e, err := Start(b.Context(), Settings{URL: testenv.Collector(b, nil).URL, Service: "shoal-worker", Metrics: prometheus.NewRegistry(), Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(5 * time.Second)
	e.Run("q")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		items := []harvest.Item{{Key: harvest.KeyOf(fmt.Sprint(n)), URL: "https://api.example/items/1"}}
		at := time.Now()
		e.Attempted(harvest.Attempt{Request: &harvest.Request{Items: items}, Times: harvest.Times{Began: at, Connected: at, Permitted: at, Answered: at, Decoded: at}})
		e.Landed([]harvest.Page{{Key: items[0].Key, Outcome: harvest.Landed}}, at, at)
	}
}
