package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

const hostile = `</title></svg><script>alert(1)</script>"'&`

// shape is one element of a chart.
type shape struct {
	name string
	of   map[string]string
	text string
}

// number is an attribute that is a number.
func (s shape) number(t *testing.T, name string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(s.of[name], 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		t.Errorf("<%s> has %s=%q, want a number", s.name, name, s.of[name])
	}
	return n
}

// shapes reads a chart as XML, which refuses what is not closed or escaped.
func shapes(t *testing.T, svg string) (all []shape) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			s := shape{name: token.Name.Local, of: map[string]string{}}
			for _, a := range token.Attr {
				s.of[a.Name.Local] = a.Value
				if strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("a foreign text became the attribute %s of <%s>", a.Name.Local, s.name)
				}
			}
			if s.name == "script" {
				t.Error("a foreign text became a script")
			}
			all = append(all, s)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += string(token)
			}
		}
	}
}

func of(all []shape, class string) (found []shape) {
	for _, s := range all {
		if s.of["class"] == class {
			found = append(found, s)
		}
	}
	return found
}

// TestGrid: each cell of a small grid is a square with a label; of a large one, squares of one
// class in a row are one.
func TestGrid(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 31, 33, labelled, labelled + 1, 10_000} {
		g := Grid{ID: "g", Title: hostile, Text: hostile}
		for i := range n {
			g.Cells = append(g.Cells, Cell{Class: []string{"drained", "waiting"}[i*3/max(1, n)%2], Label: fmt.Sprint("shard ", i, hostile)})
		}
		all := shapes(t, g.SVG())
		area, labels := 0.0, 0
		for _, s := range append(of(all, "drained"), of(all, "waiting")...) {
			area += s.number(t, "width") + 1
		}
		for _, s := range all {
			if s.name == "title" && strings.HasPrefix(s.text, "shard ") {
				labels++
			}
		}
		want := n
		if n > labelled {
			want = 0
		}
		if area != float64(10*n) || labels != want {
			t.Errorf("a grid of %d cells is %g wide with %d labels, want %d and %d", n, area, labels, 10*n, want)
		}
		if n == 10_000 && len(all) > 600 {
			t.Errorf("a grid of %d cells has %d shapes, want one for each run of cells", n, len(all))
		}
	}
}

// TestBar: parts are as wide as their share, none leaves the bar, and the least is seen.
func TestBar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		whole int64
		parts []int64
		want  []float64
	}{
		{"half", 100, []int64{50}, []float64{500}},
		{"an unknown whole", 0, []int64{30, 10}, []float64{750, 250}},
		{"more than the whole", 10, []int64{30, 10}, []float64{750, 250}},
		{"one of a million", 1_000_000, []int64{1}, []float64{2}},
		{"none and less than none", 10, []int64{0, -5}, nil},
		{"nothing at all", 0, nil, nil},
	} {
		p := Bar{ID: "b", Title: hostile, Whole: test.whole}
		for _, n := range test.parts {
			p.Parts = append(p.Parts, Part{Class: "part", Label: hostile, N: n})
		}
		var got []float64
		for _, s := range of(shapes(t, p.SVG()), "part") {
			got = append(got, s.number(t, "width"))
			if end := s.number(t, "x") + s.number(t, "width"); end > 1000 {
				t.Errorf("%s: a part ends at %g, want at most 1000", test.name, end)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: widths = %v, want %v", test.name, got, test.want)
		}
	}
}

// TestRates: every point of the chart is within it, whatever the numbers are.
func TestRates(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		r      Rates
		most   float64
		layout string
	}{
		{"an hour", Rates{Until: from.Add(time.Hour), Points: []Point{{Mean: 48, Worst: 50}, {Mean: 0.2, Worst: 1}}, Budget: 50}, 60, "15:04"},
		{"a worst second above the budget", Rates{Until: from.Add(time.Minute), Points: []Point{{48, 75}}, Budget: 50}, 100, "15:04:05"},
		{"three days, no budget", Rates{Until: from.Add(72 * time.Hour), Points: []Point{{2, 3}}}, 4, "2 Jan 15:04"},
		{"weeks", Rates{Until: from.Add(700 * time.Hour), Budget: 0.01}, 0.02, "2 Jan 2006"},
		{"nothing", Rates{Until: from}, 1, "15:04:05"},
		{"no number", Rates{Until: from.Add(time.Hour), Budget: math.Inf(1)}, 1, "15:04"},
	} {
		r := test.r
		r.ID, r.Title, r.Text, r.From = "r", hostile, hostile, from
		r.Marks = []Mark{
			{From: from.Add(time.Second), Until: from.Add(20 * time.Second), Class: "quiet", Number: 1, Label: hostile},
			{From: from.Add(-time.Hour), Until: from.Add(-time.Minute), Class: "quiet", Label: "before"},
			{From: r.Until.Add(-time.Second), Until: r.Until.Add(time.Hour), Class: "quiet", Label: "to the end and after"},
		}
		if got := r.most(); got != test.most {
			t.Errorf("%s: the scale ends at %g, want %g", test.name, got, test.most)
		}
		if got := r.layout(); got != test.layout {
			t.Errorf("%s: instants are written as %q, want %q", test.name, got, test.layout)
		}
		if math.IsInf(r.Budget, 0) {
			continue
		}
		all := shapes(t, r.SVG())
		for _, s := range all {
			for _, name := range []string{"x", "y"} {
				if s.of[name] != "" {
					if n := s.number(t, name); n < 0 || n > r.width()+1 {
						t.Errorf("%s: <%s %s=%g> is outside of the chart", test.name, s.name, name, n)
					}
				}
			}
		}
		for _, s := range of(all, "mean") {
			if strings.Contains(s.of["d"], "NaN") || strings.Contains(s.of["d"], "Inf") || strings.Contains(s.of["d"], "-") {
				t.Errorf("%s: the bars are drawn outside: %s", test.name, s.of["d"])
			}
		}
		for _, s := range all {
			if s.text == "before" {
				t.Errorf("%s: a silence that was over before is marked", test.name)
			}
		}
	}
}
