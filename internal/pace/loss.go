package pace

const (
	epochAhead  = int64(1_000_000_000_000)   // µs that an epoch, or the clock before a step back, may be ahead
	longAhead   = int64(2_700_000_000_000)   // no silence of the upstream is longer: 31 days
	holdAhead   = int64(400_000_000_000_000) // no hold is: 12 years
	lowestShare = 0.05
	maxRate     = 1e6
)

// plausible reports whether these functions can have made the state. If not, another hand put it
// there.
func (s *state) plausible(now int64) bool {
	ref := max(now, s.at)
	for _, f := range []float64{s.f, s.w, s.top} {
		if !(f >= lowestShare && f <= 1) { // so that NaN fails
			return false
		}
	}
	for _, at := range []int64{s.born, s.topAt, s.goodAt, s.probeAt, s.muster} {
		if at < 0 || at > ref {
			return false
		}
	}
	return s.at <= now+epochAhead && s.epoch <= now+epochAhead && s.cut <= s.epoch && s.last <= ref+clockSlack &&
		s.until <= ref+longAhead && s.hold <= ref+holdAhead && s.fAt <= max(ref, s.until) &&
		s.rate >= 0 && s.rate <= maxRate && s.bad >= 0 && s.probeN >= 0
}

// lose begins a new state. Slots of the old one may be leased for as long as the horizon. What the
// old one knew of silences the workers bring along, as durations, because its instants may be those
// of another clock.
func (s *state) lose(now int64, rid string) {
	*s = state{rid: rid, last: now + horizon, born: now, f: 1, fAt: now, w: 1, top: 1, goodAt: now,
		epoch: max(now, min(s.epoch, now+epochAhead)) + 1, members: s.members, news: true}
	s.rejuvenate(now)
}

// shift moves every instant back with the clock. The time since the last operation is unknown and
// counts as zero: that lengthens a silence and never shortens it. The last slot stays where it is
// unless the step is so large that every worker notices it, because a worker that does not would
// use the next slots too early.
func (s *state) shift(back int64) {
	for _, at := range []*int64{&s.born, &s.until, &s.hold, &s.fAt, &s.topAt, &s.goodAt, &s.probeAt, &s.muster} {
		if *at > 0 {
			*at = max(1, *at-back)
		}
	}
	if back > clockSlack {
		s.last -= back
	}
}

// call musters the workers after a time without the backend: one of them may know of a silence that
// it could not report.
func (s *state) call(now int64, a ask) {
	if a.spell && s.muster == 0 && len(s.members) > 1 {
		s.muster, s.news = now, true
	}
}

// mustering reports whether a worker has yet to be seen since the muster. A worker that is gone
// counts for as long as it has a share.
func (s *state) mustering() bool {
	if s.muster == 0 {
		return false
	}
	for i := range s.members {
		if s.members[i].seen < s.muster {
			return true
		}
	}
	s.muster = 0
	return false
}

// repair removes what has no reason to be there: the upstream's silence or, with lost, everything.
func (s *state) repair(now int64, rid string, lost bool) {
	s.enter(now, rid)
	switch {
	case lost:
		s.lose(now, rid)
		s.at = now
	case s.until > now:
		s.until = now
		s.settle(now)
		s.fAt = now
		s.bump(now)
	}
}
