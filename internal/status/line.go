package status

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// part is one piece of a line; parts of a higher rank are dropped first if room is short.
type part struct {
	text string
	rank int
}

// parts returns the pieces of a line in the order in which they are read.
func (v view) parts() []part {
	return []part{
		{v.countText(), 1}, {v.rateText(), 2}, {v.limitText(), 3}, {"ETA " + v.etaText(), 4}, {v.troubleText(), 5}, {v.retriesText(), 7}, {v.sizeText(), 6},
	}
}

func (v view) countText() string {
	if v.Total == 0 {
		return humanize.Comma(v.done) + " done"
	}
	return humanize.Comma(v.done) + "/" + totalText(v.Total, v.Guess)
}

func (v view) rateText() string {
	if v.Budget <= 0 {
		return number(v.Rate) + "/s"
	}
	return number(v.Rate) + " of " + number(v.Budget) + "/s"
}

// limitText describes what slows us down now, and for how long if that is known.
func (v view) limitText() string {
	if v.silent > 0 {
		return fmt.Sprintf("limit: %s %s", v.Limit, duration(v.silent))
	}
	if v.Limit == "" {
		return ""
	}
	return "limit: " + string(v.Limit)
}

func (v view) etaText() string {
	if !v.etaKnown {
		return "?"
	}
	return duration(v.eta)
}

// troubleText counts the items that did not land, by how they ended.
func (v view) troubleText() string {
	var all []string
	for _, c := range outcomes(v.Counts) {
		if c.n > 0 && c.name != string(harvest.Landed) {
			all = append(all, humanize.Comma(c.n)+" "+c.name)
		}
	}
	return strings.Join(all, ", ")
}

func (v view) sizeText() string {
	switch {
	case v.itemBytes == 0:
		return ""
	case v.allBytes == 0:
		return bytesText(v.itemBytes) + "/item"
	default:
		return fmt.Sprintf("%s/item, ~%s", bytesText(v.itemBytes), bytesText(v.allBytes))
	}
}

type outcomeCount struct {
	name string
	n    int64
}

// outcomes lists the counts in the order of tables and summaries.
func outcomes(c harvest.Counts) []outcomeCount {
	return []outcomeCount{
		{string(harvest.Landed), c.Landed}, {string(harvest.Missing), c.Missing},
		{string(harvest.Skipped), c.Skipped}, {string(harvest.Dead), c.Dead}, {"rejected", c.Rejected},
	}
}

const (
	minBar = 10
	maxBar = 30
	gap    = "  "
)

// barLine returns the bar and as many parts as fit into width columns.
func (v view) barLine(width int) string {
	// The bar's width depends only on the terminal, so that nothing jumps when a number grows.
	bar, room := min(max(minBar, width/10), maxBar), width
	if v.Total > 0 {
		room -= bar + len(" 100% ") + len(gap)
	}
	if room < 0 {
		return cut(percent(v.done, v.Total), width)
	}
	text := v.text(room)
	if v.Total == 0 {
		return text
	}
	return strings.TrimRight(drawBar(v.done, v.Total, bar)+gap+text, " ")
}

// maxBlock is how many lines a bar has at most, and blockHeight how high a terminal is that has
// room for more than one.
const (
	maxBlock    = 6
	blockHeight = 12
)

// bar returns the bar as the screen has room for it.
func (v view) bar(width int, screen *Screen) []string {
	if screen.escapes && screen.Height() >= blockHeight {
		return v.block(width)
	}
	return []string{v.barLine(width)}
}

// block returns the bar as a few lines, none wider than width columns: how far and until when; how
// fast and what limits it; a note; the latest failures by reason. It has the same number of lines
// until there is another note or failure, so that nothing jumps.
func (v view) block(width int) []string {
	bar, room := min(max(minBar, width/3), 2*maxBar), width
	first := fit([]part{{v.countText(), 1}, {"ETA " + v.etaText(), 2}, {v.troubleText(), 3}}, room)
	if v.Total > 0 {
		room = max(0, width-bar-len(" 100% ")-len(gap))
		first = strings.TrimRight(drawBar(v.done, v.Total, bar)+gap+fit([]part{{v.countText(), 1}, {"ETA " + v.etaText(), 2}, {v.troubleText(), 3}}, room), " ")
	}
	margin := strings.Repeat(" ", len(" 100% "))
	lines := []string{cut(first, width), cut(margin+fit([]part{{v.rateText(), 1}, {v.limitText(), 2}, {v.retriesText(), 3}, {v.sizeText(), 4}}, width-len(margin)), width)}
	if v.Note != "" {
		lines = append(lines, cut(margin+harvest.Line(v.Note), width))
	}
	for _, f := range v.Failures {
		if len(lines) < maxBlock {
			lines = append(lines, cut(margin, width)+cutMiddle(v.failureText(f), width-len(margin)))
		}
	}
	return lines
}

// failureText is what failed lately for one reason, and the last item that did.
func (v view) failureText(f harvest.RecentFailure) string {
	text := fmt.Sprintf("%s × %s, %s ago", humanize.Comma(f.Times), f.Reason, duration(max(0, v.Now.Sub(f.At))))
	if f.Item != "" {
		text += ": " + f.Item
	}
	return harvest.Line(text)
}

func (v view) retriesText() string {
	if v.Retries == 0 {
		return ""
	}
	return plural(v.Retries, "retry", "retries")
}

// text returns the text beside the bar: the note comes before everything but the count, because it
// needs a person.
func (v view) text(room int) string {
	if v.Note == "" {
		return fit(v.parts(), room)
	}
	text := cut(v.countText()+gap+harvest.Line(v.Note), room)
	if rest := fit(v.parts()[1:], room-columns(text)-len(gap)); rest != "" {
		text += gap + rest
	}
	return text
}

// fit joins the parts with the lowest ranks that fit into width columns.
func fit(all []part, width int) string {
	for most := 9; most > 0; most-- {
		var kept []string
		for _, p := range all {
			if p.text != "" && p.rank <= most {
				kept = append(kept, p.text)
			}
		}
		if text := strings.Join(kept, gap); columns(text) <= width {
			return text
		}
	}
	return ""
}

// drawBar returns the percentage and a bar of width columns.
func drawBar(done, total int64, width int) string {
	full := int(float64(done) / float64(total) * float64(width))
	return percent(done, total) + " " + strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// percent returns how much is done; 100 only if nothing is left.
func percent(done, total int64) string {
	return fmt.Sprintf("%4d%%", int(float64(done)/float64(total)*100))
}

// plainLine returns the line that a worker writes each minute if its output is not a terminal.
func (v view) plainLine() string {
	var all []string
	if v.Total > 0 {
		all = append(all, fmt.Sprintf("%d %%", v.done*100/v.Total))
	}
	for _, p := range v.parts() {
		if p.text != "" {
			all = append(all, p.text)
		}
	}
	if v.Note != "" {
		all = append(all, harvest.Line(v.Note))
	}
	return strings.Join(all, ", ")
}

// number shows rates: two significant digits.
func number(x float64) string {
	if x >= 99.95 || x == math.Trunc(x) {
		return humanize.Comma(int64(math.Round(x)))
	}
	if x >= 9.995 {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// duration shows two units: 4d3h, 2h05m, 7m30s, 12s.
func duration(d time.Duration) string {
	s := int64(math.Ceil(d.Seconds()))
	switch {
	case s >= 86400:
		return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
	case s >= 3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	case s >= 60:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(n) + " " + many
}
