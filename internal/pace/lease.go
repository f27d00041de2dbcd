package pace

import "math"

// lease is a run of slots held by a [Pacer]. Instants are local: ns since the Pacer began.
type lease struct {
	grant  grant
	voided int   // see Pacer
	first  int64 // when slot 0 is due here
	late   int64 // how long after that a slot may be used
	next   int   // the first slot not yet handed out or wasted
}

const never = math.MaxInt64

func (l *lease) due(slot int) int64 { return l.first + int64(slot)*l.grant.gap }

func (l *lease) left() int { return l.grant.n - l.next }

// at returns the due time of a slot by the backend's clock, rounded as the backend rounds its last
// slot.
func (l *lease) at(slot int) int64 {
	return l.grant.base + micros(l.grant.off+int64(slot)*l.grant.gap)
}

// before returns where the bucket was when this lease began, or later.
func (l *lease) before() int64 {
	if l.grant.off > 0 {
		return l.grant.base
	}
	return l.grant.base - l.grant.gap/nsPerMicro
}

// held is the leases of one [Pacer], earliest first.
type held []lease

// left returns how many slots can still be handed out.
func (h held) left() int {
	n := 0
	for i := range h {
		n += h[i].left()
	}
	return n
}

// end returns the local due time of the last slot.
func (h held) end() int64 {
	l := &h[len(h)-1]
	return l.due(l.grant.n - 1)
}

// parting returns what can be given back: the unused tail of consecutive leases, if no other worker
// leased after them.
func (h held) parting(p parting) parting {
	for i := len(h) - 1; i >= 0; i-- {
		l := &h[i]
		if p.last == 0 {
			p.last = l.at(l.grant.n - 1)
			p.back = p.last
		}
		if p.back != l.at(l.grant.n-1) || l.left() == 0 {
			break
		}
		if p.back = l.before(); l.next > 0 {
			p.back = l.at(l.next - 1)
			break
		}
	}
	return p
}
