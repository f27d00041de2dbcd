// Package canary holds back from the store what may be a mistake of ours: a wrong path, a dead
// token, a ban.
//
// In go the attempts of one worker, at items or at steps of a listing, and the pages that did not
// land; out come the same pages, once something of the run has landed, or the reason why the run
// must stop. The package never sends a request and never lands a page itself. [retry.Streak] has
// the rules; a [Canary] has the pages.
package canary

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// MaxExamples is how many failing items a refusal shows.
const MaxExamples = 3

// maxHeld is how many bytes the bodies of held pages may take together. A page beyond that is held
// without its body: it may be held for long, and answers that could land need the memory.
const maxHeld = 4 << 20

// Settings are the rules of a canary.
type Settings struct {
	Off     bool // an operator accepts whatever items are answered as their outcomes
	Fresh   bool // nothing of the run has landed so far
	Patient bool // items that all end without landing stop nothing: others are requested first
}

// Canary watches the attempts of one worker, and holds its pages. It is safe for concurrent use.
type Canary struct {
	Settings

	first  int // items that may end without one landed before the run is stopped; 0 if that never stops it
	mu     sync.Mutex
	streak *retry.Streak
	held   []harvest.Page
	weight int      // of the bodies of those
	failed []string // the first failing items, for a person

	accepted bool // something has landed, or others vouch for our settings
	refused  bool // some page that is held was refused as who we are
	foreign  bool // some answer was one that no API sends
	stopped  bool // from now on nothing that was held may land
}

// New returns a canary.
func New(s Settings) *Canary {
	limits := retry.DefaultStreakLimits()
	if s.Off {
		limits.Refused = 0
	}
	if s.Off || !s.Fresh {
		limits.Canary = 0
	}
	if !s.Fresh {
		limits.Foreign = 0
	}
	return &Canary{Settings: s, first: limits.Canary, streak: retry.NewStreak(limits)}
}

// First returns how many items are requested before one has landed; 0 for any number. When they
// have all ended otherwise, the canary stops the run; to request more would be useless, since packs
// that are all refused are all halved.
func (c *Canary) First() int { return c.first }

// Proven reports whether our settings are right: something of the run has landed, or an operator
// vouches for them.
func (c *Canary) Proven() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first == 0 || c.accepted
}

// Expected reports whether answers are known to have the form that our settings expect: something
// of the run has landed. An operator who turns the canary off confirms that items may be missing,
// not that anything is an answer.
func (c *Canary) Expected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.Fresh || c.accepted
}

// Observe takes one attempt into account: an accepted answer page by page, since a skipped page is
// not a success; any other once, by the first of its items. The pages that it returns may be
// committed now.
func (c *Canary) Observe(items []harvest.Item, d retry.Decision, reading harvest.Reading) (verdict retry.Verdict, released []harvest.Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.Verb == retry.Accept {
		for i := range reading.Pages {
			c.accept(&reading.Pages[i], &verdict)
		}
	} else {
		c.see(items[0].Key, d.Class, &verdict)
		if d.Class != retry.ClassNone {
			c.example(items[0].URL, because(d.Source, reading.Cause))
		}
	}
	return c.conclude(verdict, d.Verb == retry.Abort)
}

// ObserveStep takes into account how a step of a listing ended; example describes it to a person.
// If the verdict is Hold, the canary has taken the page. The pages that it returns may be committed
// now.
func (c *Canary) ObserveStep(page *harvest.Page, class retry.Class, example string) (verdict retry.Verdict, released []harvest.Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if class != retry.ClassAccepted && len(c.failed) < MaxExamples {
		c.failed = append(c.failed, example)
	}
	c.see(page.Key, class, &verdict)
	verdict, released = c.conclude(verdict, false)
	if verdict.Hold {
		c.refused = c.refused || class == retry.ClassRefused
		c.hold(page)
	}
	return verdict, released
}

