package fakeapi

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// admit notes an arrival and decides at once: refused, faulty or served.
func (s *Server) admit(r *http.Request, conn int) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.log.arrive(r, conn, !s.opts.NoHeaders)
	v := &visit{arrival: a, b: s.b}
	s.decide(v)
	if v.b.Partner {
		v.quota = s.quotaOf(v)
	}
	return v
}

// decide decides what happens to a visit. The lock is held.
func (s *Server) decide(v *visit) {
	a := v.arrival
	if v.b.Outage != 0 {
		return
	}
	if wait := s.closed.Sub(a.At); wait > 0 {
		a.Refused, v.wait = true, wait
		return
	}
	wait, ok := s.budget.take(a.At, v.b.Rate, v.b.Burst)
	if !ok {
		a.Refused, v.wait = true, wait
		if v.b.RetryAfter > 0 {
			v.wait = v.b.RetryAfter
		}
		return
	}
	s.log.paths[a.Path]++
	v.fault = pick(v.b.Faults, a, s.log.paths[a.Path])
	a.Fault = v.fault.Kind
	if a.Fault == KindTooMany {
		s.closed = a.At.Add(v.fault.Delay)
	}
}

// pick returns the first fault for the arrival, which is the path's try-th; the zero [Fault] for
// none.
func pick(faults []Fault, a *Arrival, try int) Fault {
	for i, f := range faults {
		if f.hits(a, try, i) {
			return f
		}
	}
	return Fault{}
}

func (f Fault) hits(a *Arrival, try, place int) bool {
	if !strings.Contains(a.Path, f.Path) || f.First > 0 && try > f.First {
		return false
	}
	if slices.Contains(f.At, a.N) || f.Every > 0 && a.N%f.Every == 0 {
		return true
	}
	if f.Share > 0 {
		return fraction(a.N, place) < f.Share
	}
	return len(f.At) == 0 && f.Every == 0
}

// fraction spreads the numbers of arrivals evenly over [0, 1), the same in every run.
func fraction(n, place int) float64 {
	x := uint64(n)*0x9e3779b97f4a7c15 + uint64(place)*0xd1b54a32d192ed03
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

// drop notes a stream that was not processed because of why.
func (s *Server) drop(r *http.Request, conn int, why Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.unprocessed = append(s.log.unprocessed, Arrival{
		N: len(s.log.unprocessed) + 1, At: time.Now(), Method: r.Method, Path: r.URL.RequestURI(), Fault: why,
		UserAgent: r.UserAgent(), Proto: r.Proto, Conn: conn,
	})
}
