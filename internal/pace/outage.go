package pace

// judge counts the outcomes of permits and opens or ends an outage.
func (s *state) judge(now, ok, bad int64) {
	if ok > 0 {
		if s.probeAt > 0 {
			s.w = s.share(now)
			s.f, s.fAt = max(minShare, s.w/2), max(now, s.until)
			s.news = true
		}
		s.goodAt, s.bad, s.probeAt, s.probeN = now, 0, 0, 0
		return
	}
	s.bad += bad
	sending := now - max(s.goodAt, s.until, s.hold)
	if s.probeAt == 0 && s.bad >= outageBad && sending >= s.patience(now) {
		s.probeAt, s.probeN = now, 0
		s.bump(now) // the slots leased ahead are void: one probe goes, not a second's worth
	}
}

// patience returns how long workers may send without a success.
func (s *state) patience(now int64) int64 {
	if s.rate*s.share(now) < slowRate {
		return outageSlow
	}
	return outageAfter
}

// probe grants the one request that the whole fleet may send now, never ahead of time.
func (s *state) probe(now, silent int64, want int, g *grant) {
	at := s.probeAt + min(maxProbe, probeFirst<<min(s.probeN, 8))
	start := max(at, silent, s.last+micros(g.gap))
	if start > now {
		g.wait = start - now
		return
	}
	if want < 1 {
		return
	}
	g.n, g.base, g.probe, g.wait = 1, now, true, 0
	s.last, s.probeAt = now, now
	s.probeN++
}
