package retry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"shoal/internal/harvest"
)

// Verb is what to do with the items of an attempt.
type Verb string

// The verbs. Whatever the verb, a [Decision] with [Pause] > 0 is reported to the pacer first.
const (
	Accept Verb = "accept" // the Reading holds: its pages go to the batch, its unfinished items go back
	Again  Verb = "again"  // the same items once more, after Delay and with a new permit
	Pause  Verb = "pause"  // like Again, and the whole fleet is silent for Pause
	Split  Verb = "split"  // two halves, each a request of its own that starts with no tries, after Delay
	Skip   Verb = "skip"   // the item ends with Outcome and Reason
	Abort  Verb = "abort"  // the upstream refuses us for good: stop the worker, mark nothing
)

// Facts are what is known about one attempt.
type Facts struct {
	Status int           // of the answer; 0 if none came
	Header http.Header   // of the answer; may be nil
	Fault  harvest.Fault // of the exchange, else of the Reading
	Reason string        // of the Reading
	Wait   time.Duration // of the Reading
	Took   time.Duration // from the request's first byte to the answer's last

	Items     int       // in the request: 1, or a pack
	Tries     int       // counted tries of these items so far, this one included
	Free      int       // tries of these items so far that a refused stream or a lost connection cost nothing
	Outvoted  int       // silences asked for because of these items after which others were accepted
	Renewed   bool      // the credential was renewed for these items already
	Incidents int       // consecutive refusals without hint, this one included; those in flight together are one
	Now       time.Time // local clock when the answer came
	Jitter    float64   // uniform in [0,1)
}

// Policy is what a profile and the flags set about retries. The zero value of each field but
// Retries means its default.
type Policy struct {
	Retries         int           // tries after the first; 0 means none
	MinPause        time.Duration // least silence after a refusal without hint (5 s on Wikimedia); default none
	ResetUnit       Unit          // how numbers in reset headers are read; default UnitGuess
	IgnoreRemaining bool          // a 2xx answer with "0 remaining" does not ask for silence
	First           time.Duration // first step of an item's own delay; default 1 s, doubling
	MaxDelay        time.Duration // largest step of an item's own delay; default 60 s
	Slow            time.Duration // an answer that takes longer means that the upstream is busy; 0 means never
	SlowPause       time.Duration // silence after such an answer
}

// Decision is what follows an attempt.
type Decision struct {
	Verb     Verb
	Delay    time.Duration   // of these items before their next try
	Pause    time.Duration   // silence to report for the whole fleet, counted from Facts.Now; exactly what was asked
	Cut      bool            // the silence is congestion: the pacer lowers its rate
	Free     bool            // this try costs no retry
	Isolated bool            // the next try is to have a connection of its own
	Renew    bool            // renew the credential before the next try
	Outcome  harvest.Outcome // with Skip: missing, skipped or dead
	Reason   string          // with Skip and Abort: a short word
	Class    Class           // what Streak observes about each item of the attempt
	Source   string          // the header or fault that decided, for the log and the report
	Hint     Hint            // what the rate-limit headers ask for
}

const (
	firstDelay = time.Second
	maxDelay   = 60 * time.Second
	maxPause   = 5 * time.Minute // of the silences that we choose; the upstream's own are never cut
	// budgetWindow is the span within which the budget's own pace makes up for a window that is
	// used up. Servers that refill continuously send "0 remaining, reset in 1 s" on every answer at
	// full rate; a worker that obeyed would crawl.
	budgetWindow = time.Second
)

// Decide returns what follows the attempt.
func Decide(f Facts, p Policy) Decision {
	hint := ParseHint(f.Header, hintStatus(f), f.Now, p.ResetUnit).believable()
	if f.Wait > longestAsked {
		f.Wait = 0
	}
	d := decide(f, p, hint)
	d.Hint = hint
	if d.Source == "" {
		d.Source = cause(f)
	}
	return d
}

// hintStatus returns the status that the headers belong to: an answer whose body asks us to slow
// down counts as a 429.
func hintStatus(f Facts) int {
	if f.Fault == harvest.FaultRateLimited || f.Fault == harvest.FaultLagged {
		return http.StatusTooManyRequests
	}
	return f.Status
}

