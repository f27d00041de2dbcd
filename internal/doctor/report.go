package doctor

import (
	"errors"
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

// Line is one look and what it came to. Scripts rely on the names of its JSON.
type Line struct {
	Service string  `json:"service"`
	Check   string  `json:"check"`
	About   string  `json:"looked_at"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Change  string  `json:"change"`    // empty unless the verdict is a warning or a fault
	Code    int     `json:"exit_code"` // with which a worker leaves because of a fault; 0 for any other verdict
	Seconds float64 `json:"seconds"`

	err   error
	after string // the row that has to be in order first
}

// Report is all that was looked at. Scripts rely on the names of its JSON.
type Report struct {
	Version string  `json:"version"`
	Verdict Verdict `json:"verdict"`   // the worst: ok, warning or fault
	Code    int     `json:"exit_code"` // of a worker with these settings, as far as could be seen
	Checks  []Line  `json:"checks"`

	first  error  // the fault that a worker meets first
	text   string // its row, in words
	places []place
}

type place struct{ name, at string }

// add appends a line. The first fault decides the exit code: a worker meets them in this order.
func (r *Report) add(l Line) {
	r.Checks = append(r.Checks, l)
	switch {
	case l.Verdict == Fault && r.Verdict != Fault:
		r.Verdict, r.Code, r.first = Fault, l.Code, l.err
		r.text = fmt.Sprintf("%s: %s is not in order (%s)", l.Service, l.About, l.Check)
	case l.Verdict == Warning && r.Verdict == OK:
		r.Verdict = Warning
	}
}

// Err returns an error that names the first fault, and wraps the one that a worker would end with;
// nil if there is no fault.
func (r *Report) Err() error {
	if r.Verdict != Fault {
		return nil
	}
	return &fault{r.text, r.first}
}

// fault is an error in the words of its row.
type fault struct {
	text string
	err  error
}

func (f *fault) Error() string { return f.text }

// Is implements [errors.Is]. The details of the error are in its line, and not printed twice.
func (f *fault) Is(target error) bool { return errors.Is(f.err, target) }

// Text is the report for people. Each line has what was looked at after its verdict, and what to
// change below it.
func (r *Report) Text() string {
	var b strings.Builder
	for i, p := range r.places {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(strings.TrimSpace(harvest.Linef("%s %s", p.name, p.at)) + "\n")
		for _, l := range gathered(r.Checks, p.name) {
			b.WriteString(l.text())
		}
	}
	return b.String() + "\n" + r.Sum() + "\n"
}

// gathered are the lines of a service. Those that were not looked at because of one other row are
// one line.
func gathered(all []Line, service string) (lines []Line) {
	at := map[string]int{}
	for _, l := range all {
		if l.Service != service {
			continue
		}
		first, known := at[l.after]
		if l.after != "" && known {
			lines[first].About += ", " + l.About
			continue
		}
		at[l.after] = len(lines)
		lines = append(lines, l)
	}
	return lines
}

// verdictWidth is as wide as the longest verdict, and a gap.
const verdictWidth = len(NotChecked) + 2

func (l *Line) text() string {
	below := "\n" + strings.Repeat(" ", 2+verdictWidth)
	text := fmt.Sprintf("  %-*s%s: %s\n", verdictWidth, l.Verdict, l.About, strings.ReplaceAll(l.Found, "\n", below))
	if l.Change != "" {
		text += fmt.Sprintf("  %-*sto do: %s\n", verdictWidth, "", l.Change)
	}
	return text
}

// Sum counts the verdicts and names the end of a worker with these settings.
func (r *Report) Sum() string {
	counts := map[Verdict]int{}
	for _, l := range r.Checks {
		counts[l.Verdict]++
	}
	parts := []string{counted(counts[Fault], "fault", "faults"), counted(counts[Warning], "warning", "warnings")}
	if n := counts[NotChecked]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not checked", n))
	}
	end := "a worker can start"
	if r.Verdict == Fault {
		end = fmt.Sprintf("a worker would leave with exit code %d", r.Code)
	}
	return strings.Join(append(parts, fmt.Sprintf("%d ok", counts[OK])), ", ") + ": " + end
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
