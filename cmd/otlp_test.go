package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

// TestTracesOfAWorker harvests with a collector beside it, which gets a whole trace of each item
// and the metrics; no word of a credential among them.
func TestTracesOfAWorker(t *testing.T) {
	t.Parallel()
	const items = 40
	dir := t.TempDir()
	api, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: items, Faults: []fakeapi.Fault{{Kind: fakeapi.KindStatus, Status: 500, Path: "/items/7", First: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	ca, err := api.CAFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shoal.yaml"), []byte("auth: {kind: query, name: api_key, secret-env: API_KEY}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var corpus strings.Builder
	for n := range items {
		fmt.Fprintln(&corpus, n)
	}
	collector := testenv.Collector(t, nil)
	cmd := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/worker"), "--corpus", "-", "--url", api.URL+"/items/{id}", "--ca", ca, "--run", "traced", "--rate", "500/s", "--otlp", collector.URL, "--progress", "none")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(corpus.String())
	cmd.Env = append(os.Environ(), "API_KEY=c4nary-of-the-key", "OTEL_TRACES_SAMPLER=always_on")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "not delivered") {
		t.Fatalf("worker: %v\n%s", err, out)
	}
	spans := map[string][]testenv.Span{}
	for _, s := range collector.Spans() {
		spans[s.Trace] = append(spans[s.Trace], s)
		if text := fmt.Sprint(s); strings.Contains(text, "c4nary") || s.Resource["service.name"] != "shoal-worker" {
			t.Errorf("span %s, want shoal-worker's, without the credential", text)
		}
	}
	if len(spans) != items {
		t.Errorf("%d traces, want one for each of %d items", len(spans), items)
	}
	retried := 0
	for _, trace := range spans {
		var names []string
		for _, s := range trace {
			names = append(names, s.Name)
			if s.Name == "item" && (s.Attributes["shoal.outcome"] != "landed" || s.Attributes["shoal.run"] != "traced" || s.Parent != "") {
				t.Errorf("root %+v, want that of an item that has landed", s)
			}
		}
		slices.Sort(names)
		switch got := strings.Join(names, " "); got {
		case "connect decode fetch item land permit":
		case "connect connect decode decode fetch fetch item land permit permit":
			retried++
		default:
			t.Errorf("a trace of %s", got)
		}
	}
	if retried != 1 {
		t.Errorf("%d traces have two attempts, want that of the item that failed once", retried)
	}
	kinds := collector.Metrics()
	if kinds["shoal_requests_total"] != "sum" || kinds["shoal_fetch_duration_seconds"] != "exponential histogram" || kinds["shoal_budget_rate"] != "gauge" {
		t.Errorf("metrics %v, want those of /metrics", kinds)
	}
}
