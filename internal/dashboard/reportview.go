package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// reportView is what the file about a run is made of.
type reportView struct {
	Style    template.CSS
	Report   Report
	Title    string
	Lead     string
	Done     string
	Bar      template.HTML
	Facts    []row
	Limit    limitView
	Inputs   []row
	Outcomes []outcomeRow
	Chart    chartView
	Slim     template.HTML // the same for a narrow window
	Kinds    []legend      // of silences in the chart
	Stretch  string        // of the chart
	Quiets   []quietRow
	MoreQ    int
	Receipt  []row
	Losses   []reportLoss
	Retries  shareTable
	Stages   shareTable
	Limits   shareTable
	Shards   shardsView
	Workers  []workerRow
	More     int // workers that are not listed
	Chains   []row
	Base     []baseRow
}

// reportLoss is a way to end without landing, with some items.
type reportLoss struct {
	Loss
	Why      string
	Examples []reportItem
	More     int64 // items that are not among the examples
}

type reportItem struct{ Name, Web, Detail string }

// shareTable lists parts of a whole, the largest first.
type shareTable struct {
	Rows []shareRow
	More int
}

type shareRow struct {
	Name, Value, Share, What string
}

// baseRow is one number of a run, beside that of the run before.
type baseRow struct{ Name, Now, Before, Change string }

// maxShares is how many parts a table of shares has.
const maxShares = 40

func reportOf(r Report) reportView {
	s := r.Status
	v := reportView{
		Report: r, Title: "Harvest report: run " + s.Run.Name, Lead: lead(s), Facts: progressFacts(s), Limit: limitOf(s), Inputs: reportInputs(r),
		Outcomes: outcomes(s.Totals), Receipt: receiptFor(r), Shards: shardsOf(s),
		Retries: sharesOf(r.Manners.Retries, humanize.Comma),
		Stages:  sharesOf(r.Manners.Stages, seconds), Limits: sharesOf(r.Manners.Limits, seconds),
	}
	for i := range v.Limits.Rows {
		what, _ := harvest.Limit(v.Limits.Rows[i].Name).Meaning()
		v.Limits.Rows[i].What = strings.ReplaceAll(what, "`", "")
	}
	v.Done, v.Bar = progressBar(s)
	w, end := wholeRun(r)
	quiets := merge(r.Sent.Quiets)
	v.Chart = w.draw(s, r.Sent.Minutes, quiets, end)
	w.id, w.width = "narrow", 0
	v.Slim = w.draw(s, r.Sent.Minutes, quiets, end).SVG
	v.Kinds = kindsOf(quiets)
	v.Stretch = span(time.Duration(w.stretch) * time.Second)
	v.Quiets = quietRows(quiets, r.Sent.Minutes, s)
	v.MoreQ = len(quiets) - len(v.Quiets)
	v.Losses = reportLosses(r.Losses)
	v.Workers, v.More = workersOf(s)
	if r.Chains.Listed {
		v.Chains = add(v.Chains, "walked to their end", "%s", humanize.Comma(int64(r.Chains.Done)))
		v.Chains = add(v.Chains, "longest", "%s steps", humanize.Comma(r.Chains.Longest))
	}
	if r.Base != nil && !r.Base.Gone {
		v.Base = baseRows(r)
	}
	return v
}

// lead is the first sentence: what this is, and whether it is all.
func lead(s Status) string {
	if !s.Run.FinishedAt.IsZero() {
		return fmt.Sprintf("The run is finished: opened %s, finished %s UTC, after %s.", stamp(s.Run.OpenedAt), stamp(s.Run.FinishedAt), span(s.Run.FinishedAt.Sub(s.Run.OpenedAt)))
	}
	return fmt.Sprintf("The run is not finished: opened %s UTC, this is how far it was at %s UTC.", stamp(s.Run.OpenedAt), stamp(s.At))
}

func seconds(n float64) string { return span(time.Duration(n * float64(time.Second))) }

// sharesOf lists what was counted by name, the most first.
func sharesOf[V int64 | float64](all map[string]V, text func(V) string) (t shareTable) {
	sum := V(0)
	for _, n := range all {
		sum += max(0, n)
	}
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(all[b], all[a]), strings.Compare(a, b))
	})
	for _, name := range names {
		if all[name] <= 0 {
			continue
		}
		if len(t.Rows) == maxShares {
			t.More++
			continue
		}
		t.Rows = append(t.Rows, shareRow{Name: foreign(masked(name)), Value: text(all[name]), Share: fmt.Sprintf("%.1f %%", 100*float64(all[name])/float64(sum))})
	}
	return t
}

