package status

import (
	"strings"

	"github.com/rivo/uniseg"
)

// columns returns how many columns of a terminal a text takes: wide characters take two, combining
// ones none.
func columns(s string) int { return uniseg.StringWidth(s) }

// cut shortens a text to that many columns.
func cut(s string, most int) string {
	if columns(s) <= most {
		return s
	}
	if most < 1 {
		return ""
	}
	head, _ := splitAt(s, most-1)
	return head + "…"
}

// Cut shortens a text to that many columns of a terminal.
func Cut(s string, most int) string { return cut(s, most) }

// cutMiddle shortens a text to that many columns if both of its ends matter, as those of a URL do.
func cutMiddle(s string, most int) string {
	const least = 5 // from there on two ends can be seen
	if columns(s) <= most || most < least {
		return cut(s, most)
	}
	head, tail := splitAt(s, (most-1)/2)
	for columns(tail) > most-1-columns(head) {
		_, tail = cutFirst(tail)
	}
	return head + "…" + tail
}

// splitAt returns what fits into that many columns, and the rest.
func splitAt(s string, most int) (head, rest string) {
	for width, rest := 0, s; rest != ""; {
		first, after := cutFirst(rest)
		if width += columns(first); width > most {
			return s[:len(s)-len(rest)], rest
		}
		rest = after
	}
	return s, ""
}

// cutFirst returns the first character, with what combines with it, and the rest.
func cutFirst(s string) (first, rest string) {
	first, rest, _, _ = uniseg.FirstGraphemeClusterInString(s, -1)
	return first, rest
}

// pad fills a text up to so many columns.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-columns(s))) }

// Wrap breaks lines that are wider than width at blanks. The rest of a line goes below its value:
// after the first gap of two or more blanks. A width of 0 breaks none.
func Wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if columns(line) > width {
			lines[i] = wrapLine(line, width)
		}
	}
	return strings.Join(lines, "\n")
}

func wrapLine(line string, width int) string {
	margin := marginOf(line)
	if margin > width/2 {
		margin = min(4, width/4)
	}
	var out strings.Builder
	at := len(line) - len(strings.TrimLeft(line, " "))
	out.WriteString(line[:at])
	used, begun := at, false
	for word := range strings.SplitSeq(line[at:], " ") {
		wide := columns(word)
		switch {
		case begun && used+1+wide > width && used > margin:
			out.WriteString("\n" + strings.Repeat(" ", margin))
			used = margin
		case begun:
			out.WriteByte(' ')
			used++
		}
		out.WriteString(word)
		used, begun = used+wide, true
	}
	return out.String()
}

// marginOf returns the column at which the value of a line begins.
func marginOf(line string) int {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	gap := strings.Index(text, "  ")
	if gap < 0 {
		return indent + 2
	}
	value := strings.TrimLeft(text[gap:], " ")
	return indent + columns(text[:len(text)-len(value)])
}
