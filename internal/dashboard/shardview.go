package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/dashboard/chart"
	"shoal/internal/harvest"
)

// The states of a shard, from the one that a person must see to the one that is done.
const (
	shardLapsed  = "lapsed"  // its owner is silent
	shardUnowned = "unowned" // no worker works on it, and none will
	shardAtWork  = "at-work"
	shardWaiting = "waiting" // for a worker that has drained its own
	shardDrained = "drained"
)

// shardStates lists them, worst first.
func shardStates() []string {
	return []string{shardLapsed, shardUnowned, shardAtWork, shardWaiting, shardDrained}
}

// shardsView is all shards of a run.
type shardsView struct {
	Of     int
	Grid   template.HTML
	Each   int // shards to a square
	Legend []legend
	Rows   []shardRow
	More   int // that need a look and are not listed
}

type legend struct {
	Class, Name string
	N           int
}

type shardRow struct {
	Shard, State, Owner, Lease, Error string
	Counts                            harvest.Counts
}

const (
	// maxSquares is how many squares a grid has; with more shards each square is several.
	maxSquares = 1024
	// shardRows is how many shards are listed on the page of a run, and shardPage on a page of
	// their own.
	shardRows = 24
	shardPage = 200
)

// shardsOf draws the shards as a grid and lists those at work or in trouble.
func shardsOf(s Status) shardsView {
	all := shardTable(s)
	v := shardsView{Of: len(all), Each: max(1, (len(all)+maxSquares-1)/maxSquares)}
	count := map[string]int{}
	for i := range all {
		count[all[i].State]++
	}
	for _, state := range shardStates() {
		if count[state] > 0 {
			v.Legend = append(v.Legend, legend{state, strings.ReplaceAll(state, "-", " "), count[state]})
		}
	}
	grid := chart.Grid{ID: "grid", Title: "shards of the run", Text: legendText(v.Legend)}
	for some := range slices.Chunk(all, v.Each) {
		grid.Cells = append(grid.Cells, cellOf(some))
	}
	v.Grid = template.HTML(grid.SVG()) // the chart escapes its texts
	for _, state := range shardStates()[:3] {
		for i := range all {
			if all[i].State != state {
				continue
			}
			if state == shardUnowned && all[i].Owner == "" && len(v.Rows) > 0 || len(v.Rows) >= shardRows {
				v.More++
				continue
			}
			v.Rows = append(v.Rows, all[i])
		}
	}
	return v
}

func legendText(all []legend) string {
	var parts []string
	for _, l := range all {
		parts = append(parts, fmt.Sprintf("%s %s", humanize.Comma(int64(l.N)), l.Name))
	}
	return strings.Join(parts, ", ")
}

// cellOf is the square of several shards: the state of the worst.
func cellOf(some []shardRow) chart.Cell {
	for _, state := range shardStates() {
		for i := range some {
			if some[i].State == state {
				label := some[i].Shard + ": " + strings.ReplaceAll(state, "-", " ")
				if len(some) > 1 {
					label = some[0].Shard + " to " + some[len(some)-1].Shard + ": at worst " + state
				}
				return chart.Cell{Class: state, Label: label}
			}
		}
	}
	return chart.Cell{Class: shardWaiting}
}

// shardTable lists all shards of the run, those that no worker has ever held too.
func shardTable(s Status) []shardRow {
	free := shardUnowned
	if s.Waiting > 0 {
		free = shardWaiting
	}
	all := make([]shardRow, s.Of)
	for i := range all {
		all[i] = shardRow{Shard: strconv.Itoa(i) + "/" + strconv.Itoa(s.Of), State: free, Lease: "never taken"}
	}
	errors := map[string]string{}
	for i := range s.Workers {
		if w := &s.Workers[i]; w.Shard != "" && w.State != "ended" {
			errors[w.Shard] = foreign(w.Stats.LastError)
		}
	}
	for i := range s.Shards {
		shard := &s.Shards[i]
		if shard.Shard.Of != s.Of || shard.Shard.Index >= s.Of {
			continue
		}
		row := &all[shard.Shard.Index]
		row.Counts, row.Error = shard.Counts, errors[row.Shard]
		row.Owner, _, _ = strings.Cut(foreign(shard.Owner), "@")
		switch {
		case !shard.Drained.IsZero():
			row.State, row.Lease = shardDrained, "drained "+stamp(shard.Drained)
		case shard.Held && !shard.Lapsed:
			row.State, row.Lease = shardAtWork, "renewed "+harvest.Ago(shard.Silent)+" ago"
		case shard.Held:
			row.State, row.Lease = shardLapsed, "ran out; renewed "+harvest.Ago(shard.Silent)+" ago"
		default:
			row.Lease = "given back"
		}
	}
	if harvest.Drained(s.Shards) {
		for i := range all {
			all[i].State = shardDrained
		}
	}
	return all
}

type workerRow struct {
	Name, State, Shard, Rate, Landed, Limit, Seen, ETA, Trouble string
	First, Last, Requests                                       string // when it started and was seen last, and what it sent
}

// maxWorkers is how many workers are listed.
const maxWorkers = 64

// workersOf lists the workers, those at work first.
func workersOf(s Status) (rows []workerRow, more int) {
	for _, state := range []string{"at work", "silent", "ended"} {
		for i := range s.Workers {
			w := &s.Workers[i]
			if w.State != state {
				continue
			}
			if len(rows) >= maxWorkers || state == "ended" && len(rows) >= 8 {
				more++
				continue
			}
			name, _, _ := strings.Cut(foreign(w.Worker), "@")
			row := workerRow{
				Name: name, State: w.State, Shard: foreign(w.Shard), Landed: humanize.Comma(w.Stats.Items.Landed),
				Seen: harvest.Ago(max(0, s.At.Sub(w.Seen))) + " ago", Trouble: foreign(w.Stats.LastError),
				First: stamp(w.Started), Last: stamp(w.Seen), Requests: humanize.Comma(w.Stats.Requests),
			}
			if state == "at work" {
				row.Rate, row.Limit = rate(w.Stats.Rate)+"/s", string(w.Stats.Limit)
				if w.ETA > 0 {
					row.ETA = span(w.ETA)
				}
				if w.Stats.Note != "" {
					row.Trouble = foreign(w.Stats.Note)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, more
}

// shardsPage lists all shards, some at a time.
type shardsPage struct {
	base
	Run        string
	Rows       []shardRow
	Prev, Next string // addresses; empty without such a page
	At         time.Time
}

func (p *page) shards(w http.ResponseWriter, r *http.Request) {
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	s, err := p.looks.state(name)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	all := shardTable(s)
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 || from >= len(all) {
		from = 0
	}
	until := min(len(all), from+shardPage)
	v := shardsPage{base: p.base(r, "shards of run "+name), Run: name, Rows: all[from:until], At: s.At}
	v.Events = "/events?run=" + name
	if from > 0 {
		v.Prev = fmt.Sprintf("/runs/%s/shards?from=%d", name, max(0, from-shardPage))
	}
	if until < len(all) {
		v.Next = fmt.Sprintf("/runs/%s/shards?from=%d", name, until)
	}
	p.show(w, http.StatusOK, "shards", v)
}
