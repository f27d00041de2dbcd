package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
)

const (
	// maxQuiets is how many silences are listed, and maxNumbers how many have a number in a chart.
	maxQuiets  = 50
	maxNumbers = 12
	// between is how far apart what two processes noticed may be and still be the same.
	between = 5 * time.Second
)

// quietRow is one silence in the table beside the charts.
type quietRow struct {
	Number, Class, From, Length, Why, Kept string
}

// merge makes one silence of those that several processes met at the same time for the same reason,
// and returns them newest first.
func merge(all []harvest.Quiet) (merged []harvest.Quiet) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b harvest.Quiet) int { return a.From.Compare(b.From) })
	for _, q := range all {
		same := slices.IndexFunc(merged, func(m harvest.Quiet) bool {
			if q.Kind == harvest.LimitBackoff { // when it begins and ends is known: after one, the next is another
				return m.Kind == q.Kind && m.Cause == q.Cause && !q.From.After(m.Until)
			}
			return m.Kind == q.Kind && !q.From.After(m.Until.Add(between))
		})
		if same < 0 {
			merged = append(merged, q)
			continue
		}
		if q.Until.After(merged[same].Until) {
			merged[same].Until = q.Until
		}
	}
	slices.Reverse(merged)
	return merged
}

// class is the class of CSS of a kind of silence.
func class(kind harvest.Limit) string { return "quiet-" + strings.ReplaceAll(string(kind), " ", "-") }

// quietText describes why the fleet was silent.
func quietText(q harvest.Quiet) string {
	if q.Kind == harvest.LimitBackoff {
		return "the upstream asked for it: " + foreign(q.Cause)
	}
	if q.Kind == harvest.LimitHold {
		return strings.TrimSpace("an operator paused the host " + foreign(q.Cause))
	}
	what, _ := q.Kind.Meaning()
	if q.Cause != "" {
		what += ": " + foreign(q.Cause)
	}
	return what
}

func quietRows(quiets []harvest.Quiet, sent []harvest.Minute, s Status) (rows []quietRow) {
	for i, q := range quiets[:min(len(quiets), maxQuiets)] {
		row := quietRow{
			Number: fmt.Sprint(i + 1), Class: class(q.Kind), From: stamp(q.From), Length: span(q.Until.Sub(q.From)), Why: quietText(q), Kept: "–",
		}
		if q.Kind == harvest.LimitBackoff {
			row.Kept = keptText(q, sent, s)
		}
		rows = append(rows, row)
	}
	return rows
}

// keptText describes whether a silence that the upstream asked for was kept: by the seconds of the
// clock that are wholly within it.
func keptText(q harvest.Quiet, sent []harvest.Minute, s Status) string {
	until := q.Until
	if s.At.Before(until) {
		until = s.At
	}
	lifted := s.Control.Lifted
	if lifted.After(q.From) && lifted.Before(until) {
		return "an operator ended it after " + span(lifted.Sub(q.From))
	}
	if len(sent) == 0 || q.From.Unix()/60 < sent[0].Unix {
		return "–"
	}
	first, last, n := q.From.Unix()+1, until.Unix(), 0
	from, _ := slices.BinarySearchFunc(sent, first/60, func(m harvest.Minute, at int64) int { return cmp.Compare(m.Unix, at) })
	for _, m := range sent[from:] {
		if m.Unix*60 >= last {
			break
		}
		for i, count := range m.Seconds {
			if at := m.Unix*60 + int64(i); at >= first && at < last {
				n += count
			}
		}
	}
	switch {
	case n > 0:
		return fmt.Sprintf("%d", n)
	case s.At.Before(q.Until):
		return "none so far"
	case last <= first:
		return "none (shorter than a second)"
	}
	return "none: kept"
}
