package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/dashboard/chart"
	"shoal/internal/harvest"
)

// runView is the page of one run.
type runView struct {
	base
	Run      harvest.Run
	State    string
	Inputs   []row
	Bar      template.HTML
	Done     string
	Facts    []row
	Limit    limitView
	Idle     string
	Outcomes []outcomeRow
	Charts   []chartView
	Reading  bool // what was sent is still being read
	Adding   bool // how the upstream was treated is still being added up
	Manners  []row
	Quiets   []quietRow
	Losses   []lossRow
	Counting bool // the losses are still being counted
	Orders   []orderLine
	Shards   shardsView
	Workers  []workerRow
	More     int // workers that are not listed
	Chains   []row
	At       time.Time
}

type limitView struct{ Name, What, Do, Note string }

type outcomeRow struct {
	Outcome string
	Items   int64
	Share   string
}

// chartView is a chart and, for those who do not see it, its table.
type chartView struct {
	ID    string
	Title string
	SVG   template.HTML
	Rows  []chartRow
}

type chartRow struct {
	When  string
	Mean  string
	Worst int
}

// run serves the page of one run.
func (p *page) run(w http.ResponseWriter, r *http.Request) {
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	f, err := p.looks.look(name)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	b := p.base(r, "run "+name)
	p.looks.of(name).drawn.show(p, w, f.turn, "run", b, func() any { return p.runView(b, f) })
}

func (p *page) runView(b base, f facts) runView {
	s := f.Status
	v := runView{
		base: b, Run: s.Run, State: s.State, Inputs: inputs(s), Idle: s.Idle, At: s.At,
		Shards: shardsOf(s), Limit: limitOf(s), Outcomes: outcomes(s.Totals),
	}
	v.Events = "/events?run=" + s.Run.Name
	if f.trouble != nil {
		v.Trouble = harvest.ErrorText(f.trouble)
	}
	v.Done, v.Bar = progressBar(s)
	v.Facts = progressFacts(s)
	if v.Reading = f.sentTurn == 0; !v.Reading {
		v.Charts, v.Quiets = chartsOf(s, f.sent)
	}
	if v.Adding = f.mannersTurn == 0; !v.Adding {
		v.Manners = mannersOf(f.manners)
	}
	v.Losses, v.Counting = lossesOf(s.Run.Name, f.losses), f.lossTurn == 0
	v.Orders = ordersFor(s)
	v.Workers, v.More = workersOf(s)
	if f.chains.Listed {
		v.Chains = add(v.Chains, "walked to their end", "%s", humanize.Comma(int64(f.chains.Done)))
		v.Chains = add(v.Chains, "longest", "%s steps", humanize.Comma(f.chains.Longest))
	}
	return v
}

// inputs are what the run was opened with.
func inputs(s Status) (rows []row) {
	run := s.Run
	rows = add(rows, "host", "%s", foreign(run.Host))
	rows = add(rows, "opened", "%s UTC, %s ago", stamp(run.OpenedAt), harvest.Ago(s.At.Sub(run.OpenedAt)))
	if !run.FinishedAt.IsZero() {
		rows = add(rows, "finished", "%s UTC, after %s", stamp(run.FinishedAt), span(run.FinishedAt.Sub(run.OpenedAt)))
	}
	return append(rows, given(run)...)
}

// given are the inputs that a person gave.
func given(run harvest.Run) (rows []row) {
	for _, one := range []row{{"corpus", run.Corpus}, {"upstream", strings.TrimSpace(run.Upstream + " " + run.API)}, {"records by", run.Extract}, {"base run", run.Base}} {
		if one.Value != "" {
			rows = append(rows, row{one.Name, foreign(one.Value)})
		}
	}
	return rows
}

// outcomeClasses are the outcomes in the order of the bar; their classes of CSS have their names.
func outcomes(c harvest.Counts) (rows []outcomeRow) {
	for _, one := range []outcomeRow{{"landed", c.Landed, ""}, {"missing", c.Missing, ""}, {"skipped", c.Skipped, ""}, {"dead", c.Dead, ""}} {
		one.Share = fmt.Sprintf("%.2f %%", percent(one.Items, c.Items()))
		rows = append(rows, one)
	}
	return rows
}

// progressBar returns how much of the run is done, in words and as a bar.
func progressBar(s Status) (string, template.HTML) {
	done, total := s.Totals.Items(), s.Progress.Total
	text := humanize.Comma(done) + " items ended; how many there are is not known yet"
	if total > 0 {
		about := ""
		if s.Progress.Guess {
			about = "about "
		}
		text = fmt.Sprintf("%s of %s%s items ended: %.1f %%", humanize.Comma(done), about, humanize.Comma(total), min(100, percent(done, total)))
	}
	bar := chart.Bar{ID: "bar-" + s.Run.Name, Title: "progress of run " + s.Run.Name, Text: text, Whole: total}
	for _, o := range outcomes(s.Totals) {
		bar.Parts = append(bar.Parts, chart.Part{Class: o.Outcome, Label: o.Outcome + ": " + humanize.Comma(o.Items), N: o.Items})
	}
	return text, template.HTML(bar.SVG()) // the chart escapes its texts
}

