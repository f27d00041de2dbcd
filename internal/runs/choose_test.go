package runs

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestTheRunThatIsMeant(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 2, 3, 0, 0, 0, time.UTC)
	run := func(name string, finished bool) harvest.Run {
		r := harvest.Run{Name: name, Inputs: harvest.Inputs{Upstream: "plain", Host: "api.example", Corpus: "urls.txt", Next: "link"}}
		if finished {
			r.FinishedAt = now
		}
		return r
	}
	for _, test := range []struct {
		why               string
		runs              []harvest.Run
		given             harvest.Inputs
		plainly, intended string // by ByInputs and Scheduled; empty for an error
	}{
		{"none yet", nil, harvest.Inputs{}, "2027q1", "2027q1"},
		{"the one unfinished", []harvest.Run{run("try", false), run("2026q4", true)}, harvest.Inputs{}, "try", "try"},
		{"an earlier quarter left undone", []harvest.Run{run("2026q4", false)}, harvest.Inputs{}, "2026q4", "2027q1"},
		{"that and the quarter's own", []harvest.Run{run("2027q1", false), run("2026q4", false)}, harvest.Inputs{}, "", "2027q1"},
		{"the quarter's own is done", []harvest.Run{run("2027q1", true), run("try", false)}, harvest.Inputs{}, "try", "2027q1"},
		{"several", []harvest.Run{run("try", false), run("again", false)}, harvest.Inputs{}, "", ""},
		{"other inputs", []harvest.Run{run("try", false)}, harvest.Inputs{Corpus: "other.txt"}, "2027q1", "2027q1"},
		{"other inputs of a listing", []harvest.Run{run("try", false)}, harvest.Inputs{Next: ".next"}, "2027q1", "2027q1"},
		{"the corpus in the store", []harvest.Run{run("try", false)}, harvest.Inputs{Corpus: harvest.StoreCorpus}, "try", "try"},
	} {
		if got, err := ByInputs(test.runs, test.given, now); got != test.plainly || (err != nil) != (got == "") {
			t.Errorf("ByInputs(%s) = %q, %v, want %q", test.why, got, err, test.plainly)
		}
		if got, err := Scheduled(test.runs, test.given, now); got != test.intended || (err != nil) != (got == "") {
			t.Errorf("Scheduled(%s) = %q, %v, want %q", test.why, got, err, test.intended)
		}
	}
}

func TestJustEnded(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	run := func(name string, daysAgo int, finished bool) harvest.Run {
		r := harvest.Run{Name: name, OpenedAt: now.AddDate(0, 0, -daysAgo)}
		if finished {
			r.FinishedAt = now
		}
		return r
	}
	for _, test := range []struct {
		why  string
		runs []harvest.Run
		want string
	}{
		{"none was opened", nil, ""},
		{"one is unfinished", []harvest.Run{run("a", 3, true), run("b", 5, false)}, ""},
		{"the newest of this quarter", []harvest.Run{run("b", 3, true), run("a", 5, true)}, "b"},
		{"that of the quarter before: the next is still to be opened", []harvest.Run{run("2026q3", 90, true)}, ""},
	} {
		if got, ok := JustEnded(test.runs, now); ok != (test.want != "") || ok && got.Name != test.want {
			t.Errorf("JustEnded(%s) = %q, %v, want %q", test.why, got.Name, ok, test.want)
		}
	}
}
