package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// The roles of a process.
const (
	RoleWorker      = "worker"
	RoleCoordinator = "coordinator"
)

func roleOf(p harvest.Progress) (role, shard string) {
	switch {
	case p.Fleet:
		return RoleCoordinator, "all"
	case p.Part == "" && p.Shard.Of == 0:
		return RoleWorker, ""
	}
	return RoleWorker, cmp.Or(p.Part, p.Shard.String())
}

// Watch finds events in the snapshots of one process. It decides and does nothing.
type Watch struct {
	After time.Duration // what a stall, a silence or a pause may last before it is an event

	ended int64     // items that had ended at the last snapshot
	class Event     // of the trouble; empty for none
	since time.Time // when it began
	open  Event     // what was reported and is not over
}

// See returns the event that a snapshot completes, if it does. A leader reports what concerns its
// run, so a worker that is led reports none of this.
func (w *Watch) See(p harvest.Progress) (n Notice, ok bool) {
	class, cause := trouble(p)
	moved := p.Counts.Items() != w.ended
	w.ended = p.Counts.Items()
	switch {
	case p.Led && !p.Fleet:
		return Notice{}, false
	case class == "" && moved && w.open != "":
		n = notice(Resumed, p, "", fmt.Sprintf("works again after %s.", span(p.Now.Sub(w.since))))
		n.Since = &w.since
		w.class, w.open = "", ""
		return n, true
	case moved && w.open == "": // what had time to end an item is not a stall
		w.class, w.since = class, p.Now
	case class != "" && class != w.class:
		w.class, w.since = class, p.Now
	}
	if class == "" || class == w.open || !w.long(p) {
		return Notice{}, false
	}
	w.open = class
	n = notice(class, p, cause, w.sentence(p, cause))
	since := w.since
	n.Since = &since
	if !p.SilentUntil.IsZero() && class != Stalled {
		until := p.SilentUntil
		n.Until = &until
	}
	return n, true
}

// long reports whether the trouble has lasted long enough, or will have when it ends.
func (w *Watch) long(p harvest.Progress) bool {
	end := p.Now
	if w.class != Stalled && p.SilentUntil.After(end) {
		end = p.SilentUntil
	}
	return end.Sub(w.since) >= w.After
}

func (w *Watch) sentence(p harvest.Progress, cause string) string {
	lasts := "since " + w.since.UTC().Format("15:04 UTC")
	if w.class != Stalled && p.SilentUntil.After(p.Now) {
		lasts += ", until " + p.SilentUntil.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	what := map[Event]string{
		Stalled: "has stalled", Silenced: "is silent because the upstream asked for it", Paused: "is paused by an operator",
	}[w.class]
	if cause != "" {
		cause = ": " + cause
	}
	return fmt.Sprintf("%s %s%s. %s.", what, lasts, cause, counted(p))
}

// trouble classifies what keeps a process from its work; empty for nothing.
func trouble(p harvest.Progress) (class Event, cause string) {
	switch {
	case p.Stuck != "":
		return Stalled, p.Stuck
	case p.Idle != "":
		return Stalled, p.Idle
	}
	what, _ := p.Limit.Meaning()
	if slices.Contains(away(), p.Limit) {
		return Stalled, cmp.Or(p.Note, what)
	}
	return map[harvest.Limit]Event{harvest.LimitBackoff: Silenced, harvest.LimitHold: Paused}[p.Limit], p.Note
}

// away are the limits of a process that waits for a service.
func away() []harvest.Limit {
	return []harvest.Limit{harvest.LimitStore, harvest.LimitPace, harvest.LimitOutage}
}

// WhyStalled returns why a process makes no progress and a dead-man switch is to notice it; empty
// if all is well. A silence that was asked for is not one.
func WhyStalled(p harvest.Progress) string {
	if class, cause := trouble(p); class == Stalled {
		return cause
	}
	return ""
}

// Ending is how a process ended.
type Ending struct {
	Last     harvest.Progress // with the counts of the run where the role is coordinator
	Code     int              // exit code
	Err      string           // empty for none
	Finished bool             // every item of the run has ended
}

// The exit codes whose meaning decides which event an end is.
const (
	exitOverLimit = 3
	exitRefused   = 4
	exitPatience  = 5
	exitFenced    = 13
	exitSignal    = 128 // and what is above
)

// Notice returns the event that the end of a process is, if it is one. A worker of a led run
// reports only what its leader cannot see: that it was refused or failed. Another process continues
// after a signal, a takeover or a limit.
func (e Ending) Notice() (n Notice, ok bool) {
	p := e.Last
	led := p.Led && !p.Fleet
	var event Event
	var sentence string
	switch {
	case e.Code == 0 && e.Finished && !led:
		event, sentence = Finished, "is finished."
	case e.Code == exitOverLimit && e.Finished && !led:
		event, sentence = Finished, "is finished and lost more than allowed."
	case e.Code == exitRefused:
		event, sentence = Refused, "is refused by the upstream; a person is needed."
	case e.Code == exitPatience && !led:
		event, sentence = Stalled, "has stalled and ended; the same command continues it."
	case e.Code == 0, e.Code == exitOverLimit && e.Finished, e.Code == exitPatience, e.Code == exitFenced, e.Code > exitSignal:
		return Notice{}, false
	default:
		event, sentence = Failed, fmt.Sprintf("has failed with exit code %d.", e.Code)
	}
	if e.Err != "" {
		sentence += " " + clip(e.Err, maxCause)
		sentence += map[bool]string{false: ".", true: ""}[sentence[len(sentence)-1] == '.']
	}
	if p.Run != "" {
		sentence += " " + counted(p) + "."
	}
	n = notice(event, p, e.Err, sentence)
	n.Exit = &e.Code
	return n, true
}

// counted are the items that have ended, in words.
func counted(p harvest.Progress) string {
	c := p.Counts
	text := fmt.Sprintf("%s landed, %s missing, %s skipped, %s dead", humanize.Comma(c.Landed), humanize.Comma(c.Missing), humanize.Comma(c.Skipped), humanize.Comma(c.Dead))
	if p.Already > 0 {
		text += ", " + humanize.Comma(p.Already) + " before this start"
	}
	if p.Total > 0 {
		text += " of " + humanize.Comma(p.Total)
	}
	return text
}

// span is a length of time in words.
func span(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
