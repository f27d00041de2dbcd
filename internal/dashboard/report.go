package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
	"time"

	"shoal/internal/harvest"
)

//go:embed report/*
var reportFiles embed.FS

// Report is all that a file about a run shows.
type Report struct {
	Status
	Sent    Sent // of the whole run
	Manners Manners
	Chains  Chains
	Losses  []Loss // some; see MoreLosses
	// MoreLosses are the ways to end without landing that are not among Losses, and MoreItems the
	// items that ended so.
	MoreLosses, MoreItems int64
	MoreQuiets            bool // silences before those of Sent
	Base                  *Base
	Store                 string // what kind of store has the run, and where; no credential
	Version               string // of this program
}

// Base is the run before, as far as the store still has it.
type Base struct {
	Status
	Gone bool // the store does not have it any more
}

// WriteReport writes a file about a run: one page of HTML that needs no other file, no script and
// no server. Its size is bounded, however large the run is.
func WriteReport(w io.Writer, r Report) error {
	style, err := files.ReadFile("static/style.css")
	if err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	more, err := reportFiles.ReadFile("report/report.css")
	if err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	view, err := template.New("report.html").Funcs((&page{}).functions()).ParseFS(files, "templates/parts.html")
	if err == nil {
		view, err = view.ParseFS(reportFiles, "report/report.html")
	}
	if err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	v := reportOf(maskReport(r))
	v.Style = template.CSS(string(style) + string(more)) // both are part of the program
	if err := view.Execute(w, v); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	return nil
}

// credentials are the parts of an address that may be secret: a user before the host, and values
// whose name sounds like it.
var (
	userInfo = regexp.MustCompile(`(://)[^/?#\s@"'<>]*@`)
	secrets  = regexp.MustCompile(`(?i)([?&][^=&\s]*(?:key|token|secret|sig|passw|pwd|auth|cred|session)[^=&\s]*=)[^&#\s"'<>]+`)
)

// masked hides what may be secret in the addresses of a text: a file is passed on.
func masked(text string) string {
	if strings.Contains(text, "://") {
		text = userInfo.ReplaceAllString(text, "$1***@")
	}
	if strings.ContainsAny(text, "?&") {
		text = secrets.ReplaceAllString(text, "$1***")
	}
	return text
}

// maskReport returns a report whose addresses are masked.
func maskReport(r Report) Report {
	for _, text := range []*string{&r.Run.Corpus, &r.Run.API, &r.Run.Extract, &r.Run.Host, &r.Run.Next, &r.Run.Items, &r.Progress.Note, &r.Idle, &r.Store} {
		*text = masked(*text)
	}
	quiets := make([]harvest.Quiet, len(r.Sent.Quiets))
	for i, q := range r.Sent.Quiets {
		q.Cause = masked(q.Cause)
		quiets[i] = q
	}
	r.Sent.Quiets = quiets
	workers := make([]Worker, len(r.Workers))
	for i, w := range r.Workers {
		w.Stats.LastError, w.Stats.Note, w.Stats.EndedBy = masked(w.Stats.LastError), masked(w.Stats.Note), masked(w.Stats.EndedBy)
		workers[i] = w
	}
	r.Workers = workers
	return r
}

// chartStretches are the lengths of a stretch of the chart of a whole run, in seconds.
func chartStretches() []int64 {
	const minute, hour, day = 60, 3600, 86_400
	return []int64{1, 2, 5, 10, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day, 28 * day, 364 * day}
}

// maxStretches is how many stretches the chart of a whole run has.
const maxStretches = 180

// wholeRun is the chart from the first request, silence or item to the last.
func wholeRun(r Report) (w window, end time.Time) {
	from, end := r.Run.OpenedAt, r.Run.FinishedAt
	var last time.Time
	if n := len(r.Sent.Minutes); n > 0 {
		from = time.Unix(r.Sent.Minutes[0].Unix*60, 0)
		if opened := r.Run.OpenedAt; opened.After(from) && opened.Before(from.Add(time.Minute)) {
			from = opened
		}
		last = time.Unix(r.Sent.Minutes[n-1].Unix*60+60, 0)
	}
	if end.IsZero() {
		end = r.At
		if r.State != "at work" && last.After(from) && last.Before(end) {
			end = last
		}
	}
	w = window{id: "run", name: "whole run", width: 720}
	for _, w.stretch = range chartStretches() {
		w.count = int(end.Unix()/w.stretch-from.Unix()/w.stretch) + 1
		if w.count <= maxStretches {
			break
		}
	}
	w.count = max(1, min(w.count, maxStretches))
	return w, end
}
