package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// statusLine is coordinator status. Scripts rely on the names of its JSON.
type statusLine struct {
	Run      string    `json:"run"`
	Host     string    `json:"host"`
	State    string    `json:"state"`
	OpenedAt time.Time `json:"opened_at"`

	Items   int64 `json:"corpus_items"` // 0 while unknown
	Ended   int64 `json:"ended"`
	Landed  int64 `json:"landed"`
	Missing int64 `json:"missing"`
	Skipped int64 `json:"skipped"`
	Dead    int64 `json:"dead"`
	PutBack int64 `json:"put_back"` // by coordinator retry: they have not ended again yet

	Rate    float64  `json:"rate"`       // requests/s of all workers
	Budget  float64  `json:"budget"`     // requests/s
	Lowered float64  `json:"lowered_to"` // requests/s that the fleet keeps below, since the upstream refused at the budget again and again; 0: no such rate
	ETA     *float64 `json:"eta_s"`

	SilentUntil   *time.Time `json:"silent_until"` // the upstream asked for silence until then
	HeldUntilSaid bool       `json:"paused_until_resumed"`
	HeldUntil     *time.Time `json:"paused_until"`
	RateBy        string     `json:"ordered_by"` // the operator of the latest rate or pause
	DrainBy       string     `json:"drain_by"`

	Of      int          `json:"shards"`
	Drained int          `json:"shards_drained"`
	Held    int          `json:"shards_at_work"`
	Waiting int          `json:"shards_waiting"` // until a worker of --shard auto has drained its own
	Unowned []string     `json:"shards_without_owner"`
	Workers []workerLine `json:"workers"`

	counts harvest.Counts
	guess  bool   // Items is an estimate
	last   string // why the latest start ended with an error, while no other works
	cut    bool   // into shards, by the process that opened it: workers may take any of them
}

// workerLine is one process that has worked on the run.
type workerLine struct {
	Worker    string    `json:"worker"`
	State     string    `json:"state"` // at work, silent or ended
	Shard     string    `json:"shard"`
	Rate      float64   `json:"rate"`
	Landed    int64     `json:"landed"`
	ETA       *float64  `json:"eta_s"` // of its shard
	Limit     string    `json:"limit"`
	Seen      time.Time `json:"seen_at"`
	LastError string    `json:"last_error"`
	EndedBy   string    `json:"ended_by"` // the error that ended it; empty while it works, and if it was stopped or came to its end
	Note      string    `json:"note"`
}

func statusOf(s coordinator.RunStatus, speed *status.Speed) statusLine {
	p := s.Progress()
	line := statusLine{
		Run: s.Run.Name, Host: s.Run.Host, State: s.State(), OpenedAt: s.Run.OpenedAt, Items: p.Total, Ended: s.Totals.Items(),
		Landed: s.Totals.Landed, Missing: s.Totals.Missing, Skipped: s.Totals.Skipped, Dead: s.Totals.Dead, PutBack: s.Totals.PutBack,
		Rate: p.Rate, Budget: p.Budget, Lowered: p.Lowered, RateBy: s.Control.By, DrainBy: s.Control.DrainBy, HeldUntilSaid: s.Control.Hold == harvest.Forever, Of: s.Of(), counts: s.Totals, guess: p.Guess, cut: s.Run.Shards > 0, Unowned: []string{}, Workers: []workerLine{},
	}
	if s.Control.Hold > 0 {
		until := s.At.Add(s.Control.Hold)
		line.HeldUntil = &until
	}
	if s.Control.Silence > 0 {
		until := s.At.Add(s.Control.Silence)
		line.SilentUntil = &until
	}
	for _, shard := range s.Shards {
		switch {
		case shard.Shard.Of != line.Of:
		case !shard.Drained.IsZero():
			line.Drained++
		case shard.Held && !shard.Lapsed:
			line.Held++
		}
	}
	line.Waiting = len(s.Waiting())
	for _, shard := range s.Unowned() {
		line.Unowned = append(line.Unowned, shard.String())
	}
	perSecond := speed.PerSecond()
	if perSecond == 0 {
		perSecond = coordinator.ItemRate(s.Fresh())
	}
	line.ETA = eta(p.Total-line.Ended, perSecond)
	for _, w := range s.Work {
		line.Workers = append(line.Workers, workerOf(s, w))
		line.last = ""
		if w.Ended && len(s.Fresh()) == 0 {
			line.last = w.Stats.EndedBy
		}
	}
	return line
}

