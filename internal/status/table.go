package status

import (
	"fmt"
	"io"
	"strings"

	"shoal/internal/harvest"
)

// Column is one column of a [Table].
type Column struct {
	Name     string
	Rank     int  // columns of the highest rank are left out first if the terminal is narrow; one of rank 0 never is
	MinWidth int  // to how many columns of the terminal its cells may be cut; 0: they are whole or left out
	Middle   bool // they are cut in the middle, because their ends matter
}

// gapOf is the width between two columns.
const gapOf = 2

// Table writes aligned columns that fit into width columns of a terminal: it cuts cells, and then
// leaves out whole columns and lists them in the last line. A width of 0 cuts nothing, for a
// program that reads it.
func Table(w io.Writer, width int, heads []Column, fill func(row func(cells ...any))) error {
	var rows [][]string
	fill(func(cells ...any) {
		row := make([]string, len(heads))
		for i, cell := range cells {
			row[i] = harvest.Line(fmt.Sprint(cell))
		}
		rows = append(rows, row)
	})
	natural := make([]int, len(heads))
	for i, head := range heads {
		natural[i] = columns(head.Name)
		for _, row := range rows {
			natural[i] = max(natural[i], columns(row[i]))
		}
	}
	widths := fitColumns(heads, natural, width)
	var b strings.Builder
	var out []string
	names := make([]string, len(heads))
	for i, head := range heads {
		if names[i] = head.Name; widths[i] == 0 {
			out = append(out, head.Name)
		}
	}
	for _, row := range append([][]string{names}, rows...) {
		b.WriteString(tableLine(heads, widths, row) + "\n")
	}
	if len(out) > 0 {
		b.WriteString(Wrap(fmt.Sprintf("left out to fit the width: %s (--json has them)", strings.Join(out, ", ")), width) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fitColumns returns the widths of the columns; 0 leaves one out.
func fitColumns(heads []Column, natural []int, room int) []int {
	widths := append([]int(nil), natural...)
	for {
		if room <= 0 || shrink(heads, widths, room) {
			return widths
		}
		last := -1
		for i, head := range heads {
			if widths[i] > 0 && head.Rank > 0 && (last < 0 || head.Rank > heads[last].Rank) {
				last = i
			}
		}
		if last < 0 { // narrower than what is never left out
			return widths
		}
		for i := range widths { // with more room the others need not be cut as much
			if widths[i] > 0 && i != last {
				widths[i] = natural[i]
			}
		}
		widths[last] = 0
	}
}

// shrink cuts the widest columns until all fit, and reports whether they do.
func shrink(heads []Column, widths []int, room int) bool {
	total, shown := 0, 0
	for _, w := range widths {
		if w > 0 {
			total, shown = total+w, shown+1
		}
	}
	for total += gapOf * (shown - 1); total > room; total-- {
		widest := -1
		for i, head := range heads {
			if head.MinWidth > 0 && widths[i] > max(head.MinWidth, columns(head.Name)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// tableLine returns one row, with no blanks at its end.
func tableLine(heads []Column, widths []int, row []string) string {
	var b strings.Builder
	for i, cell := range row {
		if widths[i] == 0 {
			continue
		}
		if heads[i].Middle {
			cell = cutMiddle(cell, widths[i])
		} else {
			cell = cut(cell, widths[i])
		}
		b.WriteString(pad(cell, widths[i]+gapOf))
	}
	return strings.TrimRight(b.String(), " ")
}
