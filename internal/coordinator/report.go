package coordinator

import (
	"context"
	"slices"
	"strconv"
	"time"

	"shoal/internal/harvest"
)

// Report is what a run did. Scripts rely on the names of its JSON: one may be added, none is
// renamed or removed.
type Report struct {
	Run         string     `json:"run"`
	Host        string     `json:"host"`
	OpenedAt    time.Time  `json:"opened_at"`
	FinishedAt  *time.Time `json:"finished_at"` // null while it is not finished
	CorpusItems int64      `json:"corpus_items"`
	Landed      int64      `json:"landed"`
	Missing     int64      `json:"missing"`
	Skipped     int64      `json:"skipped"`
	Dead        int64      `json:"dead"`
	Rejected    int64      `json:"rejected"`
	PutBack     int64      `json:"put_back"` // by coordinator retry: they have not ended again yet
	BodyBytes   int64      `json:"body_bytes"`

	Workers   int                        `json:"workers"` // processes that have worked on it
	Requests  int64                      `json:"requests"`
	WireBytes int64                      `json:"wire_bytes"`
	Retries   map[string]int64           `json:"retries"`           // by reason
	Pauses    map[string]harvest.Silence `json:"pauses"`            // by what asked for them
	Refused   int64                      `json:"refused"`           // how many of these began because the fleet asked too fast
	Malformed map[string]int64           `json:"malformed_headers"` // about limits, by name
	Stages    map[string]float64         `json:"stages_s"`
	Limits    map[string]float64         `json:"limits_s"`

	Budget      float64    `json:"budget"`       // requests/s, at present
	Budgets     []float64  `json:"budgets"`      // requests/s, each that was in force, from the lowest
	Lowered     float64    `json:"lowered_to"`   // requests/s that the fleet kept below, since the upstream refused there again and again; 0: no such rate
	WorstSecond int        `json:"worst_second"` // requests
	WorstMinute int        `json:"worst_minute"` // requests
	WorstAt     *time.Time `json:"worst_at"`     // of the second; null before the first request
	Sending     float64    `json:"sending_s"`    // seconds in which a request was sent
	Used        float64    `json:"budget_used"`  // of those seconds' budget, 0 to 1; of the mean, if it was changed meanwhile
	PerRequest  float64    `json:"items_per_request"`

	RefusedStarts   int   `json:"refused_starts"`   // processes that an error ended before anything of theirs landed
	RefusedRequests int64 `json:"refused_requests"` // of the requests, those of such starts
}

// CompileReport reads what the run did and adds it up.
func CompileReport(ctx context.Context, store Fleet, name string) (r Report, err error) {
	s, err := Look(ctx, store, name)
	if err != nil {
		return r, err
	}
	minutes, err := store.ListMinutes(ctx, name, 0)
	if err != nil {
		return r, err
	}
	run := s.Run
	run.CorpusItems, _ = s.CorpusItems()
	return Compile(run, s.Totals, s.Work, minutes, BudgetOf(run, s.Control)), nil
}

// Compile adds a run up. budget is in requests per second.
func Compile(run harvest.Run, totals harvest.Counts, work []harvest.Work, minutes []harvest.Minute, budget float64) Report {
	r := Report{
		Run: run.Name, Host: run.Host, OpenedAt: run.OpenedAt, CorpusItems: run.CorpusItems,
		Landed: totals.Landed, Missing: totals.Missing, Skipped: totals.Skipped, Dead: totals.Dead, Rejected: totals.Rejected, BodyBytes: totals.Bytes, PutBack: totals.PutBack,
		Workers: len(work), Retries: map[string]int64{}, Pauses: map[string]harvest.Silence{}, Malformed: map[string]int64{}, Stages: map[string]float64{}, Limits: map[string]float64{}, Budget: budget,
	}
	if !run.FinishedAt.IsZero() {
		r.FinishedAt = &run.FinishedAt
	}
	budgets := map[string]float64{}
	for _, w := range work {
		r.Requests += w.Stats.Requests
		r.WireBytes += w.Stats.Wire
		for reason, n := range w.Stats.Retries {
			r.Retries[reason] += n
		}
		for source, s := range w.Stats.Pauses {
			sum := r.Pauses[source]
			r.Pauses[source] = harvest.Silence{Times: sum.Times + s.Times, Seconds: sum.Seconds + s.Seconds}
		}
		r.Refused += w.Stats.Refused
		r.Lowered = harvest.Lower(r.Lowered, w.Stats.Lowered)
		for name, n := range w.Stats.Malformed {
			r.Malformed[name] += n
		}
		add(r.Stages, w.Stats.Stages)
		add(r.Limits, w.Stats.Limits)
		add(budgets, w.Stats.Budgets)
		if w.Stats.EndedBy != "" && w.Stats.Items.Landed == 0 {
			r.RefusedStarts++
			r.RefusedRequests += w.Stats.Requests
		}
	}
	if own := r.Requests - r.RefusedRequests; own > 0 {
		r.PerRequest = float64(totals.Items()) / float64(own)
	}
	mean := r.inForce(budgets)
	r.rates(minutes, mean)
	return r
}

// inForce takes the budgets that were in force, by their seconds, and returns their mean.
func (r *Report) inForce(seconds map[string]float64) (mean float64) {
	r.Budgets = []float64{}
	sum := 0.0
	for text, s := range seconds {
		if rate, err := strconv.ParseFloat(text, 64); err == nil && s > 0 {
			r.Budgets = append(r.Budgets, rate)
			mean, sum = mean+rate*s, sum+s
		}
	}
	slices.Sort(r.Budgets)
	if len(r.Budgets) < 2 { // it never changed
		return r.Budget
	}
	return mean / sum
}

// TopBudget returns the highest budget that was in force, in requests/s.
func (r *Report) TopBudget() float64 {
	if len(r.Budgets) < 2 {
		return r.Budget
	}
	return r.Budgets[len(r.Budgets)-1]
}

func add(sum, more map[string]float64) {
	for name, n := range more {
		sum[name] += n
	}
}

// rates finds the worst second and minute of the clock, and how much of the budget was used while
// requests were sent.
func (r *Report) rates(minutes []harvest.Minute, budget float64) {
	sent, busy := 0, 0
	for _, m := range minutes {
		sum := 0
		for second, n := range m.Seconds {
			sum += n
			if n > 0 {
				busy++
			}
			if n > r.WorstSecond {
				at := time.Unix(m.Unix*60+int64(second), 0).UTC()
				r.WorstSecond, r.WorstAt = n, &at
			}
		}
		sent += sum
		r.WorstMinute = max(r.WorstMinute, sum)
	}
	r.Sending = float64(busy)
	if busy > 0 && budget > 0 {
		r.Used = float64(sent) / float64(busy) / budget
	}
}
