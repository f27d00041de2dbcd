package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// printJSON prints a value for scripts.
func (p *program) printJSON(v any) error { return p.encodeJSON(v, "  ") }

// encodeJSON writes a value, on one line if there is no indent.
func (p *program) encodeJSON(v any, indent string) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// runLine is one row of coordinator runs. Scripts rely on the names of its JSON.
type runLine struct {
	Run        string     `json:"run"`
	Host       string     `json:"host"`
	State      string     `json:"state"` // open, at work, drained or finished
	OpenedAt   time.Time  `json:"opened_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Shards     int        `json:"shards"`
	Corpus     string     `json:"corpus"`
	Items      int64      `json:"corpus_items"`
	Landed     int64      `json:"landed"`
	Missing    int64      `json:"missing"`
	Skipped    int64      `json:"skipped"`
	Dead       int64      `json:"dead"`
	Bytes      int64      `json:"body_bytes"`
}

// runs lists what the store holds.
func (p *program) runs(ctx context.Context, set config.Coordinator) (err error) {
	db, err := wire.OpenStore(ctx, set.Store, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	runs, err := db.ListRuns(ctx)
	if err != nil {
		return err
	}
	all := make([]runLine, 0, len(runs))
	for _, run := range runs {
		if set.Run != "" && run.Name != set.Run {
			continue
		}
		state, err := coordinator.Look(ctx, db, run.Name)
		if err != nil {
			return err
		}
		items, _ := state.CorpusItems()
		line := runLine{
			Run: run.Name, Host: run.Host, State: state.State(), OpenedAt: run.OpenedAt, Shards: state.Of(), Corpus: run.Corpus, Items: items,
			Landed: state.Totals.Landed, Missing: state.Totals.Missing, Skipped: state.Totals.Skipped, Dead: state.Totals.Dead, Bytes: state.Totals.Bytes,
		}
		if !run.FinishedAt.IsZero() {
			line.FinishedAt = &run.FinishedAt
		}
		all = append(all, line)
	}
	if set.JSON {
		return p.printJSON(all)
	}
	if len(all) == 0 && set.Run != "" {
		return config.Usagef("the store holds no run %s: coordinator runs lists those that it holds", harvest.Quote(set.Run))
	}
	if len(all) == 0 {
		p.console.Say("the store holds no run yet: open one with coordinator run --corpus FILE, or harvest with worker --corpus FILE")
		return nil
	}
	return p.table([]status.Column{
		{Name: "RUN", MinWidth: 8, Middle: true}, {Name: "STATE"}, {Name: "HOST", Rank: 9, MinWidth: 12, Middle: true}, {Name: "OPENED", Rank: 5}, {Name: "ITEMS", Rank: 2}, {Name: "LANDED", Rank: 1},
		{Name: "MISSING", Rank: 6}, {Name: "SKIPPED", Rank: 7}, {Name: "DEAD", Rank: 4}, {Name: "BYTES", Rank: 8},
	}, func(row func(cells ...any)) {
		for _, l := range all {
			row(l.Run, l.State, l.Host, harvest.Ago(time.Since(l.OpenedAt))+" ago", orDash(l.Items), humanize.Comma(l.Landed), humanize.Comma(l.Missing),
				humanize.Comma(l.Skipped), humanize.Comma(l.Dead), humanize.IBytes(uint64(max(0, l.Bytes))))
		}
	})
}

func orDash(n int64) string {
	if n == 0 {
		return "-"
	}
	return humanize.Comma(n)
}

// table prints aligned columns that fit the terminal.
func (p *program) table(columns []status.Column, fill func(row func(cells ...any))) error {
	return status.Table(p.out, p.paper.Width(), columns, fill)
}

// paragraph prints lines of which none is wider than the terminal.
func (p *program) paragraph(text string) error {
	_, err := io.WriteString(p.out, status.Wrap(text, p.paper.Width()))
	return err
}

// report prints what a run did.
func (p *program) report(ctx context.Context, set config.Coordinator) (err error) {
	db, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if set.HTML != "" {
		if err := p.reportFile(ctx, set, db, run.Name); err != nil || !set.JSON {
			return err
		}
	}
	r, err := coordinator.CompileReport(ctx, db, run.Name)
	if err != nil {
		return err
	}
	if set.JSON {
		return p.printJSON(r)
	}
	_, err = io.WriteString(p.out, reportText(r, p.paper.Width()))
	return err
}

// inForce names the budget, or those between which it was changed.
func inForce(r coordinator.Report) string {
	if len(r.Budgets) < 2 {
		return fmt.Sprintf("%g/s", r.Budget)
	}
	var all []string
	for _, rate := range r.Budgets {
		all = append(all, fmt.Sprintf("%g/s", rate))
	}
	return fmt.Sprintf("a budget that was changed (%s; now %g/s)", strings.Join(all, ", "), r.Budget)
}

// topBudget names the budget that the worst minute is held against.
func topBudget(r coordinator.Report) string {
	if len(r.Budgets) < 2 {
		return "the budget"
	}
	return fmt.Sprintf("%g/s", r.TopBudget())
}

// reportText is a report for people.
func reportText(r coordinator.Report, width int) string {
	end := "not finished"
	if r.FinishedAt != nil {
		end = fmt.Sprintf("finished %s, after %s", r.FinishedAt.Format(time.DateTime+" MST"), r.FinishedAt.Sub(r.OpenedAt).Round(time.Second))
	}
	counts := harvest.Counts{Landed: r.Landed, Missing: r.Missing, Skipped: r.Skipped, Dead: r.Dead, Rejected: r.Rejected, Bytes: r.BodyBytes, PutBack: r.PutBack}
	var retries, pauses int64
	for _, n := range r.Retries {
		retries += n
	}
	for _, s := range r.Pauses {
		pauses += s.Times
	}
	f := status.NewFacts("run %s on %s: opened %s, %s", r.Run, r.Host, r.OpenedAt.Format(time.DateTime+" MST"), end)
	f.Items(counts)
	f.Done(counts.Items(), r.CorpusItems, false, -1)
	f.Requests(r.Requests, retries, pauses, r.Workers)
	f.Add("", "%.1f items each", r.PerRequest)
	if r.RefusedStarts > 0 {
		f.Add("", "%s of them by %s that ended with an error before anything landed", humanize.Comma(r.RefusedRequests), plural(r.RefusedStarts, "start"))
	}
	f.Add("rate", "%.1f %% of %s used in %.0f s of sending; worst second %d, worst minute %d (%s allows %.0f)",
		100*r.Used, inForce(r), r.Sending, r.WorstSecond, r.WorstMinute, topBudget(r), 60*r.TopBudget())
	f.Lowered(r.Lowered, r.Budget)
	f.Bytes(r.WireBytes, counts)
	f.Add("retries", "%s", byName(r.Retries, humanize.Comma))
	f.Add("pauses", "%s", byName(r.Pauses, func(s harvest.Silence) string { return fmt.Sprintf("%d (%.0f s)", s.Times, s.Seconds) }))
	if len(r.Malformed) > 0 {
		f.Add("headers", "not understood: %s", byName(r.Malformed, humanize.Comma))
	}
	f.Add("limits", "%s", shares(r.Limits, slices.Sorted(maps.Keys(r.Limits))))
	f.Add("stages", "%s", shares(r.Stages, harvest.Stages()))
	return f.Text(width)
}

// addf adds lines; no foreign text can add more.
func addf(b *strings.Builder, format string, args ...any) {
	b.WriteString(harvest.Linef(format, args...))
}

// byName lists what was counted by name.
func byName[V any](all map[string]V, text func(V) string) string {
	if len(all) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, name+" "+text(all[name]))
	}
	return strings.Join(parts, ", ")
}

// shares lists seconds as parts of their sum.
func shares(all map[string]float64, names []string) string {
	sum := 0.0
	for _, seconds := range all {
		sum += seconds
	}
	if sum == 0 {
		return "not measured"
	}
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", name, 100*all[name]/sum))
	}
	return strings.Join(parts, ", ")
}

// status shows the run and its workers.
func (p *program) status(ctx context.Context, set config.Coordinator) (err error) {
	db, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if set.Watch && !set.JSON && p.paper.Clears() {
		return p.watchLive(ctx, db, run.Name)
	}
	var speed status.Speed
	for {
		state, err := coordinator.Look(ctx, db, run.Name)
		if err != nil {
			return err
		}
		speed.Add(state.At, state.Totals.Items())
		if err := p.showStatus(set, state, &speed); err != nil || !set.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
		if !set.JSON {
			fmt.Fprintln(p.out) // between two looks
		}
	}
}
