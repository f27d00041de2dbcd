//go:build prove

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// scrape is how often Prometheus asks.
const scrape = 2 * time.Second

// prometheus is a real one that scrapes these addresses.
type prometheus struct {
	t       *testing.T
	url     string
	process *worker
}

// freePorts returns ports of loopback that are free now.
func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().String())
	}
	return ports
}

// prometheus starts one with our rules.
func (f *fleet) prometheus(targets []string) *prometheus {
	f.t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		f.t.Fatalf("%v: apt-get download prometheus && dpkg -x prometheus_*.deb DIR, and DIR/usr/bin into PATH", err)
	}
	rules, err := filepath.Abs("../../deploy/prometheus/rules.yaml")
	if err != nil {
		f.t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: %s, evaluation_interval: %s}\nrule_files: [%q]\nscrape_configs:\n  - job_name: shoal\n    static_configs:\n      - targets: [%s]\n",
		scrape, scrape, rules, strings.Join(targets, ", "))
	file := filepath.Join(f.dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		f.t.Fatal(err)
	}
	addr := freePorts(f.t, 1)[0]
	p := &prometheus{t: f.t, url: "http://" + addr}
	p.process = f.process(binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(f.dir, "tsdb"), "--web.listen-address="+addr, "--enable-feature=native-histograms", "--log.level=warn")
	f.until("Prometheus", time.Minute, func() bool {
		answer, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return p
}

// get asks the API of Prometheus.
func (p *prometheus) get(path string, into any) {
	p.t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var reply struct {
		Status, Error string
		Data          json.RawMessage
	}
	err = json.NewDecoder(answer.Body).Decode(&reply)
	if err == nil && reply.Status != "success" {
		err = fmt.Errorf("%s", reply.Error)
	}
	if err == nil {
		err = json.Unmarshal(reply.Data, into)
	}
	if err != nil {
		p.t.Fatalf("GET %s: %v", path, err)
	}
}

// sample is one value with its labels.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

func (s sample) float(t *testing.T) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s.Value[1].(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// query evaluates an expression now.
func (p *prometheus) query(expr string) []sample {
	p.t.Helper()
	var data struct{ Result []sample }
	p.get("/api/v1/query?query="+url.QueryEscape(expr), &data)
	return data.Result
}

// one is the only value of an expression.
func (p *prometheus) one(expr string) float64 {
	p.t.Helper()
	all := p.query(expr)
	if len(all) != 1 {
		p.t.Fatalf("%s = %d values, want one", expr, len(all))
	}
	return all[0].float(p.t)
}

// TestPrometheusMissesNothing: a real Prometheus scrapes a coordinator and four workers through a
// silence of the upstream. No scrape is missing, no series is added while items end, what it adds
// up is what the upstream counted, and it evaluates each query of the dashboard and each alert.
func TestPrometheusMissesNothing(t *testing.T) {
	length := 10 * time.Minute
	if text := os.Getenv("SHOAL_PROVE_MINUTES"); text != "" {
		minutes, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		length = time.Duration(minutes) * time.Minute
	}
	const rate = 50
	items := int(length.Seconds()+120) * rate
	f := newFleet(t, items, fakeapi.Behaviour{
		Rate: rate, Latency: 20 * time.Millisecond, Faults: []fakeapi.Fault{{Kind: fakeapi.KindUnavailable, Delay: 10 * time.Second, Every: 2000}, {Kind: fakeapi.KindStatus, Status: 500, Every: 501}},
	})
	ports := freePorts(t, 5)
	lead := f.process(f.tool, "run", "--ca", f.ca, "--progress", "none", "--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof",
		"--redis", f.redis.URL, "--store", f.pg.URL, "--rate", fmt.Sprint(rate), "--shards", "8", "--status-addr", ports[0])
	f.opened(lead)
	workers := make([]*worker, 4)
	for i := range workers {
		workers[i] = f.run("--run", "proof", "--shard", "auto", "--redis", f.redis.URL, "--store", f.pg.URL, "--status-addr", ports[i+1])
	}
	f.arrived(200, time.Minute)
	p := f.prometheus(ports)
	f.until("five targets to be scraped", time.Minute, func() bool { return len(p.query("shoal_requests_total or shoal_fleet_requests_total")) == 5 })
	f.pass(15 * time.Second)
	const ours = `{__name__=~"(shoal|go|process)_.*"}`
	before := p.one("count(" + ours + ")")
	from := time.Now()
	f.pass(length)
	span := fmt.Sprintf("[%ds]", int(time.Since(from).Seconds()))
	wantScrapes := float64(int(time.Since(from)/scrape)) - 1

	for _, expr := range []string{"min by (instance) (count_over_time(up" + span + "))", "min by (instance) (count_over_time(process_start_time_seconds" + span + "))"} {
		found := p.query(expr)
		for _, s := range found {
			if got := s.float(t); got < wantScrapes {
				t.Errorf("%s of %s = %g, want %g: a scrape is missing", expr, s.Metric["instance"], got, wantScrapes)
			}
		}
		if len(found) != 5 {
			t.Errorf("%s has %d targets, want 5", expr, len(found))
		}
	}
	if down := p.one("min(min_over_time(up" + span + "))"); down != 1 {
		t.Error("a scrape failed")
	}
	after := p.one("count(" + ours + ")")
	churn := p.one("count(last_over_time(" + ours + span + "))")
	slowest := p.one("max(max_over_time(scrape_duration_seconds" + span + "))")
	t.Logf("%g series before, %g after %s and %d requests, %g ever; slowest scrape %.3f s; %g scrapes of each target or more", before, after, length, f.api.Count(), churn, slowest, wantScrapes)
	if after > before || churn > before {
		t.Errorf("%g series at the start, %g at the end, %g ever: items make series", before, after, churn)
	}
	f.asksAll(p)
	f.addsUp(p)
	for _, w := range slices.Concat(workers, []*worker{lead}) {
		_ = w.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, w := range slices.Concat(workers, []*worker{lead}) {
		w.exit(time.Minute)
	}
}

// asksAll evaluates the queries of the dashboard, and looks at the rules.
func (f *fleet) asksAll(p *prometheus) {
	f.t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/shoal.json")
	if err != nil {
		f.t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		f.t.Fatal(err)
	}
	asked := 0
	for _, panel := range dashboard.Panels {
		for _, q := range panel.Targets {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$run", ".+").Replace(q.Expr)
			asked++
			if found := p.query(expr); len(found) == 0 && !strings.Contains(expr, "malformed") {
				f.t.Errorf("panel %q: %s finds nothing", panel.Title, expr)
			}
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	p.get("/api/v1/rules", &rules)
	evaluated := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			evaluated++
			if rule.Health != "ok" || rule.State == "firing" {
				f.t.Errorf("alert %s: health %s, state %s, %s, want it evaluated and at rest", rule.Name, rule.Health, rule.State, rule.LastError)
			}
		}
	}
	if asked < 20 || evaluated < 5 {
		f.t.Errorf("%d queries and %d alerts, want 20 and 5 or more", asked, evaluated)
	}
	f.t.Logf("%d queries of the dashboard find something, %d alerts are evaluated", asked, evaluated)
}

// addsUp compares what Prometheus adds up with what the upstream counted.
func (f *fleet) addsUp(p *prometheus) {
	f.t.Helper()
	low := f.api.Count()
	f.pass(2 * scrape)
	sent := p.one("sum(shoal_requests_total)")
	fetched := p.one("histogram_count(sum(shoal_fetch_duration_seconds))")
	quantile := p.one("histogram_quantile(0.5, sum(rate(shoal_fetch_duration_seconds[5m])))")
	high := f.api.Count()
	f.t.Logf("%g requests by the counters, %g by the native histogram, %d to %d by the upstream; half of them took less than %.0f ms", sent, fetched, low, high, 1000*quantile)
	const meanwhile = 50 * 2 * 2 // requests between two questions, and in flight
	if sent < float64(low) || sent > float64(high) || max(sent, fetched)-min(sent, fetched) > meanwhile {
		f.t.Errorf("%g requests by the counters and %g by the histogram, want what the upstream counted", sent, fetched)
	}
	if quantile < .01 || quantile > .2 {
		f.t.Errorf("half of the exchanges took %.3f s, want about 0.02", quantile)
	}
}
