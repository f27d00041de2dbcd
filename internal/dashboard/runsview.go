package dashboard

import (
	"html/template"
	"net/http"
	"time"

	"shoal/internal/harvest"
)

// maxRuns is how many runs are shown side by side.
const maxRuns = 30

// runLine is one run beside the others.
type runLine struct {
	Status
	turn    uint64
	Bar     template.HTML
	Done    string
	Took    string
	Rate    string
	Trouble string
}

// runsView is the first page.
type runsView struct {
	base
	Lines   []runLine
	More    int
	Reading bool
	At      time.Time
}

// lines are the runs of the first page.
func (p *page) lines() (all []runLine) {
	now := time.Now()
	runs, _, _ := p.looks.runs.get(p.life, now, patience)
	for i := range min(len(runs), maxRuns) {
		line := runLine{Status: Status{Run: runs[i], State: "being read"}}
		status, turn, err := p.looks.of(runs[i].Name).status.get(p.life, now, slowPatience)
		if turn > 0 && status.Run.Name != "" {
			line.Status = status
		}
		if err != nil {
			line.Trouble = harvest.ErrorText(err)
		}
		line.turn = turn
		all = append(all, line)
	}
	return all
}

// runs serves the first page: all runs of the store, side by side.
func (p *page) runs(w http.ResponseWriter, r *http.Request) {
	runs, turn, err := p.looks.runs.get(p.life, time.Now(), patience)
	if turn > 0 && err != nil && len(runs) == 0 {
		p.fail(w, r, err)
		return
	}
	b := p.base(r, "runs")
	lines := p.lines()
	for i := range lines {
		turn += lines[i].turn
	}
	p.first.show(p, w, turn, "runs", b, func() any { return runsViewOf(b, lines, len(runs), turn == 0, err) })
}

func runsViewOf(b base, lines []runLine, runs int, reading bool, err error) runsView {
	v := runsView{base: b, Lines: lines, More: max(0, runs-maxRuns), Reading: reading, At: time.Now()}
	v.Events = "/events"
	for i := range v.Lines {
		line := &v.Lines[i]
		if line.Of == 0 && line.At.IsZero() {
			continue
		}
		line.Done, line.Bar = progressBar(line.Status)
		end := line.At
		if !line.Run.FinishedAt.IsZero() {
			end = line.Run.FinishedAt
		}
		line.Took = span(end.Sub(line.Run.OpenedAt))
		line.Rate = rate(line.Progress.Rate)
	}
	if err != nil {
		v.Trouble = harvest.ErrorText(err)
	}
	return v
}
