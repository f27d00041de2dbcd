package worker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// examples is how many failing items a refusal shows.
const examples = 3

// probation keeps pages that did not land away from the store for as long as
// they may be a mistake of ours: a wrong path, a dead token, a ban.
type probation struct {
	canary   int  // items that may end without one landed before the run is stopped; 0 if that never stops it
	fresh    bool // nothing of the run had landed before
	mu       sync.Mutex
	streak   *retry.Streak
	held     []harvest.Page
	weight   int      // of the bodies of those
	failed   []string // the first failing items, for a person
	accepted bool
	foreign  bool // some answer was nothing that an API gives
	stopped  bool // refused: from now on nothing that was held may land

	incidents int       // silences in a row without an accepted answer between
	quiet     time.Time // refusals that come before are of the same incident
	silent    time.Time // when the first of them began
}

// newProbation watches a run. The canary is for one of which nothing has landed
// yet; without canary the operator wants no stop at all for what items are answered.
func newProbation(canary, fresh bool) *probation {
	limits := retry.DefaultStreakLimits()
	if !canary {
		limits.Refused = 0
	}
	if !canary || !fresh {
		limits.Canary = 0
	}
	if !fresh {
		limits.Foreign = 0
	}
	return &probation{canary: limits.Canary, fresh: fresh, streak: retry.NewStreak(limits)}
}

// first is how many items are asked for before one has landed; 0 for any number. When they have all ended otherwise, the
// canary stops the run; more would be asked for in vain, since packs that are all refused are all halved.
func (p *probation) first() int { return p.canary }

// proven tells whether our settings are right: something of the run has landed, or nobody is to doubt them.
func (p *probation) proven() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.canary == 0 || p.accepted
}

// expected reports whether answers are known to have the form that our settings expect: something of the run has landed. An
// operator who wants no canary says that items may be missing, and not that anything is an answer.
func (p *probation) expected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.fresh || p.accepted
}

// observe tells the streak about one attempt: of an accepted answer, page by
// page, since a page that was skipped is no success; of any other, once, by the
// first of its items. The pages that it returns are to be committed now.
func (p *probation) observe(items []harvest.Item, d retry.Decision, reading harvest.Reading) (verdict retry.Verdict, released []harvest.Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.Verb == retry.Accept {
		for i := range reading.Pages {
			p.accept(&reading.Pages[i], &verdict)
		}
	} else {
		p.foreign = p.foreign || d.Class == retry.ClassForeign
		p.see(items[0].Key, d.Class, &verdict)
		if d.Class != retry.ClassNone {
			p.example(items[0].URL, because(d.Source, reading.Cause))
		}
	}
	if verdict.Stop != "" || d.Verb == retry.Abort {
		p.stopped = true
	}
	if verdict.Release && !p.stopped {
		p.accepted, p.incidents, p.silent = true, 0, time.Time{}
		p.failed = p.failed[:0]
		released, p.held, p.weight = p.held, nil, 0
	}
	verdict.Hold = verdict.Hold || p.stopped
	return verdict, released
}

func (p *probation) accept(page *harvest.Page, verdict *retry.Verdict) {
	if page.Outcome == harvest.Landed {
		p.see(page.Key, retry.ClassAccepted, verdict)
		return
	}
	p.see(page.Key, retry.ClassEnded, verdict)
	p.example(page.URL, page.Reason+": "+page.Detail)
}

func (p *probation) see(key harvest.Key, class retry.Class, verdict *retry.Verdict) {
	v := p.streak.Observe(key, class)
	verdict.Hold = verdict.Hold || v.Hold
	verdict.Release = verdict.Release || v.Release
	if v.Stop != "" {
		verdict.Stop = v.Stop
	}
}

func (p *probation) example(url, why string) {
	if len(p.failed) < examples {
		p.failed = append(p.failed, url+": "+why)
	}
}

// because is a short word for why an attempt failed, with what is known besides.
func because(word string, cause error) string {
	if cause == nil {
		return word
	}
	return word + ": " + head(strings.TrimPrefix(cause.Error(), word+": "))
}

