package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"shoal/internal/harvest"
	"shoal/internal/status"
)

// series are the names of our metrics, as Prometheus stores them, with their labels.
func series() map[string][]string {
	// What Prometheus adds to each.
	common := append(status.Labels(), "instance", "job")
	all := map[string][]string{}
	for _, m := range status.Metrics() {
		own := slices.Clone(common)
		if m.Label() != "" {
			own = append(own, m.Label())
		}
		all[m.Name] = own
		if fleet := m.FleetName(); fleet != "" {
			all[fleet] = own
		}
	}
	for _, h := range status.TimingTable() {
		all[h.Name], all[h.Name+"_count"], all[h.Name+"_sum"] = common, common, common
		all[h.Name+"_bucket"] = append(slices.Clone(common), "le")
	}
	all["process_resident_memory_bytes"] = []string{"instance", "job"} // of the client library
	return all
}

// words are what a label may be compared with.
func words() map[string][]string {
	known := map[string][]string{"run": {"$run", "any"}, "outcome": {string(harvest.Landed), string(harvest.Missing), string(harvest.Skipped), string(harvest.Dead)}}
	for _, limit := range harvest.Limits() {
		known["limit"] = append(known["limit"], string(limit))
	}
	return known
}

// queryFaults checks that Prometheus' own parser reads a query, and that our programs have each
// metric, label and word in it. It returns a sentence for each fault.
func queryFaults(query string) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	query = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$run", "any").Replace(query)
	expr, err := parser.ParseExpr(query)
	if err != nil {
		add("%v in %s", err, query)
		return faults
	}
	known, used := series(), map[string]bool{}
	for _, selector := range parser.ExtractSelectors(expr) {
		name := nameOf(selector)
		has, ok := known[name]
		if !ok {
			add("no program has %s", name)
			continue
		}
		for _, label := range has {
			used[label] = true
		}
		for _, m := range selector {
			if m.Name == labels.MetricName {
				continue
			}
			if !slices.Contains(has, m.Name) {
				add("%s has no label %s", name, m.Name)
			}
			for value := range strings.SplitSeq(m.Value, "|") {
				if !slices.Contains(words()[m.Name], value) {
					add("no %s is %q", m.Name, value)
				}
			}
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		var by []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			by = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				by = n.VectorMatching.MatchingLabels
			}
		}
		for _, label := range by {
			if !used[label] {
				add("no metric of the query has %s", label)
			}
		}
		return nil
	})
	return faults
}

// nameOf returns the metric of a selector.
func nameOf(selector []*labels.Matcher) string {
	for _, m := range selector {
		if m.Name == labels.MetricName {
			return m.Value
		}
	}
	return ""
}

func checkQuery(t *testing.T, where, query string) {
	t.Helper()
	for _, fault := range queryFaults(query) {
		t.Errorf("%s: %s", where, fault)
	}
}

// dashboard is what Grafana reads, as far as we rely on it.
type dashboard struct {
	UID, Title  string
	Annotations struct{ List []target }
	Templating  struct{ List []struct{ Name, Type string } }
	Panels      []struct {
		ID          int
		Type, Title string
		Description string
		GridPos     struct{ X, Y, W, H int }
		FieldConfig struct{ Defaults struct{ Unit string } }
		Targets     []target
	}
}

type target struct{ Expr, LegendFormat string }

// TestDashboardAsksForWhatThereIs checks each query of the Grafana dashboard, and that each panel
// has what a reader needs.
func TestDashboardAsksForWhatThereIs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/grafana/shoal.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || len(d.Templating.List) != 2 || len(d.Panels) < 15 {
		t.Fatalf("the dashboard has uid %q, %d variables and %d panels, want a uid, 2 and 15 or more", d.UID, len(d.Templating.List), len(d.Panels))
	}
	ids, taken, asked := map[int]bool{}, map[[2]int]string{}, ""
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its id is taken, or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q, or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks a description, a unit or a query", p.Title)
		}
		for _, q := range p.Targets {
			checkQuery(t, "panel "+p.Title, q.Expr)
			if q.LegendFormat == "" {
				t.Errorf("panel %q has a query without a legend", p.Title)
			}
			asked += q.Expr + "\n"
		}
	}
	for _, a := range d.Annotations.List {
		checkQuery(t, "annotation", a.Expr)
	}
	for _, m := range status.Metrics() { // a metric that no panel shows is easily forgotten
		if !strings.Contains(asked, m.Name) && !slices.Contains([]string{"shoal_corpus_items_estimated", "shoal_corpus_ended"}, m.Name) {
			t.Errorf("no panel shows %s", m.Name)
		}
	}
}

// heading makes the anchor of a heading as GitHub does.
func heading(text string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(text), ""), " ", "-")
}

