package status

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"

	"shoal/internal/harvest"
)

// measured returns histograms in which each stage was passed in 0.2, 0.4 and 40 s.
func measured() *Timings {
	t := NewTimings()
	for _, stage := range harvest.Stages() {
		for _, took := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 40 * time.Second} {
			t.Took(stage, took)
		}
	}
	return t
}

func serveTimings(t *testing.T, get func() harvest.Progress, timings *Timings) *Server {
	t.Helper()
	s, err := ServeOptions("127.0.0.1:0", Options{Get: get, Timings: timings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// TestTimingsInBothForms: a scraper of text gets classic buckets, one of protobuf native ones too.
func TestTimingsInBothForms(t *testing.T) {
	t.Parallel()
	s := serveTimings(t, busy, measured())
	_, body := ask(t, s, "GET", "", "/metrics")
	labels := `role="worker",run="2026q4",shard="1/4"`
	for _, row := range TimingTable() {
		for _, want := range []string{
			"# TYPE " + row.Name + " histogram", fmt.Sprintf("%s_count{%s} 3", row.Name, labels), fmt.Sprintf("%s_sum{%s} 40.6", row.Name, labels),
			fmt.Sprintf(`%s_bucket{%s,le="0.1"} 0`, row.Name, labels), fmt.Sprintf(`%s_bucket{%s,le="60"} 3`, row.Name, labels),
		} {
			if !strings.Contains(body, want) {
				t.Errorf("/metrics has no %s", want)
			}
		}
	}
	for name, h := range native(t, s) {
		if len(h.GetPositiveSpan()) == 0 || h.GetSampleCount() != 3 || len(h.GetBucket()) == 0 {
			t.Errorf("/metrics as protobuf: %s = %v, want native and classic buckets of 3", name, h)
		}
	}
}

// native asks as Prometheus does for native histograms.
func native(t *testing.T, s *Server) map[string]*dto.Histogram {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*dto.Histogram{}
	for in := bytes.NewReader(body); in.Len() > 0; {
		var family dto.MetricFamily
		if err := protodelim.UnmarshalFrom(in, &family); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(family.GetName(), "shoal_") && family.GetType() == dto.MetricType_HISTOGRAM {
			all[family.GetName()] = family.GetMetric()[0].GetHistogram()
		}
	}
	if len(all) != len(TimingTable()) {
		t.Fatalf("/metrics as protobuf has %d histograms, want %d", len(all), len(TimingTable()))
	}
	return all
}

// TestSeriesDoNotGrow: a million observations make as many series and as many buckets as a few.
func TestSeriesDoNotGrow(t *testing.T) {
	t.Parallel()
	timings := measured()
	few := testutil.CollectAndCount(collector{busy, timings})
	for i := range 1_000_000 {
		for _, row := range TimingTable() {
			timings.Took(row.stage, time.Duration(i)*time.Duration(i)*time.Nanosecond)
		}
	}
	if many := testutil.CollectAndCount(collector{busy, timings}); many != few {
		t.Errorf("%d series after a million observations, %d before", many, few)
	}
	for name, h := range native(t, serveTimings(t, busy, timings)) {
		if n := len(h.GetPositiveDelta()); n > nativeBuckets {
			t.Errorf("%s has %d buckets, want at most %d", name, n, nativeBuckets)
		}
	}
}

// TestFleetHasNoTimings: the coordinator sends nothing itself.
func TestFleetHasNoTimings(t *testing.T) {
	t.Parallel()
	s := serveTimings(t, func() harvest.Progress {
		p := busy()
		p.Fleet = true
		return p
	}, measured())
	if _, body := ask(t, s, "GET", "", "/metrics"); strings.Contains(body, "_seconds_bucket") {
		t.Error("the coordinator's /metrics has histograms of requests")
	}
}

// TestTookCostsNothing: a passage is measured without memory.
func TestTookCostsNothing(t *testing.T) {
	timings := measured()
	for _, row := range TimingTable() {
		if n := testing.AllocsPerRun(100, func() { timings.Took(row.stage, 3*time.Millisecond) }); n > 0 {
			t.Errorf("Took(%s) allocates %g times", row.stage, n)
		}
	}
	var none *Timings
	none.Took(harvest.StageFetch, time.Second)
}
