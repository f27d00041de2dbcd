package dashboard

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"shoal/internal/harvest"
)

// busyReport is a report whose every text is hostile.
func busyReport(t *testing.T) Report {
	t.Helper()
	w := busyWorld()
	s := w.status["2026q4"]
	s.Run.Base, s.Run.Check, s.Run.Next, s.Run.Titles, s.Idle = "2026q3", hostile, hostile, hostile, hostile
	manners, err := w.Manners(t.Context(), "2026q4")
	if err != nil {
		t.Fatal(err)
	}
	manners.Limits, manners.Stages = map[string]float64{hostile: 3, "budget": 5}, map[string]float64{hostile: 2}
	return Report{Status: s, Sent: w.sent, Manners: manners, Chains: w.chains, Losses: w.losses, MoreLosses: 2, MoreItems: 17,
		Base: &Base{Status: w.status["2026q3"]}, Store: hostile, Version: hostile}
}

func reportText(t *testing.T, r Report) string {
	t.Helper()
	var text bytes.Buffer
	if err := WriteReport(&text, r); err != nil {
		t.Fatalf("WriteReport: %v", err)
	}
	return text.String()
}

// selfContained checks that a page asks no server for anything and runs nothing. Only links to
// items lead outside.
func selfContained(t *testing.T, text string) {
	t.Helper()
	page, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("html.Parse: %v", err)
	}
	ids := map[string]int{}
	var refers []string
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "iframe", "link", "object", "embed", "form", "base", "image", "use", "foreignobject":
			t.Errorf("the report has an element %s", n.Data)
		case "table":
			if n.FirstChild == nil || !slices.ContainsFunc(slices.Collect(n.ChildNodes()), func(c *html.Node) bool { return c.Data == "caption" }) {
				t.Errorf("a table of the report has no caption")
			}
		}
		link := map[string]string{}
		for _, a := range n.Attr {
			link[a.Key] = a.Val
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "srcset", a.Key == "style", a.Key == "xlink:href":
				t.Errorf("the report has the attribute %s=%q", a.Key, a.Val)
			case a.Key == "id":
				ids[a.Val]++
			case a.Key == "aria-labelledby":
				refers = append(refers, strings.Fields(a.Val)...)
			}
		}
		if href := link["href"]; href != "" && !strings.HasPrefix(href, "#") {
			if n.Data != "a" || !strings.HasPrefix(href, "https://") && !strings.HasPrefix(href, "http://") || !strings.Contains(link["rel"], "noreferrer") {
				t.Errorf("the report names %s in %s with rel %q", href, n.Data, link["rel"])
			}
		}
		if n.Data == "style" && (strings.Contains(n.FirstChild.Data, "url(") || strings.Contains(n.FirstChild.Data, "@import")) {
			t.Error("the style of the report loads something")
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %s is %d times in the report", id, n)
		}
	}
	for _, id := range refers {
		if ids[id] == 0 {
			t.Errorf("the report refers to the id %s, which it does not have", id)
		}
	}
}

