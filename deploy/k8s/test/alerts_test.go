package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"shoal/internal/harvest"
)

// TestRulesAskForWhatThereIs checks that Prometheus' own parser reads each rule, and that our
// programs have each metric in it.
func TestRulesAskForWhatThereIs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	r := render(t, tree(t), "alerted")
	if len(r.rules) != 1 || len(r.rules[0].Spec.Groups) != 1 {
		t.Fatalf("components/alerts renders %d PrometheusRules, want one with one group", len(r.rules))
	}
	for _, rule := range r.rules[0].Spec.Groups[0].Rules {
		if rule.Alert == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("rule %+v lacks a name, a severity, a summary or a description", rule)
		}
		if !strings.Contains(string(runbook), "`"+rule.Alert+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", rule.Alert)
		}
		checkRunbook(t, rule.Alert, rule.Annotations["runbook"])
		expr, err := parser.ParseExpr(rule.Expr.StrVal)
		if err != nil {
			t.Errorf("%s: %v", rule.Alert, err)
			continue
		}
		for _, selector := range parser.ExtractSelectors(expr) {
			checkSelector(t, rule.Alert, selector, string(page))
		}
	}
}

// checkSelector checks our own metrics; those of Kubernetes are its own.
func checkSelector(t *testing.T, alert string, selector []*labels.Matcher, page string) {
	t.Helper()
	name := ""
	for _, m := range selector {
		if m.Name == labels.MetricName {
			name = m.Value
		}
	}
	switch ours := strings.HasPrefix(name, "shoal_"); {
	case ours && !strings.Contains(page, "`"+name+"`"):
		t.Errorf("%s asks for %s, which docs/settings.md does not know", alert, name)
	case !ours && !regexp.MustCompile(`^(up|kube_(job|cronjob)_\w+)$`).MatchString(name):
		t.Errorf("%s asks for %s, which is neither ours nor of kube-state-metrics", alert, name)
	}
	known := map[string][]string{"container": {"coordinator", "worker"}, "namespace": {"shoal"}, "condition": {"true"}, "outcome": {string(harvest.Landed), string(harvest.Dead)}}
	for _, limit := range harvest.Limits() {
		known["limit"] = append(known["limit"], string(limit))
	}
	for _, m := range selector {
		if m.Name == labels.MetricName {
			continue
		}
		for value := range strings.SplitSeq(m.Value, "|") {
			if !slices.Contains(known[m.Name], value) {
				t.Errorf("%s asks for %s, and no %s is %q", alert, m, m.Name, value)
			}
		}
	}
}