// reportInputs are what the run was opened with, and what else a repetition needs to know.
func reportInputs(r Report) (rows []row) {
	run := r.Run
	rows = append(add(nil, "host", "%s", foreign(run.Host)), given(run)...)
	if run.CorpusItems > 0 {
		rows = add(rows, "items of the corpus", "%s, repeated ones included", humanize.Comma(run.CorpusItems))
	}
	for _, one := range []row{
		{"digest of the corpus", run.CorpusSum}, {"bodies", run.Body}, {"next step of the listing", run.Next}, {"items of the listing", run.Items},
		{"answers are cut by", run.Split}, {"id of a part", run.ID}, {"an id without an answer is", run.Absent},
		{"answers are judged by", run.Check}, {"waits are asked for by", run.Wait}, {"rate", run.Rate},
	} {
		if one.Value != "" {
			rows = append(rows, row{one.Name, foreign(one.Value)})
		}
	}
	if run.Pack > 0 {
		rows = add(rows, "ids to a request", "%d", run.Pack)
	}
	if r.Of > 0 {
		rows = add(rows, "shards", "%s", humanize.Comma(int64(r.Of)))
	}
	if run.Version != "" {
		rows = add(rows, "opened by Shoal", "%s", foreign(run.Version))
	}
	versions := map[string]int64{}
	for i := range r.Workers {
		version := r.Workers[i].Stats.Version
		if version == "" {
			version = "a version that did not record itself"
		}
		versions[version]++
	}
	if len(versions) > 0 {
		rows = add(rows, "workers of Shoal", "%s", counted(versions, func(n int64) int64 { return n }, func(n int64) string {
			return fmt.Sprintf("(%s)", humanize.Comma(n))
		}))
	}
	return add(rows, "store", "%s", foreign(r.Store))
}

// receiptFor is how the upstream was treated, with each silence that it asked for.
func receiptFor(r Report) (rows []row) {
	if r.Manners.Requests == 0 {
		return nil
	}
	rows = append(add(nil, "requests", "%s, of which %s were a further try", humanize.Comma(r.Manners.Requests), humanize.Comma(r.Progress.Retries)), receiptOf(r.Manners)...)
	if len(r.Manners.Malformed) == 0 {
		rows = add(rows, "headers not understood", "none")
	}
	return add(rows, "asked for silence", "%s", keeping(r))
}

// keeping describes how many of the silences that the upstream asked for were kept.
func keeping(r Report) string {
	asked, ends := 0, map[string]int64{}
	for _, q := range merge(r.Sent.Quiets) {
		if q.Kind != harvest.LimitBackoff {
			continue
		}
		asked++
		switch text := keptText(q, r.Sent.Minutes, r.Status); {
		case strings.HasPrefix(text, "none"):
			ends["kept: nothing was sent meanwhile"]++
		case strings.HasPrefix(text, "an operator"):
			ends["ended by an operator"]++
		case text == "–":
			ends["of which it is not known what was sent"]++
		default:
			ends["with a request meanwhile"]++
		}
	}
	if asked == 0 {
		return "never"
	}
	text := fmt.Sprintf("%d ×", asked)
	for _, end := range slices.Sorted(maps.Keys(ends)) {
		text += fmt.Sprintf("; %d %s", ends[end], end)
	}
	return text
}

// kindsOf are the kinds of silences that a chart marks, with their names.
func kindsOf(quiets []harvest.Quiet) (kinds []legend) {
	for _, q := range quiets {
		one := legend{Class: class(q.Kind), Name: string(q.Kind)}
		switch q.Kind {
		case harvest.LimitBackoff:
			one.Name = "silence that the upstream asked for"
		case harvest.LimitHold:
			one.Name = "pause by an operator"
		default: // its own name
		}
		if !slices.Contains(kinds, one) {
			kinds = append(kinds, one)
		}
	}
	return kinds
}

const (
	// maxName and maxDetail are how much of an item's name and of its last answer is shown.
	maxName, maxDetail = 160, 240
)

func reportLosses(all []Loss) (rows []reportLoss) {
	for _, l := range all {
		row := reportLoss{Loss: l, Why: foreign(masked(l.Reason)), More: l.Items - int64(len(l.Examples))}
		if row.Why == "" {
			row.Why = "(no reason)"
		}
		for i := range l.Examples {
			p := &l.Examples[i]
			item := reportItem{Name: short(masked(cmp.Or(p.ID, p.URL)), maxName), Detail: short(masked(p.Detail), maxDetail)}
			if masked(p.URL) == p.URL {
				item.Web = web(p.URL)
			}
			if len(item.Web) > maxForeign {
				item.Web = ""
			}
			row.Examples = append(row.Examples, item)
		}
		rows = append(rows, row)
	}
	return rows
}

// short is a foreign text of at most so many characters.
func short(text string, most int) string {
	text = foreign(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// baseRows are the numbers of the run and of the one before.
func baseRows(r Report) (rows []baseRow) {
	now, before := r.Totals, r.Base.Totals
	count := func(name string, now, before int64) {
		rows = append(rows, baseRow{name, humanize.Comma(now), humanize.Comma(before), change(now - before)})
	}
	count("items ended", now.Items(), before.Items())
	count("landed", now.Landed, before.Landed)
	count("missing", now.Missing, before.Missing)
	count("skipped", now.Skipped, before.Skipped)
	count("dead", now.Dead, before.Dead)
	count("lines that are not items", now.Rejected, before.Rejected)
	count("requests", r.Progress.Requests, r.Base.Progress.Requests)
	rows = append(rows, baseRow{"stored bodies", size(now.Bytes), size(before.Bytes), ""})
	took := func(s Status) string {
		if s.Run.FinishedAt.IsZero() {
			return "not finished"
		}
		return span(s.Run.FinishedAt.Sub(s.Run.OpenedAt))
	}
	rows = append(rows, baseRow{"took", took(r.Status), took(r.Base.Status), ""})
	return append(rows, baseRow{"opened (UTC)", stamp(r.Run.OpenedAt), stamp(r.Base.Run.OpenedAt), ""})
}

// change is a difference in words.
func change(n int64) string {
	switch {
	case n > 0:
		return humanize.Comma(n) + " more"
	case n < 0:
		return humanize.Comma(-n) + " fewer"
	}
	return "the same"
}
