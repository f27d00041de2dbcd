package chart

import (
	"fmt"
	"html"
	"strings"
)

// Cell is one square of a grid.
type Cell struct {
	Class string // of CSS
	Label string
}

// Grid is a chart of many states, one square each, row by row.
type Grid struct {
	ID          string // unique in the document
	Title, Text string // for those who do not see it
	Cells       []Cell
}

// labelled is the most cells of which each has a label: beyond it, squares of one class in a row
// are drawn as one.
const labelled = 400

// SVG returns the grid.
func (g Grid) SVG() string {
	columns := 32
	for columns < 64 && len(g.Cells) > columns*8 {
		columns += 8
	}
	rows := (len(g.Cells) + columns - 1) / columns
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="grid" viewBox="0 0 %d %d" role="img" aria-labelledby="%[3]s-t %[3]s-d"><title id="%[3]s-t">%[4]s</title><desc id="%[3]s-d">%[5]s</desc>`,
		columns*10, rows*10, html.EscapeString(g.ID), html.EscapeString(g.Title), html.EscapeString(g.Text))
	for from := 0; from < len(g.Cells); {
		until := from + 1
		if len(g.Cells) > labelled {
			for until < len(g.Cells) && until/columns == from/columns && g.Cells[until].Class == g.Cells[from].Class {
				until++
			}
		}
		cell := g.Cells[from]
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%d" height="9"`, html.EscapeString(cell.Class), from%columns*10, from/columns*10, (until-from)*10-1)
		if len(g.Cells) > labelled || cell.Label == "" {
			b.WriteString("/>")
		} else {
			fmt.Fprintf(&b, "><title>%s</title></rect>", html.EscapeString(cell.Label))
		}
		from = until
	}
	b.WriteString("</svg>")
	return b.String()
}

// Part is one part of a whole.
type Part struct {
	Class string // of CSS
	Label string
	N     int64
}

// Bar is one bar that is cut into parts of a whole.
type Bar struct {
	ID          string // unique in the document
	Title, Text string // for those who do not see it
	Whole       int64  // at least the sum of the parts, else that sum
	Parts       []Part
}

// SVG returns the bar.
func (p Bar) SVG() string {
	const wide = 1000.0
	sum := int64(0)
	for _, part := range p.Parts {
		sum += max(0, part.N)
	}
	whole := float64(max(1, sum, p.Whole))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bar" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-labelledby="%[1]s-t %[1]s-d"><title id="%[1]s-t">%[2]s</title><desc id="%[1]s-d">%[3]s</desc><rect class="rest" width="1000" height="24"/>`,
		html.EscapeString(p.ID), html.EscapeString(p.Title), html.EscapeString(p.Text))
	x := 0.0
	for _, part := range p.Parts {
		if part.N <= 0 {
			continue
		}
		w := max(2, wide*float64(part.N)/whole) // the least part is still seen
		fmt.Fprintf(&b, `<rect class="%s" x="%s" width="%s" height="24"><title>%s</title></rect>`, html.EscapeString(part.Class), number(min(x, wide-2)), number(w), html.EscapeString(part.Label))
		x += w
	}
	b.WriteString("</svg>")
	return b.String()
}
