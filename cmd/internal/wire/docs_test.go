package wire

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/upstream/all"
)

// Write the page again with: go test ./cmd/internal/wire -run TestSettingsPage -update
var update = flag.Bool("update", false, "write docs/settings.md")

func settingsPage() string {
	var b strings.Builder
	b.WriteString("# All settings and metrics\n\n" +
		"A flag wins over its environment variable, that over the key of the same name in `shoal.yaml`, that over the profile, that over the default. " +
		"`REDIS_URL` and `DATABASE_URL` are read when `SHOAL_REDIS` and `SHOAL_STORE` are absent. `worker --print-config` shows what counts and why.\n\n" +
		"<!-- written from the table in internal/config; a test compares them -->\n\n")
	b.WriteString(config.Markdown(all.Kinds()))
	b.WriteString("\n## Metrics\n\nOn `--status-addr`, path `/metrics`; besides them those of Go and of the process. " +
		"`/healthz` answers there while the process does; `/readyz` is 503 before there is a run and a shard, and while the store or Redis takes nothing.\n\nThe coordinator that leads a run has the sums over all its workers under names of their own. " +
		"Each metric has the labels `run`, `shard` (`i/N`, `auto`, or `all` in the coordinator) and `role` (`worker` or `coordinator`).\n\n| metric | in the coordinator | kind | own label | |\n|---|---|---|---|---|\n")
	for _, m := range status.Metrics() {
		kind := "gauge"
		if m.Kind == prometheus.CounterValue {
			kind = "counter"
		}
		fleet := ""
		if name := m.FleetName(); name != "" {
			fleet = "`" + name + "`"
		}
		label := m.Label()
		if label != "" {
			label = "`" + label + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, fleet, kind, label, m.Help)
	}
	for _, h := range status.TimingTable() {
		fmt.Fprintf(&b, "| `%s` |  | histogram |  | %s |\n", h.Name, h.Help)
	}
	b.WriteString("\nHistograms are native ones for a Prometheus that scrapes them (`scrape_native_histograms`, `--enable-feature=native-histograms` before 3.8), and have classic buckets for the others. " +
		"[Monitoring](monitoring.md) has the dashboard and the alerts.\n")
	b.WriteString("\n## What holds a worker back\n\nThe bar, `coordinator status`, `report` and the metric `shoal_limit` use these words.\n\n| `limit:` | it means | do |\n|---|---|---|\n")
	for _, limit := range harvest.Limits() {
		what, todo := limit.Meaning()
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", limit, what, todo)
	}
	return b.String()
}

func TestSettingsPageIsTheTable(t *testing.T) {
	const page = "../../../docs/settings.md"
	if *update {
		if err := os.WriteFile(page, []byte(settingsPage()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != settingsPage() {
		t.Errorf("docs/settings.md (%d bytes, %v) is not what the tables say; write it again with -update", len(got), err)
	}
}