func eta(left int64, perSecond float64) *float64 {
	d, ok := status.ETA(left, perSecond)
	if !ok || left <= 0 {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}

func workerOf(s coordinator.RunStatus, w harvest.Work) workerLine {
	name, _, _ := strings.Cut(w.Worker, "@")
	line := workerLine{Worker: name, State: "silent", Shard: w.Shard, Landed: w.Stats.Items.Landed, Seen: w.Seen, LastError: w.Stats.LastError, EndedBy: w.Stats.EndedBy}
	switch {
	case w.Ended:
		line.State = "ended"
	case slices.ContainsFunc(s.Fresh(), func(f harvest.Work) bool { return f.Worker == w.Worker }):
		line.State, line.Rate, line.Limit, line.Note = "at work", w.Stats.Rate, string(w.Stats.Limit), w.Stats.Note
		line.ETA = eta(w.Stats.Left, coordinator.ItemRate([]harvest.Work{w}))
	case harvest.Drained(s.Shards): // it was killed, and others have done its part
		line.State, line.Shard = "ended", ""
	}
	return line
}

// showStatus prints one look at a run.
func (p *program) showStatus(set config.Coordinator, s coordinator.RunStatus, speed *status.Speed) error {
	line := statusOf(s, speed)
	switch {
	case set.JSON && set.Watch:
		return p.encodeJSON(line, "")
	case set.JSON:
		return p.printJSON(line)
	}
	text := line.head(p.paper.Width())
	if len(line.Workers) > 0 {
		text += workersTable(s, line.Workers, p.paper.Width())
	}
	_, err := io.WriteString(p.out, text)
	return err
}

// workersTable is the table of workers, no line of it wider than width.
func workersTable(s coordinator.RunStatus, workers []workerLine, width int) string {
	var b strings.Builder
	// A strings.Builder takes everything.
	_ = status.Table(&b, width, []status.Column{
		{Name: "WORKER", MinWidth: 12, Middle: true}, {Name: "STATE", Rank: 2}, {Name: "SHARD", Rank: 3}, {Name: "RATE"}, {Name: "LANDED", Rank: 1}, {Name: "ETA", Rank: 6},
		{Name: "LIMIT", Rank: 4}, {Name: "SEEN", Rank: 7}, {Name: "LAST ERROR", Rank: 5, MinWidth: 16},
	}, func(row func(cells ...any)) {
		for _, w := range workers {
			trouble := cmp.Or(w.Note, w.EndedBy, w.LastError)
			row(w.Worker, w.State, dash(w.Shard), fmt.Sprintf("%.1f/s", w.Rate), humanize.Comma(w.Landed), span(w.ETA), dash(w.Limit), harvest.Ago(s.At.Sub(w.Seen))+" ago", dash(trouble))
		}
	})
	return b.String()
}

// head is what is known of the run itself, each line at most width columns wide.
func (l statusLine) head(width int) string {
	f := status.NewFacts("run %s on %s: %s, opened %s ago", l.Run, l.Host, l.State, harvest.Ago(time.Since(l.OpenedAt)))
	f.Items(l.counts)
	f.Done(l.Ended, l.Items, l.guess, -1)
	end := time.Duration(-1)
	if l.ETA != nil {
		end = time.Duration(*l.ETA * float64(time.Second))
	}
	f.RateNow(l.Rate, l.Budget, end)
	f.Lowered(l.Lowered, l.Budget)
	if l.SilentUntil != nil {
		f.Add("silent", "%s asked for it, until %s; coordinator resume --host %s ends that", l.Host, l.SilentUntil.Local().Format(time.DateTime+" MST"), l.Host)
	}
	switch {
	case l.HeldUntilSaid:
		f.Add("paused", "by %s, until coordinator resume", l.RateBy)
	case l.HeldUntil != nil:
		f.Add("paused", "by %s, until %s", l.RateBy, l.HeldUntil.Local().Format(time.DateTime+" MST"))
	}
	if l.DrainBy != "" {
		f.Add("draining", "by %s, until coordinator resume --run %s", l.DrainBy, l.Run)
	}
	rest := fmt.Sprintf("%d without an owner", len(l.Unowned))
	if l.Waiting > 0 {
		rest = fmt.Sprintf("%d waiting for their turn", l.Waiting)
	}
	f.Add("shards", "%d: %d drained, %d at work, %s", l.Of, l.Drained, l.Held, rest)
	if len(l.Unowned) > 0 && l.DrainBy == "" {
		f.Add("", "%s; %s", some(l.Unowned), l.takeUp())
	}
	if l.last != "" {
		f.Add("ended by", "%s", l.last)
	}
	return f.Text(width)
}

// takeUp is the command that works on a shard without an owner.
func (l statusLine) takeUp() string {
	if !l.cut {
		return fmt.Sprintf("worker --run %s --shard %s takes one up", l.Run, l.Unowned[0])
	}
	return fmt.Sprintf("worker --run %s --shard %s takes one up, worker --run %s --shard auto all, one after the other", l.Run, l.Unowned[0], l.Run)
}

const maxNamed = 8

func some(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNamed)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func span(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return (time.Duration(*seconds) * time.Second).String()
}
