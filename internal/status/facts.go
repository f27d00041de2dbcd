package status

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// nameWidth is how many columns the name of a fact takes.
const nameWidth = 8

// Facts is what people read of a run: a headline, and below it a named line for each fact, in the
// order of the calls. The end of a worker, the demo, coordinator status and coordinator report each
// fill one, so a number has the same words everywhere. Text from outside never makes another line.
type Facts struct {
	head string
	rows []fact
}

// fact is one line. Without a name it continues the one above.
type fact struct{ name, text string }

// NewFacts starts with a headline.
func NewFacts(format string, args ...any) *Facts {
	return &Facts{head: harvest.Linef(format, args...)}
}

// Add appends a line that only one command has.
func (f *Facts) Add(name, format string, args ...any) {
	f.rows = append(f.rows, fact{name, harvest.Linef(format, args...)})
}

// Items counts the items that have ended, by outcome, and those that are put back.
func (f *Facts) Items(c harvest.Counts) {
	var all []string
	for _, o := range outcomes(c) {
		all = append(all, humanize.Comma(o.n)+" "+o.name)
	}
	if c.PutBack > 0 {
		all = append(all, humanize.Comma(c.PutBack)+" put back")
	}
	f.Add("items", "%s", strings.Join(all, ", "))
}

// Done compares the items that have ended with those of the corpus; a total of 0 is unknown, guess
// marks an estimate. already are those that an earlier start ended; a negative number leaves them
// out.
func (f *Facts) Done(done, total int64, guess bool, already int64) {
	text := fmt.Sprintf("%s of %s in all", humanize.Comma(done), totalText(total, guess))
	if already >= 0 {
		text += fmt.Sprintf(", %s of them before this start", humanize.Comma(already))
	}
	f.Add("", "%s", text)
}

// Records counts the records that were extracted from pages.
func (f *Facts) Records(records, pages int64) {
	f.Add("records", "%s of %s", humanize.Comma(records), plural(pages, "page", "pages"))
}

// Requests counts requests, how many of them were further tries, and the silences that the upstream
// asked for. More than 0 processes are named.
func (f *Facts) Requests(requests, retries, pauses int64, processes int) {
	by := ""
	if processes > 0 {
		by = " by " + plural(int64(processes), "process", "processes")
	}
	again := ""
	if pauses > 0 {
		again = "; what a pause refused is asked again besides"
	}
	f.Add("requests", "%s%s; %s, %s%s", humanize.Comma(requests), by, plural(retries, "retry", "retries"), plural(pauses, "pause", "pauses"), again)
}

// MeanRate is the rate in requests/s over the time that passed, and its share of the budget, where
// there is one.
func (f *Facts) MeanRate(requests int64, passed time.Duration, budget float64) {
	mean := 0.0
	if passed > 0 {
		mean = float64(requests) / passed.Seconds()
	}
	if budget <= 0 || passed <= 0 {
		f.Add("rate", "%s/s", number(mean))
		return
	}
	f.Add("rate", "%s/s = %.1f %% of the fleet's budget of %s/s", number(mean), 100*mean/budget, number(budget))
}

// RateNow is the rate of all workers at this moment, of a budget in requests/s, and when the run
// ends at this rate. A negative end is unknown.
func (f *Facts) RateNow(rate, budget float64, end time.Duration) {
	eta := "-"
	if end >= 0 {
		eta = duration(end)
	}
	f.Add("rate", "%.1f/s of %s/s, ETA %s", rate, number(budget), eta)
}

// Lowered is the rate that the fleet keeps below since the upstream refused again and again at the
// budget, in requests/s. 0, and a rate that the budget is below by now, leave the line out.
func (f *Facts) Lowered(lowered, budget float64) {
	if wasLowered(lowered, budget) {
		f.Add("", "lowered to %s/s: the upstream refused again and again at %s/s; %s", number(lowered), number(budget), slower(budget))
	}
}

func wasLowered(lowered, budget float64) bool { return lowered > 0 && lowered < budget }

// Bytes are what came over the network, and what of it the store keeps for these items.
func (f *Facts) Bytes(received int64, c harvest.Counts) {
	text := fmt.Sprintf("%s received, %s kept", bytesText(received), bytesText(c.Bytes))
	if ended := c.Items(); c.Landed > 0 {
		text += fmt.Sprintf(", %s per item", bytesText(c.Bytes/ended))
	}
	f.Add("bytes", "%s", text)
}

// Text is the headline and the lines, none of them wider than width columns; a width of 0 breaks
// none.
func (f *Facts) Text(width int) string {
	var b strings.Builder
	b.WriteString(f.head + "\n")
	for _, fact := range f.rows {
		fmt.Fprintf(&b, "  %-*s  %s\n", nameWidth, fact.name, cmp.Or(fact.text, "-"))
	}
	return Wrap(b.String(), width)
}

// Summary writes what a worker did, in the numbers of its progress: a headline such as "drained",
// the facts, and the commands that come next. Commands are not wrapped, so that they can be copied.
func Summary(w io.Writer, headline string, p harvest.Progress, next ...string) error {
	var b strings.Builder
	b.WriteString("\n" + summaryOf(headline, p).Text(widthOf(w)))
	if len(next) > 0 {
		b.WriteString("next:\n")
	}
	for _, line := range next {
		fmt.Fprintf(&b, "  %s\n", harvest.Line(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func summaryOf(headline string, p harvest.Progress) *Facts {
	v := viewOf(p, 0)
	part := "shard " + p.Shard.String()
	if p.Shards > 1 {
		part = fmt.Sprintf("%d shards", p.Shards)
	}
	f := NewFacts("run %s, %s: %s after %s", p.Run, part, headline, duration(v.elapsed))
	f.Items(p.Counts)
	if p.Total > 0 {
		f.Done(v.done, p.Total, p.Guess, p.Already)
	}
	if p.Records > 0 {
		f.Records(p.Records, p.Counts.Landed)
	}
	f.Requests(p.Requests, p.Retries, p.Pauses, 0)
	f.MeanRate(p.Requests, v.elapsed, p.Budget)
	f.Lowered(p.Lowered, p.Budget)
	f.Bytes(p.Wire, p.Counts)
	if p.Note != "" {
		f.Add("note", "%s", p.Note)
	}
	if p.LogsDropped > 0 {
		f.Add("log", "%s dropped, because stderr did not take them", plural(p.LogsDropped, "line", "lines"))
	}
	return f
}

// widthOf is how many columns a line may have there; 0: there is no limit.
func widthOf(w io.Writer) int {
	if paper, ok := w.(interface{ Width() int }); ok {
		return paper.Width()
	}
	return 0
}
