package coordinator

import (
	"slices"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestCompileAddsUp(t *testing.T) {
	work := []harvest.Work{
		{Stats: harvest.Stats{Requests: 60, Retries: map[string]int64{"http_502": 2}, Pauses: map[string]harvest.Silence{"Retry-After": {Times: 1, Seconds: 3}}, Limits: map[string]float64{"budget": 2}, Lowered: 48}},
		{Stats: harvest.Stats{Requests: 40, Wire: 7, Retries: map[string]int64{"http_502": 1, "reset": 1}, Pauses: map[string]harvest.Silence{"Retry-After": {Times: 1, Seconds: 2}}, Stages: map[string]float64{"fetch": 4}, Malformed: map[string]int64{"RateLimit": 2}, Lowered: 46}},
		{Stats: harvest.Stats{}},
	}
	minutes := []harvest.Minute{{Unix: 100}, {Unix: 101}}
	minutes[0].Seconds[58], minutes[0].Seconds[59] = 30, 50
	minutes[1].Seconds[0] = 20
	r := Compile(harvest.Run{Name: "q"}, harvest.Counts{Landed: 190, Missing: 10}, work, minutes, 50)
	if r.Requests != 100 || r.WireBytes != 7 || r.Workers != 3 || r.PerRequest != 2 {
		t.Errorf("Compile() = %d requests, %d bytes, %d workers, %g a request, want 100, 7, 3, 2", r.Requests, r.WireBytes, r.Workers, r.PerRequest)
	}
	if r.Retries["http_502"] != 3 || r.Retries["reset"] != 1 || r.Pauses["Retry-After"] != (harvest.Silence{Times: 2, Seconds: 5}) {
		t.Errorf("Compile() = retries %v, pauses %v, want 3 of http_502, 1 reset, 2 pauses of 5 s", r.Retries, r.Pauses)
	}
	if r.Lowered != 46 {
		t.Errorf("Compile() = lowered to %v, want 46, the lowest", r.Lowered)
	}
	if r.Malformed["RateLimit"] != 2 {
		t.Errorf("Compile() = %v malformed headers, want 2 of RateLimit", r.Malformed)
	}
	if r.WorstSecond != 50 || r.WorstMinute != 80 || r.WorstAt == nil || !r.WorstAt.Equal(time.Unix(100*60+59, 0)) {
		t.Errorf("Compile() = worst second %d at %s, worst minute %d, want 50 at the last second of minute 100, and 80", r.WorstSecond, r.WorstAt, r.WorstMinute)
	}
	if r.Sending != 3 || r.Used < 0.666 || r.Used > 0.667 || r.FinishedAt != nil {
		t.Errorf("Compile() = %.3f of the budget used in %g s, finished %v, want two thirds of it in 3 s, and unfinished", r.Used, r.Sending, r.FinishedAt)
	}
}

// A start that was refused, and budgets that were changed, are reported by themselves.
func TestCompileTellsRefusedStartsAndBudgetsApart(t *testing.T) {
	work := []harvest.Work{
		{Stats: harvest.Stats{Requests: 100, EndedBy: "the upstream refuses us", Budgets: map[string]float64{"50": 2}}},
		{Stats: harvest.Stats{Requests: 200, Items: harvest.Counts{Landed: 200}, Budgets: map[string]float64{"50": 2, "20": 8}}},
		{Stats: harvest.Stats{Requests: 50, Items: harvest.Counts{Landed: 50}, EndedBy: "the store is away"}},
	}
	r := Compile(harvest.Run{Name: "q"}, harvest.Counts{Landed: 250}, work, []harvest.Minute{{Unix: 100, Seconds: [60]int{30, 30}}}, 20)
	if r.Requests != 350 || r.RefusedStarts != 1 || r.RefusedRequests != 100 || r.PerRequest != 1 {
		t.Errorf("Compile() = %d requests, %d of them of %d refused starts, %g items each, want 350, 100 of 1, 1", r.Requests, r.RefusedRequests, r.RefusedStarts, r.PerRequest)
	}
	if !slices.Equal(r.Budgets, []float64{20, 50}) || r.TopBudget() != 50 || r.Used != 1 {
		t.Errorf("Compile() = budgets %v, at most %g, of which %g is used, want 20 and 50, 50, and all of their mean of 30", r.Budgets, r.TopBudget(), r.Used)
	}
	if r := Compile(harvest.Run{}, harvest.Counts{}, work[2:], nil, 20); r.TopBudget() != 20 || r.PerRequest != 0 {
		t.Errorf("Compile() of a budget that never changed = at most %g, %g items each, want 20, 0", r.TopBudget(), r.PerRequest)
	}
}

func TestPlanReckons(t *testing.T) {
	tests := map[string]struct {
		plan     Plan
		requests int64
		seconds  float64
	}{
		"one by one":           {Plan{Items: 20_000_000, PerRequest: 1, Budget: 50}, 20_000_000, 400_000},
		"packed":               {Plan{Items: 20_000_000, PerRequest: 50, Budget: 50}, 400_000, 8_000},
		"what is left":         {Plan{Items: 101, Done: 50, PerRequest: 50, Budget: 1}, 2, 2},
		"nothing left":         {Plan{Items: 100, Done: 100, PerRequest: 1, Budget: 1}, 0, 0},
		"less than one second": {Plan{Items: 3, PerRequest: 1, Budget: 50}, 3, 1},
	}
	for name, test := range tests {
		p := test.plan
		if p.Reckon(); p.Requests != test.requests || p.Seconds != test.seconds {
			t.Errorf("%s: Reckon() = %d requests in %g s, want %d in %g", name, p.Requests, p.Seconds, test.requests, test.seconds)
		}
	}
}
