package harvest

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// StoreCorpus as a corpus means the run's own table. It never contradicts the corpus that a run was
// opened with.
const StoreCorpus = "store:"

// ChooseRun names the run for a start without a name: the only unfinished run with the same inputs,
// else the run of the current quarter. An empty input fits every run. If several runs fit, the
// error lists them.
func ChooseRun(runs []Run, given Inputs, now time.Time) (string, error) {
	var fit []string
	for _, run := range runs {
		if run.FinishedAt.IsZero() && run.Inputs.fit(given) {
			fit = append(fit, run.Name)
		}
	}
	switch len(fit) {
	case 0:
		return QuarterName(now), nil
	case 1:
		return fit[0], nil
	}
	return "", fmt.Errorf("several unfinished runs have these inputs: say which with --run: %s", strings.Join(fit, ", "))
}

// ChooseScheduled picks the run for a start that a scheduler triggered at time at. That is the run
// of at's quarter if it has been opened; else the only unfinished run with the same inputs, unless
// that run belongs to an earlier quarter: an unfinished old run must not delay the new quarter.
func ChooseScheduled(runs []Run, given Inputs, at time.Time) (string, error) {
	quarter := QuarterName(at)
	var left []Run
	for _, run := range runs {
		if run.Name == quarter {
			return quarter, nil
		}
		if !quarterName.MatchString(run.Name) || run.Name > quarter {
			left = append(left, run)
		}
	}
	return ChooseRun(left, given, at)
}

// JustEnded returns the run that a worker is too late for: every run is finished, and the newest
// was opened in the current quarter. A run of an earlier quarter does not count, because the next
// one is still to be opened.
func JustEnded(runs []Run, now time.Time) (newest Run, ok bool) {
	for _, run := range runs {
		if run.FinishedAt.IsZero() {
			return Run{}, false
		}
		if run.OpenedAt.After(newest.OpenedAt) {
			newest = run
		}
	}
	return newest, newest.Name != "" && QuarterName(newest.OpenedAt) == QuarterName(now)
}

var quarterName = regexp.MustCompile(`^\d{4}q[1-4]$`)

func (i Inputs) fit(given Inputs) bool {
	same := func(stored, given string) bool { return given == "" || stored == given }
	return same(i.Upstream, given.Upstream) && same(i.API, given.API) && same(i.Host, given.Host) &&
		same(i.Extract, given.Extract) && same(i.Body, given.Body) && same(i.Next, given.Next) && same(i.Items, given.Items) &&
		same(i.Split, given.Split) && same(i.ID, given.ID) && same(i.Absent, given.Absent) &&
		(given.Corpus == StoreCorpus || same(i.Corpus, given.Corpus))
}