// mostHeld is how many bytes the bodies of pages that are held may take together. A page that would be beyond that is held
// without its body: it may be held for long, and answers that could land need the memory.
const mostHeld = 4 << 20

func (p *probation) hold(pages ...harvest.Page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range pages {
		p.weight = Lighten(&pages[i], p.weight, mostHeld)
	}
	p.held = append(p.held, pages...)
}

// Lighten readies a page for being held: its body gets memory of its own, within a bound for all that are held, and its answer
// is released. It returns what all of them weigh then.
func Lighten(page *harvest.Page, weight, most int) int {
	size := len(page.Body) + len(page.Raw)
	switch {
	case size == 0:
	case weight+size > most:
		page.Body, page.Raw, page.MediaType = nil, nil, ""
		page.Detail = exchange.Text(page.Detail + " (its body is not kept: too many wait for the first item to land)")
	default:
		page.Body, page.Raw = bytes.Clone(page.Body), bytes.Clone(page.Raw)
		weight += size
	}
	page.Answer.Release()
	page.Answer = nil
	return weight
}

// unproven is why nothing that is still held may land when the corpus has ended; empty where it may. Items that all ended
// without landing are no outcomes of the items, however few they are: until something of the run has landed, what refuses
// them may be a mistake of ours.
func (p *probation) unproven() retry.Stop {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused := slices.ContainsFunc(p.held, func(page harvest.Page) bool { return page.Status == 401 || page.Status == 403 })
	switch {
	case p.accepted || len(p.held) == 0:
		return ""
	case refused:
		return retry.StopRefused
	case p.foreign && p.fresh:
		return retry.StopForeign
	case p.canary == 0:
		return ""
	}
	return retry.StopCanary
}

// rest is what is still held, to be committed.
func (p *probation) rest() []harvest.Page {
	p.mu.Lock()
	defer p.mu.Unlock()
	released := p.held
	p.held = nil
	return released
}

// vouch takes note that the upstream serves the run although the items seen so far say otherwise. The pages that it
// returns are to be committed now.
func (p *probation) vouch() []harvest.Page {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.streak.Observe(harvest.Key{}, retry.ClassAccepted)
	p.stopped, p.accepted, p.failed = false, true, p.failed[:0]
	released := p.held
	p.held = nil
	return released
}

// incident is how many refusals without hint there were in a row, this one
// included; those that were in flight together are one.
func (p *probation) incident(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.After(p.quiet) {
		return p.incidents + 1
	}
	return max(1, p.incidents)
}

// silenced notes the silence that an answer at now led to; it tells whether it is
// a new one, rather than another answer of the same burst.
func (p *probation) silenced(now time.Time, silence time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent.IsZero() {
		p.silent = now
	}
	if !now.After(p.quiet) {
		return false
	}
	p.incidents++
	p.quiet = now.Add(silence)
	return true
}

// silentSince is when the first of the silences began that no accepted answer has ended; zero without one.
func (p *probation) silentSince() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

// refusal is the error of a stop, with examples and what a person can do. Without
// a stop it was one attempt that decided, for the reason given.
func (p *probation) refusal(stop retry.Stop, reason string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	why := map[retry.Stop]string{
		"": reason + " (look with --try 3)",

		retry.StopCanary: "the first items of this run all ended without landing; is the path, a parameter, --extract, --check, --split or --id wrong? " +
			"(look with --try 3; if these items really are missing, --no-canary records that)",
		retry.StopForeign: "it answers item after item with something that is not an API's answer; is the address right? (look with --try 3)",
		retry.StopRefused: "it answers 401, 403 or a TLS error to item after item; is the credential or the User-Agent refused? (look with --try 3)",
		retry.StopLimited: "it answers 429 to every item and never served one; this may be a ban: ask the operator of the API",
	}[stop]
	said := fmt.Errorf("%w: %s; nothing of this was recorded. Examples", ErrRefused, why)
	return &harvest.Detailed{Err: said, Below: slices.Clone(p.failed)}
}
