package status

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// Seen is what a run has met, for Advice.
type Seen struct {
	Run     string
	Landed  int64
	Missing int64
	Skipped int64
	Dead    int64
	Pauses  int64   // silences that the upstream asked for
	Budget  float64 // requests/s
	Failing string  // the reason of the last failure; may be empty
}

// oftenRefused is how many silences are more than an accident.
const oftenRefused = 3

// Advice is what to do next, from what was seen: a sentence each, none where all is well.
func Advice(s Seen) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if s.Landed == 0 && s.Missing+s.Skipped+s.Dead > 0 {
		add("nothing has landed: worker --try 3 shows what the upstream answers")
	}
	if s.Pauses >= oftenRefused && s.Budget > 0 {
		add("refused %s times at %s/s: try --headroom 5%%, or --rate %s/s", humanize.Comma(s.Pauses), number(s.Budget), number(0.9*s.Budget))
	}
	why := ""
	if s.Failing != "" {
		why = " (last: " + harvest.Line(s.Failing) + ")"
	}
	if s.Dead > 0 {
		add("%s always failed%s: coordinator list --run %s --outcome dead", plural(s.Dead, "item", "items"), why, s.Run)
	}
	if s.Skipped > 0 {
		add("%s skipped: coordinator list --run %s --outcome skipped", plural(s.Skipped, "item was", "items were"), s.Run)
	}
	return all
}
