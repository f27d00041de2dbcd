package pace

import "fmt"

const (
	rampFor    = 18e6               // µs of the way back to w; 0.95 of it is reached after ten seconds
	minGrowth  = 0.05               // at least this much is grown above w in the time of one way back
	again      = int64(300_000_000) // a cut so soon after another, at the same share, has the same cause
	sameShare  = 0.9                // of w: from here on it is the same share
	lowered    = 0.96               // of the share at which it came: the ceiling after such a cut
	raiseEvery = int64(600_000_000) // the ceiling rises by raiseBy in this time
	raiseBy    = 0.01
)

// ceiling returns the share that f never grows above at t. It rises so slowly that a rate at the
// upstream's own limit costs one refusal in half an hour, and so steadily that an hour of refusals
// for another reason is not felt for days.
func (s *state) ceiling(t int64) float64 {
	if s.topAt == 0 {
		return s.top
	}
	quiet := float64(max(0, t-s.topAt)) / float64(raiseEvery)
	return min(1, s.top+float64(raiseBy*quiet))
}

// share returns f(t), the part of the rate in use at t. It grows as CUBIC does (RFC 9438): fast at
// first, slowly near w, flat there for as long again, then slowly and ever faster above w, up to
// the ceiling.
func (s *state) share(t int64) float64 {
	x := float64(max(0, t-s.fAt)) / rampFor
	top := s.ceiling(t)
	switch {
	case x < 1:
		left := 1 - x
		return min(top, s.w-float64(float64(s.w-s.f)*float64(float64(left*left)*left)))
	case x < 2:
		return min(top, s.w)
	default:
		over := x - 2
		return min(top, s.w+float64(max(s.w-s.f, minGrowth)*float64(float64(over*over)*over)))
	}
}

// cutShare halves the share. A second cut at the same share, soon after the first, means that the
// upstream's limit is there: the ceiling falls below it.
func (s *state) cutShare(now int64) {
	share := s.share(now)
	if s.cut > 0 && share >= float64(sameShare*s.w) && now-s.fAt < again {
		s.top, s.topAt = max(minShare, float64(lowered*share)), now
	}
	s.w = min(share, s.ceiling(now))
	s.f = max(minShare, share/2)
}

// settle makes the current share the one that growth begins from.
func (s *state) settle(now int64) {
	s.f = s.share(now)
	s.w = max(s.w, s.f)
}

// noteCeiling logs, once for each step, that the upstream refused again at the same rate.
func (p *Pacer) noteCeiling(g grant) {
	before := 1.0
	if p.last.now > 0 {
		before = p.last.top
	}
	if p.last.now > 0 && g.rate != p.last.rate {
		p.lowered = 0 // it was about another rate
	}
	if g.top >= before || g.top >= 1 {
		return
	}
	rate := g.rate * (1 - p.set.Headroom)
	p.lowered = rate * g.top
	p.set.Log.Warn("the upstream refuses again and again at the same rate: it is asked more slowly from now on, in this run",
		"host", p.set.Host, "rate", fmt.Sprintf("%.3g/s", p.lowered), "budget", fmt.Sprintf("%.3g/s", g.rate))
}
