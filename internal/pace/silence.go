package pace

import "time"

// learn adds what the worker knows and the state may have lost.
func (s *state) learn(now int64, a ask) {
	lost := now < s.born+a.grace
	if to := now + a.silent; (lost || a.spell || s.muster > 0) && a.silent > 0 && (s.until <= now || to > s.until+sameSilence) {
		s.extend(now, to)
	}
	if a.opRate > 0 && (s.rateBy == "" || lost && a.opRate < s.rate) {
		s.setRate(now, a.opRate, a.opBy)
	}
	if lost && a.opHold > 0 && now+a.opHold > s.hold {
		s.setHold(now, now+a.opHold)
	}
	if s.rateBy == "" {
		s.setRate(now, s.lowest(), "")
	}
}

// extend moves the end of the upstream's silence later, never earlier; the ramp pauses meanwhile.
// Slots due before the old end are void anyway; only those beyond it need a new epoch.
func (s *state) extend(now, until int64) {
	if until <= s.until {
		return
	}
	beyond := s.last > max(now, s.until)
	if s.settle(now); s.f < 1 {
		s.fAt = until
	}
	s.until, s.news = until, true
	if beyond {
		s.bump(now)
	}
}

// backoff silences the fleet for delay µs. The first report of an incident, by a permit not older
// than the latest cut, halves the share; the rest of the burst only extends the silence.
func (s *state) backoff(now int64, rid string, seen, delay int64, cut bool) {
	s.enter(now, rid)
	if !cut || seen < s.cut {
		s.extend(now, now+delay)
		return
	}
	s.cutShare(now)
	s.until = max(s.until, now+delay)
	s.fAt = s.until
	s.bump(now)
	s.cut = s.epoch
}

// setRate changes requests/s: a lower rate voids leased slots, a higher one does not.
func (s *state) setRate(now int64, rate float64, by string) {
	if rate < s.rate {
		s.bump(now)
	}
	if rate != s.rate {
		s.news, s.top, s.topAt = true, 1, 0 // what was learned was about another rate
	}
	s.rate, s.rateBy = rate, by
}

// setHold sets the operator's silence; a time in the past ends it. Every worker of a fleet sends
// the same order one after the other, each from its own clock, so a nearly equal value changes
// nothing.
func (s *state) setHold(now, hold int64) {
	if sameHold(now, s.hold, hold) {
		return
	}
	s.hold = hold
	s.bump(now)
}

const (
	holdSlack = int64(time.Second / time.Microsecond) // how far two holds that are the same may be apart
	farHold   = int64(longest / time.Microsecond / 2) // beyond what a hold with an end lasts
)

func sameHold(now, one, other int64) bool {
	over := one <= now && other <= now
	endless := one > now+farHold && other > now+farHold
	return over || endless || max(one-other, other-one) < holdSlack
}
