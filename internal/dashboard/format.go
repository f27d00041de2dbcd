package dashboard

import (
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// functions are what templates call. None of them makes HTML of a text.
func (p *page) functions() template.FuncMap {
	return template.FuncMap{
		"asset": func(name string) string { return p.assets[name].path },
		"text":  foreign, "brief": brief, "words": func(s string) string { return strings.ReplaceAll(s, "-", " ") }, "class": func(s string) string { return strings.ReplaceAll(s, " ", "-") }, "comma": humanize.Comma, "comma64": func(n int) string { return humanize.Comma(int64(n)) }, "bytes": size, "stamp": stamp, "span": span, "web": web,
	}
}

// maxForeign is how many bytes of a foreign text are shown.
const maxForeign = 600

// foreign makes a foreign text fit to be shown: one line, without what moves, hides or reverses
// text, and not longer than a person reads. The template escapes it.
func foreign(text string) string {
	if len(text) > 8*maxForeign { // what is cut off need not be made fit
		text = strings.ToValidUTF8(text[:8*maxForeign], "")
	}
	text = harvest.Line(strings.TrimSpace(text))
	if len(text) > maxForeign {
		return strings.ToValidUTF8(text[:maxForeign], "") + "…"
	}
	return text
}

// brief is a foreign text of which a line in a table is enough.
func brief(text string) string {
	const most = 160
	if runes := []rune(foreign(text)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return foreign(text)
}

func size(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// stamp writes an instant; all are in UTC, so that people in two places mean the same.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// span writes a length of time in its two largest units.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 2*day:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days %d h", int(d/day), int(d%day/time.Hour))
}

// web returns the address of a link to a foreign URL; empty if it is not one of the web.
func web(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

func percent(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

// rate writes requests/s with as many digits as help.
func rate(n float64) string {
	digits := 2
	switch {
	case n >= 100:
		digits = 0
	case n >= 10:
		digits = 1
	}
	text := strconv.FormatFloat(n, 'f', digits, 64)
	if digits == 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// row is one line of a list of names and values.
type row struct{ Name, Value string }

// add adds a row with a formatted value.
func add(rows []row, name, format string, args ...any) []row {
	return append(rows, row{name, fmt.Sprintf(format, args...)})
}

// counted writes what was counted by name, the most first.
func counted[V any](all map[string]V, count func(V) int64, text func(V) string) string {
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if d := count(all[b]) - count(all[a]); d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for i, name := range names {
		if i == 12 {
			parts = append(parts, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		parts = append(parts, foreign(name)+" "+text(all[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " · ")
}