// progressFacts are how fast a run is and when it ends.
func progressFacts(s Status) (rows []row) {
	p := s.Progress
	if s.State != "finished" {
		if p.Budget > 0 {
			rows = add(rows, "now", "%s requests/s of a budget of %s/s", rate(p.Rate), rate(p.Budget))
		} else {
			rows = add(rows, "now", "%s requests/s", rate(p.Rate))
		}
		switch {
		case s.ETA > 0:
			rows = add(rows, "ends", "in about %s, at %s UTC", span(s.ETA), s.At.Add(s.ETA).UTC().Format("2006-01-02 15:04"))
		case p.Total > 0 && s.Totals.Items() < p.Total:
			rows = add(rows, "ends", "not known: nothing has ended lately")
		}
	}
	rows = add(rows, "requests", "%s, of which %s were a further try", humanize.Comma(p.Requests), humanize.Comma(p.Retries))
	rows = add(rows, "received", "%s; stored bodies %s", size(p.Wire), size(s.Totals.Bytes))
	if s.Totals.Rejected > 0 {
		rows = add(rows, "not items", "%s lines of the corpus", humanize.Comma(s.Totals.Rejected))
	}
	return rows
}

// limitOf is what holds the run back now.
func limitOf(s Status) (v limitView) {
	if s.State == "finished" || s.State == "drained" {
		return v
	}
	if s.Idle != "" {
		return limitView{Name: "no worker", What: s.Idle}
	}
	what, do := s.Progress.Limit.Meaning()
	v = limitView{Name: string(s.Progress.Limit), What: what, Do: strings.ReplaceAll(do, "`", ""), Note: foreign(s.Progress.Note)}
	if until := s.Progress.SilentUntil; !until.IsZero() {
		v.Note = strings.TrimSpace(v.Note + " until " + stamp(until) + " UTC")
	}
	if s.Control.Silence > 0 {
		v.Note = strings.TrimSpace(fmt.Sprintf("%s the upstream asked for silence for another %s", v.Note, span(s.Control.Silence)))
	}
	return v
}

// mannersOf is how the upstream has been treated.
func mannersOf(m Manners) (rows []row) {
	if m.Requests == 0 {
		return nil
	}
	rows = receiptOf(m)
	rows = add(rows, "retries", "%s", counted(m.Retries, func(n int64) int64 { return n }, humanize.Comma))
	seconds := func(n float64) int64 { return int64(n) }
	took := func(n float64) string { return span(time.Duration(n * float64(time.Second))) }
	rows = add(rows, "held back by", "%s", counted(m.Limits, seconds, took))
	return add(rows, "fetchers spent", "%s", counted(m.Stages, seconds, took))
}

// budgetsText lists the budgets between which it was changed.
func budgetsText(m Manners) string {
	var all []string
	for _, b := range m.Budgets[:min(len(m.Budgets), 12)] {
		all = append(all, rate(b)+"/s")
	}
	return fmt.Sprintf("%s; the last one %s/s", strings.Join(all, ", "), rate(m.Budget))
}

// receiptOf is what an operator of the upstream asks about.
func receiptOf(m Manners) (rows []row) {
	budget, allows, top := "no budget is known", "the budget allows", m.Budget
	if len(m.Budgets) > 1 {
		allows, top = "the highest budget allowed", slices.Max(m.Budgets)
		rows = append(rows, row{"budget was changed", budgetsText(m)})
	}
	if top > 0 {
		budget = allows + " " + rate(top)
	}
	rows = add(rows, "worst second", "%d requests; %s", m.WorstSecond, budget)
	if top > 0 {
		rows = add(rows, "worst minute", "%s requests; %s %s", humanize.Comma(int64(m.WorstMinute)), allows, rate(60*top))
		rows = add(rows, "budget used", "%.1f %% of it in %s of sending", 100*m.Used, span(time.Duration(m.Sending*float64(time.Second))))
	}
	rows = add(rows, "too fast", "refusals for our rate: %d", m.Refused)
	if m.Lowered > 0 {
		rows = add(rows, "kept below", "%s/s, since the upstream refused there again and again", rate(m.Lowered))
	}
	rows = add(rows, "silences", "%s", counted(m.Pauses, func(s harvest.Silence) int64 { return s.Times },
		func(s harvest.Silence) string {
			return fmt.Sprintf("%d ×, %s", s.Times, span(time.Duration(s.Seconds*float64(time.Second))))
		}))
	if len(m.Malformed) > 0 {
		rows = add(rows, "headers not understood", "%s", counted(m.Malformed, func(n int64) int64 { return n }, humanize.Comma))
	}
	return rows
}
