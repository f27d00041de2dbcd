package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// Seen is what a run has met, for [Advice].
type Seen struct {
	Run     string
	Landed  int64
	Missing int64
	Skipped int64
	Dead    int64
	Refused int64   // silences that the upstream asked for because we asked too fast
	Budget  float64 // requests/s
	Lowered float64 // requests/s that the fleet keeps below since it was refused again and again at Budget; 0: no such rate
	Failing string  // the reason of the last failure; may be empty

	Nulls []string // members that are null in every record that was looked at

	Failed []Example // some of the dead items
	Passed []Example // some of the skipped ones
}

// Example is an item that did not land.
type Example struct{ Item, Reason string }

// oftenRefused is how many silences are more than an accident.
const oftenRefused = 3

// Advice returns what to do next, given what was seen: a sentence each, none if all is well.
func Advice(s Seen) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Landed == 0 && s.Missing+s.Skipped+s.Dead > 0 {
		add("nothing has landed: worker --try 3 shows what the upstream answers")
	}
	lowered := wasLowered(s.Lowered, s.Budget)
	if s.Budget > 0 && (s.Refused >= oftenRefused || lowered) {
		times, then := "again and again", ""
		if s.Refused >= oftenRefused {
			times = humanize.Comma(s.Refused) + " times"
		}
		if lowered {
			then = fmt.Sprintf(", and lowered to %s/s in this run", number(s.Lowered))
		}
		add("refused %s at %s/s%s: %s", times, number(s.Budget), then, slower(s.Budget))
	}
	if len(s.Nulls) > 0 {
		add("null in every record: %s; is --extract right? worker --try 1 shows an answer, coordinator extract makes the records again", strings.Join(s.Nulls, ", "))
	}
	why := ""
	if s.Failing != "" {
		why = " (last: " + harvest.Line(s.Failing) + ")"
	}
	if s.Dead > 0 {
		add("%s always failed%s: coordinator list --run %s --outcome dead", plural(s.Dead, "item", "items"), cmp.Or(named(s.Failed, s.Dead), why), s.Run)
	}
	if s.Skipped > 0 {
		add("%s skipped%s: coordinator list --run %s --outcome skipped", plural(s.Skipped, "item was", "items were"), named(s.Passed, s.Skipped), s.Run)
	}
	return all
}

// slower is what to try against refusals at a budget.
func slower(budget float64) string {
	return fmt.Sprintf("try --headroom 5%%, or --rate %s/s", number(0.9*budget))
}

// named are the reasons and the names of some of n items.
func named(examples []Example, n int64) string {
	const wide = 60 // columns of a name
	var reasons, items []string
	for _, e := range examples {
		if reason := harvest.Line(e.Reason); reason != "" && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
		items = append(items, cutMiddle(harvest.Line(e.Item), wide))
	}
	if len(items) == 0 {
		return ""
	}
	text := ""
	if len(reasons) > 0 {
		text = " (" + strings.Join(reasons, ", ") + ")"
	}
	word := ", namely "
	if n > int64(len(items)) {
		word = ", such as "
	}
	return text + word + strings.Join(items, ", ")
}
