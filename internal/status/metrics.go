package status

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"shoal/internal/harvest"
)

// Metric is one row of the table of metrics. No label ever holds a URL or a text of an item.
type Metric struct {
	Name string
	Help string
	Kind prometheus.ValueType

	label  string // its name; empty for none
	values func(p harvest.Progress) []labelled
}

type labelled struct {
	label string
	value float64
}

func one(get func(p harvest.Progress) float64) func(harvest.Progress) []labelled {
	return func(p harvest.Progress) []labelled { return []labelled{{"", get(p)}} }
}

// Metrics returns the table: every metric of a worker except those of Go and the process.
func Metrics() []Metric {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return []Metric{
		{"shoal_items_total", "Items that ended in this process, by outcome.", counter, "outcome", itemValues},
		{"shoal_rejected_total", "Corpus lines that are not items.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Counts.Rejected) })},
		{"shoal_corpus_items", "Items of this shard; 0 while unknown.", gauge, "",
			one(func(p harvest.Progress) float64 { return float64(p.Total) })},
		{"shoal_corpus_items_estimated", "1 while shoal_corpus_items is an estimate.", gauge, "",
			one(func(p harvest.Progress) float64 { return truth(p.Guess) })},
		{"shoal_corpus_ended", "1 once the corpus was read to its end.", gauge, "",
			one(func(p harvest.Progress) float64 { return truth(p.CorpusEnded) })},
		{"shoal_already_items", "Items of this shard that an earlier start had done.", gauge, "",
			one(func(p harvest.Progress) float64 { return float64(p.Already) })},
		{"shoal_seen_items_total", "Items of this shard that the corpus gave.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Seen) })},
		{"shoal_requests_total", "Requests sent to the upstream.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Requests) })},
		{"shoal_retries_total", "Requests that were a further try.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Retries) })},
		{"shoal_pauses_total", "Silences that the upstream asked for.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Pauses) })},
		{"shoal_in_flight_requests", "Requests on the wire.", gauge, "",
			one(func(p harvest.Progress) float64 { return float64(p.InFlight) })},
		{"shoal_received_bytes_total", "Bytes of bodies as they came over the network.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Wire) })},
		{"shoal_stored_bytes_total", "Bytes of bodies as stored.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.Counts.Bytes) })},
		{"shoal_request_rate", "Requests per second of this process over the last seconds.", gauge, "",
			one(func(p harvest.Progress) float64 { return p.Rate })},
		{"shoal_budget_rate", "Requests per second that the whole fleet may send.", gauge, "",
			one(func(p harvest.Progress) float64 { return p.Budget })},
		{"shoal_silent_seconds", "Seconds until requests may be sent again.", gauge, "", one(silentSeconds)},
		{"shoal_limit", "1 for what holds the worker back now, 0 for the rest.", gauge, "limit", limitValues},
		{"shoal_ratelimit_header_malformed_total", "Rate-limit headers of answers that could not be understood and were ignored, by header.", counter, "header", malformedValues},
		{"shoal_log_lines_dropped_total", "Log lines that stderr did not take.", counter, "",
			one(func(p harvest.Progress) float64 { return float64(p.LogsDropped) })},
	}
}

func silentSeconds(p harvest.Progress) float64 {
	if p.SilentUntil.IsZero() {
		return 0
	}
	return max(0, p.SilentUntil.Sub(p.Now).Seconds())
}

func itemValues(p harvest.Progress) []labelled {
	var all []labelled
	for _, c := range outcomes(p.Counts)[:4] {
		all = append(all, labelled{c.name, float64(c.n)})
	}
	return all
}

func malformedValues(p harvest.Progress) []labelled {
	var all []labelled
	for _, name := range slices.Sorted(maps.Keys(p.Malformed)) {
		all = append(all, labelled{name, float64(p.Malformed[name])})
	}
	return all
}

func limitValues(p harvest.Progress) []labelled {
	var all []labelled
	for _, limit := range harvest.Limits() {
		all = append(all, labelled{string(limit), truth(limit == p.Limit)})
	}
	return all
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// collector reads one snapshot at each scrape.
type collector struct {
	get     func() harvest.Progress
	timings *Timings // nil for none
}

// notOfFleet are the metrics that only a process has.
var notOfFleet = []string{"shoal_corpus_ended", "shoal_seen_items_total", "shoal_in_flight_requests", "shoal_ratelimit_header_malformed_total", "shoal_log_lines_dropped_total"}

// FleetName returns the metric's name in the coordinator, for the sum over all workers; empty if
// there is none. It differs from the worker's, so that a sum over all processes counts nothing
// twice.
func (m Metric) FleetName() string {
	if slices.Contains(notOfFleet, m.Name) {
		return ""
	}
	return "shoal_fleet_" + strings.TrimPrefix(m.Name, "shoal_")
}

// Label returns the name of the metric's own label; empty for none.
func (m Metric) Label() string { return m.label }

// Labels are on every metric besides its own.
func Labels() []string { return []string{"run", "shard", "role"} }

// Roles of a process.
const (
	roleWorker      = "worker"
	roleCoordinator = "coordinator"
)

// of names the metric for a snapshot, and returns the values of [Labels].
func (m Metric) of(p harvest.Progress) (name string, labels []string) {
	switch {
	case !p.Fleet:
		return m.Name, []string{p.Run, cmp.Or(p.Part, p.Shard.String()), roleWorker}
	case m.Name == "shoal_log_lines_dropped_total": // the coordinator's own
		return m.Name, []string{p.Run, "all", roleCoordinator}
	}
	return m.FleetName(), []string{p.Run, "all", roleCoordinator}
}

// Describe implements [prometheus.Collector]. The names depend on the role, which only the first
// snapshot has.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector]. Before there is a run it collects nothing.
func (c collector) Collect(out chan<- prometheus.Metric) {
	p := c.get()
	if p.Run == "" {
		return
	}
	for _, m := range Metrics() {
		name, common := m.of(p)
		if name == "" {
			continue
		}
		names := Labels()
		if m.label != "" {
			names = append(names, m.label)
		}
		desc := prometheus.NewDesc(name, m.Help, names, nil)
		for _, v := range m.values(p) {
			labels := common
			if m.label != "" {
				labels = append(slices.Clone(common), v.label)
			}
			out <- prometheus.MustNewConstMetric(desc, m.Kind, v.value, labels...)
		}
	}
	if !p.Fleet {
		_, labels := Metrics()[0].of(p)
		c.timings.collect(out, labels)
	}
}
