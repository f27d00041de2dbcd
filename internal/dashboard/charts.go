package dashboard

import (
	"fmt"
	"html/template"
	"time"

	"shoal/internal/dashboard/chart"
	"shoal/internal/harvest"
)

// window is how far a chart of rates looks back, in stretches of so many seconds.
type window struct {
	id, name string
	stretch  int64 // seconds
	count    int
	width    float64 // of the chart; 0: that of a phone
}

// windows are the charts of a run that has lasted so long: a short one has a chart that it fills.
func windows(age time.Duration) []window {
	hour, day := window{id: "hour", name: "last hour", stretch: 60, count: 60}, window{id: "day", name: "last day", stretch: 900, count: 96}
	if age < 10*time.Minute {
		return []window{{id: "minutes", name: "last ten minutes", stretch: 10, count: 60}, hour}
	}
	return []window{hour, day}
}

// chartsOf draws what was sent lately. A finished run is shown to its end.
func chartsOf(s Status, sent Sent) (all []chartView, rows []quietRow) {
	end := s.At
	if !s.Run.FinishedAt.IsZero() {
		end = s.Run.FinishedAt
	}
	quiets := merge(sent.Quiets)
	for _, w := range windows(end.Sub(s.Run.OpenedAt)) {
		all = append(all, w.draw(s, sent.Minutes, quiets, end))
	}
	return all, quietRows(quiets, sent.Minutes, s)
}

// draw makes one chart. The stretch that is not over counts only the seconds that have passed.
func (w window) draw(s Status, sent []harvest.Minute, quiets []harvest.Quiet, end time.Time) chartView {
	last := end.Unix() / w.stretch
	first := last - int64(w.count) + 1
	sums, worst := make([]int, w.count), make([]int, w.count)
	for _, m := range sent {
		for second, n := range m.Seconds {
			if i := (m.Unix*60+int64(second))/w.stretch - first; i >= 0 && i < int64(w.count) {
				sums[i] += n
				worst[i] = max(worst[i], n)
			}
		}
	}
	long := time.Duration(w.stretch) * time.Second
	from := time.Unix(first*w.stretch, 0).UTC()
	rates := chart.Rates{
		ID: "chart-" + w.id, Title: "requests per second, " + w.name, From: from, Until: from.Add(long * time.Duration(w.count)), Budget: s.Progress.Budget, Width: w.width,
	}
	rates.Marks = marksOf(quiets, long)
	v := chartView{ID: w.id, Title: w.name}
	most, total := 0, 0
	for i, sum := range sums {
		began := from.Add(long * time.Duration(i))
		seconds := min(long, max(time.Second, end.Sub(began))).Seconds()
		mean := float64(sum) / seconds
		rates.Points = append(rates.Points, chart.Point{Mean: mean, Worst: worst[i]})
		most, total = max(most, worst[i]), total+sum
		if sum > 0 {
			v.Rows = append(v.Rows, chartRow{began.Format("2006-01-02 15:04:05"), rate(mean), worst[i]})
		}
	}
	rates.Text = fmt.Sprintf("%d requests from %s to %s UTC; the worst second had %d, and the budget is %s per second",
		total, from.Format("15:04"), end.UTC().Format("15:04"), most, rate(s.Progress.Budget))
	v.SVG = template.HTML(rates.SVG()) // the chart escapes its texts
	return v
}

// marksOf marks silences, newest first. Those without a number are one mark where the gap between
// them is shorter than a stretch of the chart: a chart of weeks has no room for thousands.
func marksOf(quiets []harvest.Quiet, stretch time.Duration) (marks []chart.Mark) {
	last := map[string]int{} // by class: the mark before, and how many silences it is
	times := map[int]int{}
	for i, q := range quiets {
		mark := chart.Mark{From: q.From, Until: q.Until, Class: class(q.Kind), Label: quietText(q)}
		if i < maxNumbers {
			mark.Number = i + 1
			marks = append(marks, mark)
			continue
		}
		if at, ok := last[mark.Class]; ok && marks[at].From.Sub(q.Until) < stretch {
			times[at]++
			marks[at].From = q.From
			if q.Until.After(marks[at].Until) {
				marks[at].Until = q.Until
			}
			marks[at].Label = fmt.Sprintf("%d silences, the earliest: %s", times[at], quietText(q))
			continue
		}
		last[mark.Class], times[len(marks)] = len(marks), 1
		marks = append(marks, mark)
	}
	return marks
}
