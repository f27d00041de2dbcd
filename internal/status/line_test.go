package status

import (
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// busy is a worker in the middle of its run.
func busy() harvest.Progress {
	return harvest.Progress{
		Run: "2026q4", Shard: harvest.Shard{Index: 1, Of: 4}, Started: start, Now: start.Add(7 * time.Minute),
		Total: 300_000, Already: 100_000, Seen: 121_000,
		Counts:   harvest.Counts{Landed: 20_000, Missing: 12, Dead: 3, Rejected: 1, Bytes: 20_015 * 8192},
		Requests: 21_000, Retries: 143, Pauses: 2, Wire: 80 << 20, InFlight: 9,
		Rate: 49.62, Budget: 50, Limit: harvest.LimitBudget,
		Malformed: map[string]int64{"Retry-After": 3},
	}
}

func TestBarLine(t *testing.T) {
	t.Parallel()
	silent := busy()
	silent.Limit, silent.SilentUntil = harvest.LimitBackoff, silent.Now.Add(72*time.Second)
	noted := busy()
	noted.Note = "store full, 1,000 rows kept,\x1b[2J next try in 30 s"
	young := busy()
	young.Total, young.Already, young.Counts = 0, 0, harvest.Counts{Landed: 7}
	for _, test := range []struct {
		name  string
		p     harvest.Progress
		speed float64
		width int
		want  string
	}{
		{"80 columns", busy(), 50, 79, "  40% ████░░░░░░  120,015/300,000  49.6 of 50/s  limit: budget  ETA 1h00m"},
		{"120 columns", busy(), 50, 119, "  40% ████░░░░░░░  120,015/300,000  49.6 of 50/s  limit: budget  ETA 1h00m  12 missing, 3 dead, 1 rejected"},
		{"40 columns", busy(), 50, 39, "  40% ████░░░░░░  120,015/300,000"},
		{"narrower than a bar", busy(), 50, 10, ""},
		{"silent", silent, 0, 79, "  40% ████░░░░░░  120,015/300,000  49.6 of 50/s  limit: backoff 1m12s  ETA ?"},
		{"note", noted, 0, 119, "  40% ████░░░░░░░  120,015/300,000  store full, 1,000 rows kept,\\u001b[2J next try in 30 s  49.6 of 50/s  limit: budget"},
		{"note in 80 columns", noted, 0, 79, "  40% ████░░░░░░  120,015/300,000  store full, 1,000 rows kept,\\u001b[2J next …"},
		{"total not known", young, 50, 79, "7 done  49.6 of 50/s  limit: budget  ETA ?  143 retries"},
	} {
		got := viewOf(test.p, test.speed).barLine(test.width)
		if test.want != "" && got != test.want {
			t.Errorf("%s: barLine(%d) = %q, want %q", test.name, test.width, got, test.want)
		}
		if columns(got) > test.width && test.width > 20 {
			t.Errorf("%s: barLine(%d) has %d columns", test.name, test.width, columns(got))
		}
		if strings.ContainsRune(got, '\x1b') {
			t.Errorf("%s: barLine(%d) = %q, want no escape", test.name, test.width, got)
		}
	}
}

func TestDrawBar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		done, total int64
		want        string
	}{
		{0, 100, "   0% ░░░░░░░░░░"}, {50, 100, "  50% █████░░░░░"}, {100, 100, " 100% ██████████"}, {1, 20_000_000, "   0% ░░░░░░░░░░"},
	} {
		if got := drawBar(test.done, test.total, 10); got != test.want {
			t.Errorf("drawBar(%d, %d) = %q, want %q", test.done, test.total, got, test.want)
		}
	}
}

func TestPlainLine(t *testing.T) {
	t.Parallel()
	got := viewOf(busy(), 50).plainLine()
	want := "40 %, 120,015/300,000, 49.6 of 50/s, limit: budget, ETA 1h00m, 12 missing, 3 dead, 1 rejected, 143 retries, 8.0 KiB/item, ~2.3 GiB"
	if got != want {
		t.Errorf("plainLine() = %q, want %q", got, want)
	}
}

func TestViewNeverExaggerates(t *testing.T) {
	t.Parallel()
	p := busy()
	p.Total, p.Counts.Landed = 1000, 999_999
	v := viewOf(p, 50)
	if v.done != 1000 || v.eta != 0 || !v.etaKnown {
		t.Errorf("with more items than the total: done %d, ETA %v, want 1000, 0", v.done, v.eta)
	}
	p.Counts = harvest.Counts{Landed: 999, Bytes: 1 << 20}
	if v := viewOf(p, 50); v.itemBytes != 0 || v.sizeText() != "" {
		t.Errorf("after 999 items: size %q, want none yet", v.sizeText())
	}
	p.Counts.Landed = 1000
	if v := viewOf(p, 50); v.itemBytes != 1<<20/1000 {
		t.Errorf("after 1000 items: %d bytes/item, want %d", v.itemBytes, 1<<20/1000)
	}
	p = busy()
	p.SilentUntil = p.Now.Add(time.Minute)
	if got, want := viewOf(p, 50).eta, viewOf(busy(), 50).eta+time.Minute; got != want {
		t.Errorf("ETA while silent for a minute = %v, want %v", got, want)
	}
	p.Now = start.Add(-time.Hour)
	if v := viewOf(p, 50); v.elapsed != 0 {
		t.Errorf("with a clock that went back: elapsed %v, want 0", v.elapsed)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 0.333: "0.33", 3.3333: "3.33", 49.62: "49.6", 50: "50", 123.4: "123", 5000: "5,000", 99.99: "100", 9.999: "10.0"} {
		if got := number(x); got != want {
			t.Errorf("number(%v) = %q, want %q", x, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 300 * time.Millisecond: "1s", 59 * time.Second: "59s", 61 * time.Second: "1m01s", 3600 * time.Second: "1h00m", 111 * time.Hour: "4d15h",
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %q, want %q", d, got, want)
		}
	}
}