func (c *Canary) accept(page *harvest.Page, verdict *retry.Verdict) {
	if page.Outcome == harvest.Landed {
		c.see(page.Key, retry.ClassAccepted, verdict)
		return
	}
	c.see(page.Key, retry.ClassEnded, verdict)
	c.example(page.URL, page.Reason+": "+page.Detail)
}

func (c *Canary) see(key harvest.Key, class retry.Class, verdict *retry.Verdict) {
	c.foreign = c.foreign || class == retry.ClassForeign
	v := c.streak.Observe(key, class)
	verdict.Hold = verdict.Hold || v.Hold
	verdict.Release = verdict.Release || v.Release
	if v.Stop != "" && (v.Stop != retry.StopCanary || !c.Patient) {
		verdict.Stop = v.Stop
	}
}

func (c *Canary) example(url, why string) {
	if len(c.failed) < MaxExamples {
		c.failed = append(c.failed, url+": "+why)
	}
}

// because returns a short word for why an attempt failed, with what else is known.
func because(word string, cause error) string {
	if cause == nil {
		return word
	}
	return word + ": " + exchange.Head(strings.TrimPrefix(cause.Error(), word+": "))
}

// conclude releases what is held, or seals it for ever.
func (c *Canary) conclude(verdict retry.Verdict, abort bool) (retry.Verdict, []harvest.Page) {
	var released []harvest.Page
	if verdict.Stop != "" || abort {
		c.stopped = true
	}
	if verdict.Release && !c.stopped {
		released = c.release()
	}
	verdict.Hold = verdict.Hold || c.stopped
	return verdict, released
}

func (c *Canary) release() []harvest.Page {
	released := c.held
	c.accepted, c.refused, c.held, c.weight, c.failed = true, false, nil, 0, c.failed[:0]
	return released
}

// Hold takes a page that ended while a verdict asked for that.
func (c *Canary) Hold(page harvest.Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hold(&page)
}

// hold prepares a page for being held: its body gets memory of its own, within a bound for all held
// pages, and its answer is released.
func (c *Canary) hold(page *harvest.Page) {
	size := len(page.Body) + len(page.Raw)
	switch {
	case size == 0:
	case c.weight+size > maxHeld:
		page.Body, page.Raw, page.MediaType = nil, nil, ""
		page.Detail = exchange.Text(page.Detail + " (its body is not kept: too many wait for the first item to land)")
	default:
		page.Body, page.Raw = bytes.Clone(page.Body), bytes.Clone(page.Raw)
		c.weight += size
	}
	page.Answer.Release()
	page.Answer = nil
	c.refused = c.refused || page.Status == http.StatusUnauthorized || page.Status == http.StatusForbidden
	c.held = append(c.held, *page)
}

// Held returns how many pages are held.
func (c *Canary) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// Unproven returns why nothing that is still held may land when nothing more comes; empty if it
// may. Items that all ended without landing have no outcome, however few they are: until something
// of the run has landed, a mistake of ours may be what refuses them.
func (c *Canary) Unproven() retry.Stop {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.accepted || len(c.held) == 0:
		return ""
	case c.refused:
		return retry.StopRefused
	case c.foreign && c.Fresh:
		return retry.StopForeign
	case c.first == 0:
		return ""
	}
	return retry.StopCanary
}

// Rest returns what is still held, to be committed.
func (c *Canary) Rest() []harvest.Page {
	c.mu.Lock()
	defer c.mu.Unlock()
	released := c.held
	c.held = nil
	return released
}

// Vouch notes that the upstream serves the run although what was seen so far suggests otherwise.
// The pages that it returns may be committed now.
func (c *Canary) Vouch() []harvest.Page {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streak.Observe(harvest.Key{}, retry.ClassAccepted)
	c.stopped = false
	return c.release()
}

// Foreign reports whether some answer was one that no API sends.
func (c *Canary) Foreign() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.foreign
}

// Examples returns the first failing items, each with a reason.
func (c *Canary) Examples() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.failed)
}
