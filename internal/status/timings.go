package status

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"shoal/internal/harvest"
)

// Timing is one row of the table of histograms: how long passages through a stage took.
type Timing struct {
	Name string
	Help string

	stage   string
	buckets []float64 // of the classic form, in seconds
}

// TimingTable returns the table: every histogram of a worker. The coordinator has none.
func TimingTable() []Timing {
	return []Timing{
		{"shoal_permit_wait_seconds", "How long requests waited for their permit, silences included.", harvest.StagePermit,
			[]float64{.001, .005, .02, .1, .5, 1, 5, 15, 60, 300, 900, 3600}},
		{"shoal_fetch_duration_seconds", "How long exchanges with the upstream took, from the first byte sent to the last one read.", harvest.StageFetch,
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}},
		{"shoal_land_duration_seconds", "How long transactions of the store took, each for a whole batch.", harvest.StageLand,
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}},
	}
}

// The resolution of native histograms: a bucket is about a tenth wider than the one before, and
// there are at most so many. After too many the histogram begins again, at most once an hour.
const (
	nativeFactor  = 1.1
	nativeBuckets = 100
	nativeReset   = time.Hour
)

// Timings collects how long the stages of a process take, as native histograms with classic buckets
// beside them. It is safe for concurrent use; the methods of nil do nothing.
type Timings struct {
	rows  []Timing
	of    []prometheus.Histogram
	stage map[string]prometheus.Histogram
}

// NewTimings returns empty histograms.
func NewTimings() *Timings {
	t := &Timings{rows: TimingTable(), stage: map[string]prometheus.Histogram{}}
	for _, row := range t.rows {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: row.Name, Help: row.Help, Buckets: row.buckets,
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets, NativeHistogramMinResetDuration: nativeReset,
		})
		t.of, t.stage[row.stage] = append(t.of, h), h
	}
	return t
}

// Took adds the time of one passage through a stage; one that has no histogram is ignored.
func (t *Timings) Took(stage string, took time.Duration) {
	if t == nil {
		return
	}
	if h := t.stage[stage]; h != nil {
		h.Observe(took.Seconds())
	}
}

// collect sends the histograms with the labels of a process.
func (t *Timings) collect(out chan<- prometheus.Metric, values []string) {
	if t == nil {
		return
	}
	names := Labels()
	pairs := make([]*dto.LabelPair, len(names))
	for i := range names {
		pairs[i] = &dto.LabelPair{Name: &names[i], Value: &values[i]}
	}
	for i, row := range t.rows {
		out <- timed{Metric: t.of[i], desc: prometheus.NewDesc(row.Name, row.Help, names, nil), pairs: pairs}
	}
}

// timed is a histogram with labels, which are not known when it is made.
type timed struct {
	prometheus.Metric

	desc  *prometheus.Desc
	pairs []*dto.LabelPair
}

// Desc implements [prometheus.Metric].
func (t timed) Desc() *prometheus.Desc { return t.desc }

// Write implements [prometheus.Metric].
func (t timed) Write(out *dto.Metric) error {
	err := t.Metric.Write(out)
	out.Label = t.pairs
	return err
}