func decide(f Facts, p Policy, hint Hint) Decision {
	switch f.Fault {
	case harvest.FaultNone:
		return silence(decideStatus(f, p, hint), f, p, hint)
	case harvest.FaultRateLimited, harvest.FaultCalm:
		return pauseFleet(f, p, hint, true)
	case harvest.FaultLagged:
		return pauseFleet(f, p, hint, false)
	case harvest.FaultFatal:
		return Decision{Verb: Abort, Reason: cause(f), Class: ClassRefused}
	case harvest.FaultLogin:
		if !f.Renewed {
			return Decision{Verb: Again, Free: true, Renew: true}
		}
		return personal(f, p)
	case harvest.FaultUnprocessed, harvest.FaultLost:
		return excused(f, p)
	case harvest.FaultTLS, harvest.FaultAsked, harvest.FaultBlocked, harvest.FaultCredential:
		return personal(f, p)
	case harvest.FaultTooLarge, harvest.FaultEncoding, harvest.FaultHeaders, harvest.FaultTooLong,
		harvest.FaultOffhost, harvest.FaultDowngrade, harvest.FaultLoop:
		return end(f, p, harvest.Skipped, cause(f))
	default: // connect, timeout, reset, partial, undecodable
		return again(f, p, 0)
	}
}

func decideStatus(f Facts, p Policy, hint Hint) Decision {
	switch s := f.Status; {
	case s == http.StatusAccepted, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		return again(f, p, hint.Wait)
	case s >= 200 && s < 300:
		return accept(f, p, hint)
	case tooFast(s, hint):
		return pauseFleet(f, p, hint, true)
	case s == http.StatusServiceUnavailable && hint.Wait > 0:
		return pauseFleet(f, p, hint, false)
	case s == http.StatusServiceUnavailable:
		return again(f, p, p.MinPause)
	case s >= 500, s < 200:
		return again(f, p, hint.Wait)
	case s == http.StatusUnauthorized && !f.Renewed:
		return Decision{Verb: Again, Free: true, Renew: true}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		d := end(f, p, harvest.Skipped, cause(f))
		d.Class = ClassRefused
		return d
	case s == http.StatusNotFound, s == http.StatusGone:
		return end(f, p, harvest.Missing, cause(f))
	case s == enhanceYourCalm: // without a hint: it may be about this item only
		return again(f, p, p.MinPause)
	case hint.Asked && f.Tries <= p.Retries: // a conflict, a lock: come back then
		return again(f, p, hint.Wait)
	default:
		return end(f, p, harvest.Skipped, cause(f))
	}
}

// enhanceYourCalm is a 429 in an older way of Twitter's, which others still have.
const enhanceYourCalm = 420

// tooFast reports whether the status means 429: a 403 or a 420 does where a wait is asked for or
// nothing remains.
func tooFast(status int, hint Hint) bool {
	return status == http.StatusTooManyRequests || (status == http.StatusForbidden || status == enhanceYourCalm) && (hint.Wait > 0 || hint.Remaining == 0)
}

// silence adds what a 4xx asks of the whole fleet, whatever becomes of its item: a Retry-After, or
// a limit that is used up.
func silence(d Decision, f Facts, p Policy, hint Hint) Decision {
	if f.Status < 400 || f.Status > 499 || d.Pause > 0 || !hint.Asked && (hint.Wait <= budgetWindow || p.IgnoreRemaining) {
		return d
	}
	d.Pause, d.Source = hint.Wait, hint.Source
	return d
}

func accept(f Facts, p Policy, hint Hint) Decision {
	d := Decision{Verb: Accept, Free: true, Class: ClassAccepted}
	if p.Slow > 0 && f.Took > p.Slow {
		d.Pause, d.Source = p.SlowPause, "slow answer"
	}
	if hint.Wait > max(budgetWindow, d.Pause) && !p.IgnoreRemaining {
		d.Pause, d.Source = hint.Wait, hint.Source
	}
	return d
}

// pauseFleet silences the whole fleet for as long as the upstream asked, or for a step of the curve
// if it asked for nothing intelligible.
func pauseFleet(f Facts, p Policy, hint Hint, cut bool) Decision {
	if cut && f.Outvoted >= maxOutvoted || f.Outvoted >= maxBusy || f.Items > 1 && f.Outvoted >= maxPackOutvoted {
		d := end(f, p, harvest.Dead, cause(f))
		if d.Pause, d.Source = hint.Wait, hint.Source; f.Wait > d.Pause {
			d.Pause, d.Source = min(f.Wait, MaxWait), cause(f)
		}
		return d
	}
	d := Decision{Verb: Pause, Cut: cut && f.Outvoted < doubtful, Free: true, Pause: hint.Wait, Source: hint.Source, Class: ClassAsked}
	if f.Wait > d.Pause {
		d.Pause, d.Source = min(f.Wait, MaxWait), cause(f)
	}
	if d.Pause <= 0 {
		d.Pause = max(p.MinPause, step(f.Incidents, firstDelay, maxPause))
		d.Source = cause(f) + ", no hint"
		d.Class = ClassLimited
	}
	if !cut {
		d.Class = ClassNone
	}
	d.Delay = d.Pause + spread(d.Pause, f.Jitter)
	return d
}

