package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// The size of a chart of rates in its own units, which are pixels on a narrow phone.
const (
	phone, height            = 360.0, 170.0
	left, right, top, bottom = 30.0, 6.0, 14.0, 18.0
)

// Point is one stretch of time of a chart of rates.
type Point struct {
	Mean  float64 // requests/s
	Worst int     // requests of its worst second
}

// Mark is a stretch of time that is marked in a chart.
type Mark struct {
	From, Until time.Time
	Class       string // of CSS
	Number      int    // of its row in a table beside the chart; 0 for none
	Label       string
}

// Rates is a chart of requests/s over time, against a budget.
type Rates struct {
	ID          string // unique in the document
	Title, Text string // for those who do not see it
	From, Until time.Time
	Points      []Point // stretches of equal length, from From to Until
	Budget      float64 // requests/s; 0: unknown
	Marks       []Mark
	Width       float64 // 0: that of a phone
}

func (r Rates) width() float64 { return max(phone, r.Width) }

// SVG returns the chart.
func (r Rates) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %g %g" role="img" aria-labelledby="%[3]s-t %[3]s-d"><title id="%[3]s-t">%[4]s</title><desc id="%[3]s-d">%[5]s</desc>`,
		r.width(), height, html.EscapeString(r.ID), html.EscapeString(r.Title), html.EscapeString(r.Text))
	most := r.most()
	r.axes(&b, most)
	for _, m := range r.Marks {
		r.mark(&b, m)
	}
	r.bars(&b, most)
	if r.Budget > 0 {
		y := number(r.y(r.Budget, most))
		fmt.Fprintf(&b, `<path class="budget" d="M%g %sH%g"/><text class="budget-label" x="%g" y="%s" text-anchor="end">budget %s/s</text>`,
			left, y, r.width()-right, r.width()-right-2, number(r.y(r.Budget, most)-3), number(r.Budget))
	}
	b.WriteString("</svg>")
	return b.String()
}

// most returns the upper end of the scale.
func (r Rates) most() float64 {
	most := r.Budget
	for _, p := range r.Points {
		most = max(most, p.Mean, float64(p.Worst))
	}
	return nice(most * 1.12)
}

// nice returns the next of 1, 2, 3, 4, 5, 6, 8, 10 times a power of ten.
func nice(n float64) float64 {
	if n <= 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(n)))
	for _, step := range []float64{1, 2, 3, 4, 5, 6, 8, 10} {
		if n <= step*unit {
			return step * unit
		}
	}
	return 10 * unit
}

func (r Rates) x(at time.Time) float64 {
	span := r.Until.Sub(r.From).Seconds()
	if span <= 0 {
		return left
	}
	part := at.Sub(r.From).Seconds() / span
	return left + min(1, max(0, part))*(r.width()-left-right)
}

func (r Rates) y(value, most float64) float64 {
	return height - bottom - value/most*(height-top-bottom)
}

// axes draws the scale of rates and that of time.
func (r Rates) axes(b *strings.Builder, most float64) {
	for _, part := range []float64{0, 0.5, 1} {
		y := r.y(part*most, most)
		fmt.Fprintf(b, `<path class="line" d="M%g %sH%g"/><text x="%g" y="%s" text-anchor="end">%s</text>`,
			left, number(y), r.width()-right, left-4, number(y+3), number(part*most))
	}
	const ticks = 4
	for i := range ticks + 1 {
		at := r.From.Add(r.Until.Sub(r.From) * time.Duration(i) / ticks)
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case ticks:
			anchor = "end"
		}
		fmt.Fprintf(b, `<text x="%s" y="%g" text-anchor="%s">%s</text>`, number(r.x(at)), height-5, anchor, at.UTC().Format(r.layout()))
	}
}

// layout is how instants are written below the chart: as exactly as its length needs.
func (r Rates) layout() string {
	switch span := r.Until.Sub(r.From); {
	case span < 10*time.Minute:
		return "15:04:05"
	case span <= 24*time.Hour:
		return "15:04"
	case span <= 4*24*time.Hour:
		return "2 Jan 15:04"
	}
	return "2 Jan 2006"
}

func (r Rates) mark(b *strings.Builder, m Mark) {
	if m.Until.Before(r.From) || m.From.After(r.Until) {
		return
	}
	x, end := r.x(m.From), r.x(m.Until)
	wide := max(1.5, end-x)
	fmt.Fprintf(b, `<g class="mark %s"><title>%s</title><rect x="%s" y="%g" width="%s" height="%g"/>`,
		html.EscapeString(m.Class), html.EscapeString(m.Label), number(x), top, number(wide), height-top-bottom)
	if m.Number > 0 {
		fmt.Fprintf(b, `<text x="%s" y="%g" text-anchor="middle">%d</text>`, number(min(r.width()-right-4, max(left+4, x+wide/2))), top-3, m.Number)
	}
	b.WriteString("</g>")
}

// bars draws the means as one path and the worst seconds as another: a day has many stretches.
func (r Rates) bars(b *strings.Builder, most float64) {
	if len(r.Points) == 0 {
		return
	}
	wide := (r.width() - left - right) / float64(len(r.Points))
	gap := min(1, wide/4)
	var means, worst strings.Builder
	for i, p := range r.Points {
		x := left + float64(i)*wide
		if p.Mean > 0 {
			fmt.Fprintf(&means, "M%s %sV%sH%sV%s", number(x+gap/2), number(height-bottom), number(r.y(p.Mean, most)), number(x+wide-gap/2), number(height-bottom))
		}
		if p.Worst > 0 {
			fmt.Fprintf(&worst, "M%s %sH%s", number(x), number(r.y(float64(p.Worst), most)), number(x+wide))
		}
	}
	fmt.Fprintf(b, `<path class="mean" d="%s"/><path class="worst" d="%s"/>`, means.String(), worst.String())
}

// number writes a number with at most two digits after the point.
func number(n float64) string {
	text := fmt.Sprintf("%.2f", n)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
