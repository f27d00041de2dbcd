package fakeapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Arrival is one request that reached the server.
type Arrival struct {
	// N counts from 1 in the order of arrival.
	N  int
	At time.Time
	// Ended is when the answer was given; zero while it is not.
	Ended  time.Time
	Method string
	// Path holds the query too.
	Path string
	// Status is the status of the answer; 0 if there was none.
	Status int
	// Fault is the fault injected into it, if any.
	Fault Kind
	// Refused reports that the budget, or a pause that the server had asked for, was not kept: our
	// own 429, not an injected one.
	Refused   bool
	UserAgent string
	Proto     string
	// Conn is the number of its connection, from 1.
	Conn   int
	Header http.Header
}

// Connection is one TCP connection that a client opened.
type Connection struct {
	N        int
	Opened   time.Time
	Requests int
}

// record is what the server remembers; the server's lock guards it.
type record struct {
	arrivals    []*Arrival
	unprocessed []Arrival
	controls    map[string]int
	paths       map[string]int
	// served counts the items in good answers, by the path that was asked and the item's number.
	served map[string]map[int]int
	conns  []Connection
}

func (l *record) connect(mu *sync.Mutex) int {
	mu.Lock()
	defer mu.Unlock()
	n := len(l.conns) + 1
	l.conns = append(l.conns, Connection{N: n, Opened: time.Now()})
	return n
}

func (l *record) control(mu *sync.Mutex, path string) {
	mu.Lock()
	defer mu.Unlock()
	if l.controls == nil {
		l.controls = map[string]int{}
	}
	l.controls[path]++
}

// visit is one arrival and what was decided when it came.
type visit struct {
	arrival *Arrival
	b       Behaviour
	fault   Fault
	// wait is the wait that a refusal asks for.
	wait time.Duration
	// quota is what the budget had left then; only for a partner.
	quota quota
}

// arrive notes a request. The lock is held, so that the order of numbers is that of the times.
func (l *record) arrive(r *http.Request, conn int, headers bool) *Arrival {
	a := &Arrival{
		N: len(l.arrivals) + 1, At: time.Now(), Method: r.Method, Path: r.URL.RequestURI(), UserAgent: r.UserAgent(), Proto: r.Proto, Conn: conn,
	}
	if headers {
		a.Header = r.Header.Clone()
	}
	l.arrivals = append(l.arrivals, a)
	if conn > 0 {
		l.conns[conn-1].Requests++
	}
	return a
}

func (s *Server) finish(v *visit, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.arrival.Status, v.arrival.Ended = status, time.Now()
}

// Arrivals returns all arrivals in their order, without control requests. Refused ones are among
// them.
func (s *Server) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Arrival, len(s.log.arrivals))
	for i, a := range s.log.arrivals {
		all[i] = *a
	}
	return all
}

// Count returns the number of arrivals.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log.arrivals)
}

// Refused returns how many arrivals broke the budget or came in a pause that the server had asked
// for.
func (s *Server) Refused() int {
	n := 0
	for _, a := range s.Arrivals() {
		if a.Refused {
			n++
		}
	}
	return n
}

// Unprocessed returns the streams that the server dropped unread: above the last id of its GOAWAY
// ([KindGoAway]) or above its cap of streams ([KindRefused]). They are not among the arrivals, and
// cost nothing of the budget.
func (s *Server) Unprocessed() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.unprocessed)
}

// Control returns how many requests came for a path that is not part of the API, such as /token.
func (s *Server) Control(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.controls[path]
}

// Connections returns the TCP connections that clients opened, in their order.
func (s *Server) Connections() []Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.conns)
}

// ByPath counts arrivals by path and query.
func (s *Server) ByPath() map[string]int {
	counts := map[string]int{}
	for _, a := range s.Arrivals() {
		counts[a.Path]++
	}
	return counts
}

// ByEndpoint counts arrivals by path, whatever their query.
func (s *Server) ByEndpoint() map[string]int {
	counts := map[string]int{}
	for _, a := range s.Arrivals() {
		path, _, _ := strings.Cut(a.Path, "?")
		counts[path]++
	}
	return counts
}

// Served returns how often each item went out complete in an answer of 200: of the listings
// /v1/items and /v1/pages, of /v1/batch, or one by one of /v1/items/ and /items/, with the slash at
// its end. An empty path means all of them. An answer that a fault spoiled does not count; one that
// it delayed does once it is all sent.
func (s *Server) Served(path string) map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[int]int{}
	for from, served := range s.log.served {
		if path != "" && path != from {
			continue
		}
		for id, n := range served {
			counts[id] += n
		}
	}
	return counts
}

// hand sends an answer, or the rest of it, and counts the items in it. It counts them first, so
// that a client that has read everything finds them counted, and takes them back if the answer
// cannot be sent.
func (s *Server) hand(c content, send func() error) {
	s.count(c, 1)
	if send() != nil {
		s.count(c, -1)
	}
}

func (s *Server) count(c content, by int) {
	if len(c.ids) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	served := s.log.served[c.from]
	if served == nil {
		served = map[int]int{}
		s.log.served[c.from] = served
	}
	for _, id := range c.ids {
		if served[id] += by; served[id] == 0 {
			delete(served, id)
		}
	}
}

// Between returns the arrivals at or after from and before to.
func (s *Server) Between(from, to time.Time) []Arrival {
	return slices.DeleteFunc(s.Arrivals(), func(a Arrival) bool { return a.At.Before(from) || !a.At.Before(to) })
}

// WorstWindow returns the largest number of arrivals in any half-open window of length d, wherever
// it begins.
func (s *Server) WorstWindow(d time.Duration) int {
	return worst(s.Arrivals(), d)
}

func worst(arrivals []Arrival, d time.Duration) int {
	most, first := 0, 0
	for i := range arrivals {
		for arrivals[i].At.Sub(arrivals[first].At) >= d {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Stats is what /_stats answers, as JSON.
type Stats struct {
	Arrivals    int            `json:"arrivals"`
	Refused     int            `json:"refused"`
	Unprocessed int            `json:"unprocessed"`
	WorstSecond int            `json:"worst_second"`
	First       *time.Time     `json:"first"`
	Last        *time.Time     `json:"last"`
	ByStatus    map[string]int `json:"by_status"`
	ByFault     map[string]int `json:"by_fault"`
	Connections int            `json:"connections"`
}

// Stats summarises what arrived so far.
func (s *Server) Stats() Stats {
	all := s.Arrivals()
	st := Stats{
		Arrivals: len(all), Unprocessed: len(s.Unprocessed()), WorstSecond: worst(all, time.Second), Connections: len(s.Connections()),
		ByStatus: map[string]int{}, ByFault: map[string]int{},
	}
	for _, a := range all {
		st.ByStatus[strconv.Itoa(a.Status)]++
		if a.Fault != "" {
			st.ByFault[string(a.Fault)]++
		}
		if a.Refused {
			st.Refused++
		}
	}
	if len(all) > 0 {
		st.First, st.Last = &all[0].At, &all[len(all)-1].At
	}
	return st
}

func (s *Server) serveStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Stats()) // the client may have hung up
}