// How often a silence may be asked for because of the same items while others are accepted in
// between. Each silence is kept as it was asked for.
const (
	doubtful        = 3  // then it shows nothing about our rate, which is not lowered
	maxPackOutvoted = 6  // then a pack is halved
	maxOutvoted     = 12 // then it is not our rate: the item ends
	maxBusy         = 30 // the same for an upstream that is busy, which it may be for some requests only
)

// spread returns what is added to an asked wait, so that the items of many fetchers do not come
// back at one instant: up to a tenth of it, up to 5 s.
func spread(wait time.Duration, jitter float64) time.Duration {
	return time.Duration(unit(jitter) * float64(min(wait/10, 5*time.Second)))
}

// maxFree is how many refused streams or lost connections cost an item no try.
const maxFree = 3

// excused handles what may be a neighbour's fault. It costs nothing at first. From the second time
// on the items have a connection of their own: then no neighbour is to blame, and the number of
// such tries is bounded.
func excused(f Facts, p Policy) Decision {
	var d Decision
	if f.Free >= maxFree {
		d = again(f, p, 0)
	} else {
		d = Decision{Verb: Again, Free: true}
		if f.Free > 0 {
			f.Tries = f.Free
			d.Delay = ownDelay(f, p)
		}
	}
	d.Isolated = f.Free > 0
	return d
}

// again counts a try. A pack has two, a single item all of them.
func again(f Facts, p Policy, minDelay time.Duration) Decision {
	d := Decision{Verb: Again, Delay: max(minDelay, ownDelay(f, p))}
	switch {
	case f.Items > 1 && f.Tries >= 2:
		d.Verb = Split
	case f.Items <= 1 && f.Tries > p.Retries:
		return end(f, p, harvest.Dead, cause(f))
	}
	return d
}

// personal handles what a person has to fix: it is tried again, because a balancer with one bad
// back end looks the same, but it never ends as an outcome of an item.
func personal(f Facts, p Policy) Decision {
	d := Decision{Verb: Again, Delay: ownDelay(f, p)}
	if f.Tries > 1 {
		// The first failure of a connection reaches every fetcher that waits for it; it proves
		// nothing yet.
		d.Class = ClassRefused
	}
	if f.Tries > p.Retries {
		return Decision{Verb: Abort, Reason: cause(f), Class: ClassRefused}
	}
	return d
}

// end closes a single item. A pack is never closed by an answer that is about all of it at once:
// each half is requested instead.
func end(f Facts, p Policy, o harvest.Outcome, reason string) Decision {
	if f.Items > 1 {
		return Decision{Verb: Split, Delay: ownDelay(f, p)}
	}
	return Decision{Verb: Skip, Outcome: o, Reason: reason, Class: ClassEnded}
}

// ownDelay returns a delay with full jitter: uniform between nothing and the curve's step.
func ownDelay(f Facts, p Policy) time.Duration {
	first, most := p.First, p.MaxDelay
	if first <= 0 {
		first = firstDelay
	}
	if most <= 0 {
		most = maxDelay
	}
	return time.Duration(unit(f.Jitter) * float64(step(f.Tries, first, most)))
}

// step returns the n-th step, from 1, of the doubling curve.
func step(n int, first, most time.Duration) time.Duration {
	curve := backoff.ExponentialBackOff{InitialInterval: min(first, most), Multiplier: 2, MaxInterval: most}
	at := curve.NextBackOff()
	for i := 1; i < n && at < most; i++ {
		at = curve.NextBackOff()
	}
	return at
}

// unit clamps a jitter that is out of range, or NaN, to [0,1].
func unit(jitter float64) float64 {
	if !(jitter > 0) {
		return 0
	}
	return min(jitter, 1)
}

// cause returns the short word for why an attempt failed.
func cause(f Facts) string {
	switch {
	case f.Reason != "":
		return harvest.Word(f.Reason, string(f.Fault))
	case f.Fault != harvest.FaultNone:
		return string(f.Fault)
	case f.Status == 0:
		return "no_answer"
	default:
		return "http_" + strconv.Itoa(f.Status)
	}
}