// checkRunbook checks that a page of the docs has the section that an alert names.
func checkRunbook(t *testing.T, alert, link string) {
	t.Helper()
	page, anchor, ok := strings.Cut(link, "#")
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil || !ok {
		t.Errorf("%s: runbook %q: %v", alert, link, err)
		return
	}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		if heading(match[1]) == anchor {
			return
		}
	}
	t.Errorf("%s: %s has no section %s", alert, page, anchor)
}

// TestRulesOfPrometheusAreWhole checks the rules for any Prometheus with its own reader.
func TestRulesOfPrometheusAreWhole(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.LegacyValidation)
	if len(errs) > 0 || len(groups.Groups) != 1 || len(groups.Groups[0].Rules) < 5 {
		t.Fatalf("rules.yaml: %v, %d groups, want one with 5 rules or more", errs, len(groups.Groups))
	}
	for _, rule := range groups.Groups[0].Rules {
		for _, part := range []string{rule.Annotations["summary"], rule.Annotations["description"], rule.Labels["severity"]} {
			if part == "" {
				t.Errorf("%s lacks a summary, a description or a severity", rule.Alert)
			}
		}
		checkRunbook(t, rule.Alert, rule.Annotations["runbook"])
		checkQuery(t, rule.Alert, rule.Expr)
	}
}

// TestChecksOfQueriesFindMistakes breaks queries in each way that is looked for.
func TestChecksOfQueriesFindMistakes(t *testing.T) {
	for _, query := range []string{
		`sum(rate(shoal_requests_total[`, `shoal_request_total`, `shoal_requests_total{outcome="dead"}`, `shoal_items_total{outcome="died"}`, `sum by (outcome) (shoal_requests_total)`,
		`shoal_requests_total and on (pod) shoal_budget_rate`, `shoal_fleet_in_flight_requests`, `shoal_limit{limit=~"store|reddis"}`,
	} {
		if len(queryFaults(query)) == 0 {
			t.Errorf("queryFaults(%s) found nothing", query)
		}
	}
}

// TestMonitoringIsProvisioned checks that what compose.yaml mounts and names is there.
func TestMonitoringIsProvisioned(t *testing.T) {
	compose, err := os.ReadFile(filepath.Join(root, "deploy/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`type: bind, source: (\./[\w./-]+)`).FindAllStringSubmatch(string(compose), -1) {
		if _, err := os.Stat(filepath.Join(root, "deploy", match[1])); err != nil {
			t.Errorf("compose.yaml mounts %s: %v", match[1], err)
		}
	}
	var config struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrapes   []struct {
			DNS []struct {
				Names []string
				Port  int
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/prometheus.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &config)
	}
	if err != nil || len(config.RuleFiles) != 1 || len(config.Scrapes) != 1 || len(config.Scrapes[0].DNS) != 1 {
		t.Fatalf("prometheus.yaml = %+v, %v", config, err)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy/prometheus", config.RuleFiles[0])); err != nil {
		t.Error(err)
	}
	if want := fmt.Sprintf("SHOAL_STATUS_ADDR: 0.0.0.0:%d", config.Scrapes[0].DNS[0].Port); !strings.Contains(string(compose), want) {
		t.Errorf("compose.yaml has no %s, which prometheus.yaml asks", want)
	}
}

// TestTheTrialIsWatched checks that in the overlay dev Prometheus asks Services of our pods at the
// port that they serve, and that Grafana is given the dashboard.
func TestTheTrialIsWatched(t *testing.T) {
	r := render(t, tree(t), "dev")
	config := ""
	for name, c := range r.configs {
		if strings.HasPrefix(name, "shoal-prometheus-") {
			config = c.Data["prometheus.yaml"]
			if _, errs := rulefmt.Parse([]byte(c.Data["rules.yaml"]), false, model.LegacyValidation); len(errs) > 0 {
				t.Error(errs)
			}
		}
	}
	asked := regexp.MustCompile(`names: \[([^\]]+)\]`).FindStringSubmatch(config)
	if asked == nil {
		t.Fatalf("the configuration of Prometheus is %q", config)
	}
	for name := range strings.SplitSeq(asked[1], ", ") {
		service := r.services[name]
		if service == nil || service.Spec.ClusterIP != "None" || !service.Spec.PublishNotReadyAddresses || !strings.Contains(config, fmt.Sprintf("port: %d", service.Spec.Ports[0].Port)) {
			t.Errorf("Prometheus asks %s, of which the Service is %+v", name, service)
		}
	}
	dashboards := 0
	for _, c := range r.configs {
		if text, ok := c.Data["shoal.json"]; ok && json.Valid([]byte(text)) {
			dashboards++
		}
	}
	if dashboards != 1 {
		t.Errorf("%d ConfigMaps hold the dashboard, want 1", dashboards)
	}
}
