package retry

import "shoal/internal/harvest"

// Class is what one attempt on one item shows about our standing with the upstream.
type Class uint8

// The classes, as [Decide] returns them.
const (
	ClassNone     Class = iota // nothing
	ClassAccepted              // a usable answer
	ClassLimited               // refused as too fast, without a time to come back
	ClassAsked                 // refused as too fast, with a time to come back
	ClassRefused               // refused because of who we are: 401, 403, TLS, no credential
	ClassEnded                 // the item ended without landing
	ClassForeign               // answered again with something that no API sends, such as HTML
)

// Stop is why a worker must stop: a person is needed. The empty Stop means to continue.
type Stop string

// The stops.
const (
	StopLimited Stop = "limited" // 429 on many distinct items and never a success
	StopRefused Stop = "refused" // 401, 403 or TLS on many distinct items with no success between
	StopCanary  Stop = "canary"  // the first items of the run all ended without landing
	StopForeign Stop = "foreign" // no item of the run had an API's answer
)

// StreakLimits are how many distinct items it takes to stop; 0 turns a rule off.
type StreakLimits struct {
	Limited int
	Refused int
	Canary  int // of a run in which nothing has landed yet; 0 for any other run
	Foreign int // the same
}

// DefaultStreakLimits returns the limits of a fresh run.
func DefaultStreakLimits() StreakLimits {
	return StreakLimits{Limited: 20, Refused: 20, Canary: 100, Foreign: 4}
}

// Verdict is what the attempts so far mean for the pages that are not committed yet.
type Verdict struct {
	Stop    Stop // not empty: stop, and commit none of the pages held back
	Hold    bool // hold the page of the observed item back, if the attempt ended it
	Release bool // all pages held back may be committed now
}

// Streak watches the attempts of one worker for the three signs that to continue would only turn a
// mistake of ours into outcomes of items: a wrong path, a dead token, a ban. It holds at most as
// many keys as its limits, and so do the pages that its verdicts hold back. If the corpus ends
// without a stop, the pages held back may be committed. It is not safe for concurrent use.
type Streak struct {
	limits   StreakLimits
	accepted bool // ever
	asked    map[harvest.Key]bool
	limited  map[harvest.Key]bool
	refused  map[harvest.Key]bool
	ended    map[harvest.Key]bool
	foreign  map[harvest.Key]bool
}

// NewStreak starts to watch.
func NewStreak(limits StreakLimits) *Streak {
	return &Streak{
		limits: limits,
		asked:  map[harvest.Key]bool{}, limited: map[harvest.Key]bool{},
		refused: map[harvest.Key]bool{}, ended: map[harvest.Key]bool{},
		foreign: map[harvest.Key]bool{},
	}
}

// Observe takes one attempt on one item into account. A failed attempt on a pack is observed once,
// by its first item, because it is one refusal. An accepted pack is observed item by item, and an
// item whose page did not land as [ClassEnded].
func (s *Streak) Observe(key harvest.Key, c Class) Verdict {
	switch c {
	case ClassAccepted:
		return s.accept()
	case ClassAsked:
		// A wait that was kept and did not help counts as no hint.
		if s.asked[key] {
			return s.limit(key)
		}
		note(s.asked, key, s.limits.Limited)
	case ClassLimited:
		return s.limit(key)
	case ClassRefused:
		return s.refuse(key)
	case ClassEnded:
		return s.end(key)
	case ClassForeign:
		return s.misfit(key)
	case ClassNone:
	}
	return Verdict{}
}

func (s *Streak) accept() Verdict {
	s.accepted = true
	clear(s.asked)
	clear(s.limited)
	clear(s.refused)
	clear(s.ended)
	clear(s.foreign)
	return Verdict{Release: true}
}

func (s *Streak) limit(key harvest.Key) Verdict {
	if s.accepted {
		return Verdict{}
	}
	if note(s.limited, key, s.limits.Limited) {
		return Verdict{Stop: StopLimited}
	}
	return Verdict{}
}

func (s *Streak) refuse(key harvest.Key) Verdict {
	if note(s.refused, key, s.limits.Refused) {
		return Verdict{Stop: StopRefused, Hold: true}
	}
	v := s.end(key)
	v.Hold = v.Hold || s.limits.Refused > 0
	return v
}

func (s *Streak) end(key harvest.Key) Verdict {
	if s.accepted || s.limits.Canary <= 0 {
		return Verdict{}
	}
	if note(s.ended, key, s.limits.Canary) {
		return Verdict{Stop: StopCanary, Hold: true}
	}
	return Verdict{Hold: true}
}

// misfit is for an answer that no API gives. While nothing has been accepted it is never the item's
// outcome.
func (s *Streak) misfit(key harvest.Key) Verdict {
	if s.accepted || s.limits.Foreign <= 0 {
		return s.end(key)
	}
	if note(s.foreign, key, s.limits.Foreign) {
		return Verdict{Stop: StopForeign, Hold: true}
	}
	v := s.end(key)
	v.Hold = true
	return v
}

// note remembers the key and reports whether the limit of distinct keys is reached.
func note(keys map[harvest.Key]bool, key harvest.Key, limit int) bool {
	if limit <= 0 {
		return false
	}
	if len(keys) < limit {
		keys[key] = true
	}
	return len(keys) >= limit
}