func TestReportIsSelfContained(t *testing.T) {
	t.Parallel()
	text := reportText(t, busyReport(t))
	selfContained(t, text)
	for _, want := range []string{
		"The run is not finished: opened", "1,000 of 2,000 items ended: 50.0 %", "2 further reasons, of 17 items, are left out", "Beside the run before, 2026q3",
		"49 requests; the budget allows 50", `http-equiv="Content-Security-Policy"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// TestReportHidesCredentials puts one into each address that a report may show.
func TestReportHidesCredentials(t *testing.T) {
	t.Parallel()
	const address = "https://ada:hunter2@api.example/items?id=7&api_key=hunter2&X-Amz-Signature=hunter2#x"
	r := busyReport(t)
	r.Run.Corpus, r.Run.API, r.Run.Host, r.Run.Extract, r.Progress.Note, r.Idle = address, address, address, address, address, ""
	r.Workers[0].Stats.LastError, r.Workers[0].Stats.Note, r.Sent.Quiets[0].Cause = address, address, address
	r.Manners.Retries, r.Store = map[string]int64{address: 1}, address
	r.Losses = []Loss{{Filter: Filter{Outcome: harvest.Dead, Reason: address}, Items: 1, Examples: []harvest.Page{
		{URL: address, Outcome: harvest.Dead, Detail: "GET " + address},
	}}}
	text := reportText(t, r)
	if at := strings.Index(text, "hunter2"); at >= 0 {
		t.Errorf("the report shows a credential: …%s…", text[max(0, at-200):min(len(text), at+100)])
	}
	if !strings.Contains(text, "https://***@api.example/items?id=7&amp;api_key=***") {
		t.Errorf("the report lacks the address without its credential:\n%s", text)
	}
}

// TestReportIsBounded makes one of the largest run there may be.
func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	r := busyReport(t)
	long := strings.Repeat(hostile, 20)
	r.Of, r.Shards, r.Workers = 10_000, nil, nil
	for i := range r.Of {
		r.Shards = append(r.Shards, harvest.ShardState{Shard: harvest.Shard{Index: i, Of: r.Of}, Owner: long, Held: true, Lapsed: i%2 == 0, Silent: time.Minute})
		r.Workers = append(r.Workers, Worker{State: "silent", Work: harvest.Work{Worker: long, Shard: fmt.Sprintf("%d/%d", i, r.Of), Stats: harvest.Stats{LastError: long}}})
		r.Manners.Retries[fmt.Sprint(i, long)] = 1
	}
	r.Losses = nil
	for i := range 40 {
		loss := Loss{Filter: Filter{Outcome: harvest.Dead, Reason: fmt.Sprint(i, long)}, Items: 2500}
		for range 5 {
			loss.Examples = append(loss.Examples, harvest.Page{URL: "https://api.example/" + long, ID: long, Detail: long})
		}
		r.Losses = append(r.Losses, loss)
	}
	const weeks = 6 * 7 * 24 * 60 // minutes
	first := r.At.Unix()/60 - weeks
	r.Run.OpenedAt, r.Sent = time.Unix(first*60, 0), Sent{}
	for i := range int64(weeks) {
		minute := harvest.Minute{Unix: first + i}
		for second := range minute.Seconds {
			minute.Seconds[second] = int(i+int64(second)) % 50
		}
		r.Sent.Minutes = append(r.Sent.Minutes, minute)
		if i%10 == 0 {
			from := time.Unix((first+i)*60, 0)
			r.Sent.Quiets = append(r.Sent.Quiets, harvest.Quiet{From: from, Until: from.Add(20 * time.Second), Kind: harvest.LimitBackoff, Cause: long})
		}
	}
	text := reportText(t, r)
	selfContained(t, text)
	if most := 1 << 20; len(text) > most {
		t.Errorf("the report of a run of 10,000 shards and six weeks has %d bytes, want at most %d", len(text), most)
	}
	if n := strings.Count(text, `class="mark `); n > 2*maxStretches {
		t.Errorf("its chart has %d marks, want at most %d", n, 2*maxStretches)
	}
}

// TestReportOfAFinishedRun is what a ticket gets.
func TestReportOfAFinishedRun(t *testing.T) {
	t.Parallel()
	w := busyWorld()
	s := w.status["2026q3"]
	s.Run.Base = "2026q2"
	text := reportText(t, Report{Status: s, Base: &Base{Status: Status{Run: harvest.Run{Name: "2026q2"}}, Gone: true}, Store: "SQLite, shoal.db", Version: "v1.2.3"})
	selfContained(t, text)
	for _, want := range []string{"The run is finished: opened", "Nothing was sent.", "The store does not have it any more.", "Written by Shoal v1.2.3", "SQLite, shoal.db"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// TestReportOfAChangedBudget holds the worst second against the highest budget that was in force.
func TestReportOfAChangedBudget(t *testing.T) {
	t.Parallel()
	r := busyReport(t)
	r.Manners.Budgets, r.Manners.Budget, r.Manners.WorstSecond = []float64{30, 70}, 30, 69
	text := reportText(t, r)
	for _, want := range []string{"69 requests; the highest budget allowed 70", "the highest budget allowed 4200", "30/s, 70/s; the last one 30/s", "budget, the last one: it was changed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
