package runs

import (
	"regexp"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// ByInputs names the run for a start without a name: the only unfinished run with the same inputs,
// else the run of the current quarter. An empty input fits every run. If several runs fit, the
// error lists them.
func ByInputs(runs []harvest.Run, given harvest.Inputs, now time.Time) (string, error) {
	var fitting []string
	for _, run := range runs {
		if run.FinishedAt.IsZero() && fit(run.Inputs, given) {
			fitting = append(fitting, run.Name)
		}
	}
	switch len(fitting) {
	case 0:
		return harvest.QuarterName(now), nil
	case 1:
		return fitting[0], nil
	}
	return "", harvest.Usagef("several unfinished runs have these inputs: say which with --run: %s", strings.Join(fitting, ", "))
}

// Scheduled picks the run for a start that a scheduler triggered at time at. That is the run
// of at's quarter if it has been opened; else the only unfinished run with the same inputs, unless
// that run belongs to an earlier quarter: an unfinished old run must not delay the new quarter.
func Scheduled(runs []harvest.Run, given harvest.Inputs, at time.Time) (string, error) {
	quarter := harvest.QuarterName(at)
	var left []harvest.Run
	for _, run := range runs {
		if run.Name == quarter {
			return quarter, nil
		}
		if !quarterName.MatchString(run.Name) || run.Name > quarter {
			left = append(left, run)
		}
	}
	return ByInputs(left, given, at)
}

// JustEnded returns the run that a worker is too late for: every run is finished, and the newest
// was opened in the current quarter. A run of an earlier quarter does not count, because the next
// one is still to be opened.
func JustEnded(runs []harvest.Run, now time.Time) (newest harvest.Run, ok bool) {
	for _, run := range runs {
		if run.FinishedAt.IsZero() {
			return harvest.Run{}, false
		}
		if run.OpenedAt.After(newest.OpenedAt) {
			newest = run
		}
	}
	return newest, newest.Name != "" && harvest.QuarterName(newest.OpenedAt) == harvest.QuarterName(now)
}

var quarterName = regexp.MustCompile(`^\d{4}q[1-4]$`)

// fit reports whether a run with the inputs i can be meant by those that are given.
func fit(i, given harvest.Inputs) bool {
	same := func(stored, given string) bool { return given == "" || stored == given }
	return same(i.Upstream, given.Upstream) && same(i.API, given.API) && same(i.Host, given.Host) &&
		same(i.Extract, given.Extract) && same(i.Body, given.Body) && same(i.Next, given.Next) && same(i.Items, given.Items) &&
		same(i.Split, given.Split) && same(i.ID, given.ID) && same(i.Absent, given.Absent) &&
		(given.Corpus == harvest.StoreCorpus || same(i.Corpus, given.Corpus))
}
