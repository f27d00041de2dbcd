package pace

import (
	"cmp"
	"slices"
)

// member is one worker as the budget sees it.
type member struct {
	name  string
	first int64
	seen  int64
	asked float64
}

// see notes that the worker is alive and forgets those that are not.
func (s *state) see(now int64, worker string, rate float64) {
	s.members = slices.DeleteFunc(s.members, func(m member) bool { return m.seen < now-activeFor })
	if i := s.rank(worker); i < len(s.members) {
		s.members[i].seen, s.members[i].asked = now, rate
		return
	}
	s.members = append(s.members, member{name: worker, first: now, seen: now, asked: rate})
	s.sort()
}

func (s *state) sort() {
	slices.SortFunc(s.members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name))
	})
}

// rejuvenate prevents a clock that was set back from keeping a dead worker alive.
func (s *state) rejuvenate(now int64) {
	for i := range s.members {
		s.members[i].seen = min(s.members[i].seen, now)
	}
}

// rank returns the worker's place by order of arrival; the number of members if it is not among
// them.
func (s *state) rank(worker string) int {
	for i := range s.members {
		if s.members[i].name == worker {
			return i
		}
	}
	return len(s.members)
}

// lowest returns the smallest rate that an active worker asks for.
func (s *state) lowest() float64 {
	return slices.MinFunc(s.members, func(a, b member) int { return cmp.Compare(a.asked, b.asked) }).asked
}

// release signs a worker off. If the last slot leased is its own, the unused ones are given back:
// the next lease begins right after back, the due time of the last slot that it used.
func (s *state) release(now int64, rid string, worker string, last, back int64) {
	s.enter(now, rid)
	if s.last == last && back < last {
		s.last = back
	}
	s.members = slices.DeleteFunc(s.members, func(m member) bool { return m.name == worker })
}
