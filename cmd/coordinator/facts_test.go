package main

import (
	"strings"
	"testing"
	"time"

	"shoal/internal/coordinator"
	"shoal/internal/harvest"
)

// The facts of a run as people read them; what is the same in a summary has the same words there.
func TestReportText(t *testing.T) {
	t.Parallel()
	opened := time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC)
	finished := opened.Add(400 * time.Second)
	r := coordinator.Report{
		Run: "2026q4", Host: "api.example", OpenedAt: opened, FinishedAt: &finished, CorpusItems: 20000, Landed: 19990, Missing: 7, Skipped: 2, Dead: 1, BodyBytes: 160 << 20,
		Workers: 2, Requests: 20143, WireBytes: 80 << 20, PerRequest: 0.99, Retries: map[string]int64{"http_502": 140, "timeout": 3},
		Pauses: map[string]harvest.Silence{"Retry-After": {Times: 2, Seconds: 4}}, Malformed: map[string]int64{"Retry-After": 1},
		Limits: map[string]float64{"budget": 99, "backoff": 1}, Budget: 50, WorstSecond: 50, WorstMinute: 2999, Sending: 398, Used: 0.989,
	}
	want := `run 2026q4 on api.example: opened 2026-10-01 06:00:00 UTC, finished 2026-10-01 06:06:40 UTC, after 6m40s
  items     19,990 landed, 7 missing, 2 skipped, 1 dead, 0 rejected
            20,000 of 20,000 in all
  requests  20,143 by 2 processes; 143 retries, 2 pauses; what a pause refused is asked again besides
            1.0 items each
  rate      98.9 % of 50/s used in 398 s of sending; worst second 50, worst minute 2999 (the budget allows 3000)
  bytes     80 MiB received, 160 MiB kept, 8.2 KiB per item
  retries   http_502 140, timeout 3
  pauses    Retry-After 2 (4 s)
  headers   not understood: Retry-After 1
  limits    backoff 1 %, budget 99 %
  stages    not measured
`
	if got := reportText(r, 0); got != want {
		t.Errorf("reportText() =\n%s\nwant\n%s", got, want)
	}
}

func TestStatusHead(t *testing.T) {
	t.Parallel()
	eta := 90.0
	line := statusLine{
		Run: "2026q4", Host: "api.example", State: "at work", OpenedAt: time.Now().Add(-time.Hour), Items: 20000, Ended: 8000, counts: harvest.Counts{Landed: 7999, Missing: 1},
		Rate: 49.84, Budget: 50, ETA: &eta, HeldUntilSaid: true, RateBy: "ada@lab", DrainBy: "bob@lab", Of: 8, Drained: 3, Held: 4, Unowned: []string{"7/8"},
	}
	want := `run 2026q4 on api.example: at work, opened 60 minutes ago
  items     7,999 landed, 1 missing, 0 skipped, 0 dead, 0 rejected
            8,000 of 20,000 in all
  rate      49.8/s of 50/s, ETA 1m30s
  paused    by ada@lab, until coordinator resume
  draining  by bob@lab, until coordinator resume --run 2026q4
  shards    8: 3 drained, 4 at work, 1 without an owner
`
	if got := line.head(0); got != want {
		t.Errorf("head() =\n%s\nwant\n%s", got, want)
	}
	until := time.Date(2026, 10, 1, 7, 0, 0, 0, time.Local)
	line.Lowered, line.SilentUntil, line.HeldUntilSaid, line.DrainBy = 48, &until, false, ""
	lines := `
            lowered to 48/s: the upstream refused again and again at 50/s; try --headroom 5%, or --rate 45/s
  silent    api.example asked for it, until 2026-10-01 07:00:00 UTC; coordinator resume --host api.example ends that
`
	if got := line.head(0); !strings.Contains(got, lines) {
		t.Errorf("head() of a run that was lowered and is silent =\n%s\nwant in it\n%s", got, lines)
	}
	if got, want := line.head(0), "            7/8; worker --run 2026q4 --shard 7/8 takes one up\n"; got[len(got)-len(want):] != want {
		t.Errorf("head() with a shard that waits ends with %q, want %q", got, want)
	}
}
