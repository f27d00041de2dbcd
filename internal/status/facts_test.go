package status

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	p := busy()
	p.LogsDropped, p.Note, p.Lowered = 2, "x\x1b[2Jy", 48
	var b strings.Builder
	if err := Summary(&b, "interrupted", p, "coordinator export --to records.jsonl.zst"); err != nil {
		t.Fatal(err)
	}
	want := `
run 2026q4, shard 1/4: interrupted after 7m00s
  items     20,000 landed, 12 missing, 0 skipped, 3 dead, 1 rejected
            120,015 of 300,000 in all, 100,000 of them before this start
  requests  21,000; 143 retries, 2 pauses; what a pause refused is asked again besides
  rate      50/s = 100.0 % of the fleet's budget of 50/s
            lowered to 48/s: the upstream refused again and again at 50/s; try --headroom 5%, or --rate 45/s
  bytes     80 MiB received, 156 MiB kept, 8.0 KiB per item
  note      x\u001b[2Jy
  log       2 lines dropped, because stderr did not take them
next:
  coordinator export --to records.jsonl.zst
`
	if b.String() != want {
		t.Errorf("Summary() =\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := Summary(&b, "drained", harvest.Progress{}); err != nil || strings.Contains(b.String(), "NaN") {
		t.Errorf("Summary() of a worker that did nothing = %v\n%s", err, b.String())
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	f := NewFacts("run %s on %s: at work", "a\nb", "api.example")
	f.Items(harvest.Counts{Landed: 1234, Dead: 1})
	f.Done(1235, 0, false, -1)
	f.Done(1235, 5000, true, 0)
	f.Records(7, 1)
	f.Requests(1300, 1, 2, 3)
	f.MeanRate(0, 0, 50)
	f.MeanRate(100, 10*time.Second, 0)
	f.RateNow(49.84, 50, 90*time.Second)
	f.RateNow(0, 12.5, -1)
	f.Bytes(2048, harvest.Counts{})
	f.Add("note", "%s", "")
	want := `run a; b on api.example: at work
  items     1,234 landed, 0 missing, 0 skipped, 1 dead, 0 rejected
            1,235 of an unknown number in all
            1,235 of ~5,000 in all, 0 of them before this start
  records   7 of 1 page
  requests  1,300 by 3 processes; 1 retry, 2 pauses; what a pause refused is asked again besides
  rate      0/s
  rate      10/s
  rate      49.8/s of 50/s, ETA 1m30s
  rate      0.0/s of 12.5/s, ETA -
  bytes     2.0 KiB received, 0 B kept
  note      -
`
	if got := f.Text(0); got != want {
		t.Errorf("Text(0) =\n%s\nwant\n%s", got, want)
	}
	for line := range strings.SplitSeq(f.Text(40), "\n") {
		if columns(line) > 40 {
			t.Errorf("Text(40) has the line %q of %d columns", line, columns(line))
		}
	}
}

// README shows the end of a demo as it is printed.
func TestREADMEShowsTheFacts(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 29, 18, 46, 0, 0, time.UTC)
	want := summaryOf("the run is finished", harvest.Progress{
		Run: "demo", Shard: harvest.Shard{Of: 1}, Started: began, Now: began.Add(32250 * time.Millisecond), Total: 3000,
		Counts: harvest.Counts{Landed: 2995, Missing: 5, Bytes: 241 << 10}, Requests: 3044, Retries: 43, Pauses: 1, Wire: 305 << 10, Budget: 120,
	}).Text(0)
	if !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not show the summary as it is printed:\n%s", want)
	}
}
