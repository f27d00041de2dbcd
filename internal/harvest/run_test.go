package harvest_test

import (
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestCheckRunName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"2026q4", "a", "0", "a.b_c-d", strings.Repeat("x", 40)} {
		if err := harvest.CheckRunName(name); err != nil {
			t.Errorf("CheckRunName(%q) = %v, want nil", name, err)
		}
	}
	for _, name := range []string{"", "A", "-a", ".a", "_a", "a b", "a/b", "a{b}", "a*", "a\n", "ä", strings.Repeat("x", 41)} {
		if err := harvest.CheckRunName(name); err == nil {
			t.Errorf("CheckRunName(%q) = nil, want an error", name)
		}
	}
}

func TestQuarterName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-01-01T00:00:00Z": "2026q1", "2026-03-31T23:59:59Z": "2026q1", "2026-04-01T00:00:00Z": "2026q2",
		"2026-09-30T00:00:00Z": "2026q3", "2026-12-31T23:59:59Z": "2026q4", "2027-01-01T00:30:00+01:00": "2026q4",
	} {
		at, err := time.Parse(time.RFC3339, text)
		if got := harvest.QuarterName(at); err != nil || got != want {
			t.Errorf("QuarterName(%s) = %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	var counts harvest.Counts
	for _, outcome := range harvest.Outcomes() {
		counts.Add(outcome, 10)
		if got, err := harvest.ParseOutcome(string(outcome)); err != nil || got != outcome {
			t.Errorf("ParseOutcome(%q) = %q, %v, want itself", outcome, got, err)
		}
	}
	twice := counts.Plus(counts).Plus(harvest.Counts{Rejected: 3})
	want := harvest.Counts{Landed: 2, Missing: 2, Skipped: 2, Dead: 2, Rejected: 3, Bytes: 80}
	if twice != want || twice.Items() != 8 {
		t.Errorf("Plus() = %+v with %d items, want %+v with 8", twice, twice.Items(), want)
	}
	if _, err := harvest.ParseOutcome("Landed"); err == nil {
		t.Error("ParseOutcome(Landed) = nil, want an error")
	}
}

func TestAnAnswerIsReleasedOnce(t *testing.T) {
	t.Parallel()
	released := 0
	answer := harvest.NewAnswer(harvest.Answer{Body: []byte("x")}, func() { released++ })
	answer.Release()
	answer.Release()
	if released != 1 || answer.Body != nil {
		t.Errorf("after two Release() the buffer was given back %d times, Body = %q, want once, nil", released, answer.Body)
	}
	(*harvest.Answer)(nil).Release()
}

func TestARefusedPageKeepsWhoItIs(t *testing.T) {
	t.Parallel()
	page := harvest.Page{
		URL: "https://a.example/", ID: "7", Outcome: harvest.Landed, Detail: "d", Headers: []byte("{}"), Body: []byte("1"), Raw: []byte("r"),
		Records: []harvest.Record{{Data: []byte("{}")}},
	}
	if full, bare := page.Size(), (&harvest.Page{}).Size(); full != bare+len(page.URL)+1+1+2+1+1+64+2 {
		t.Errorf("Size() = %d, want %d more than an empty page", full, full-bare)
	}
	page.Refuse("bad_number")
	if page.Outcome != harvest.Skipped || page.Reason != "bad_number" || page.URL == "" || page.ID != "7" ||
		page.Body != nil || page.Raw != nil || page.Headers != nil || page.Detail != "" || page.Records != nil {
		t.Errorf("Refuse() = %+v, want skipped with its reason and no content", page)
	}
}
