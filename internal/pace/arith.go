package pace

import "math"

// All instants below are microseconds of the backend's clock, all intervals nanoseconds, so that
// both stay exact in a float64, the only number that Lua has.
const (
	horizon      = int64(1_000_000)  // H: how far ahead a slot may be leased
	cautious     = int64(100_000)    // the same for a worker that hears no events
	heartbeat    = int64(400_000)    // the longest time that a waiting worker does not call
	activeFor    = int64(5_000_000)  // a worker unseen for longer has no share
	probeFirst   = int64(5_000_000)  // the first probe of an outage
	maxProbe     = int64(60_000_000) // probes are never further apart
	minShare     = 0.1               // f never falls below
	outageBad    = 10                // failures without a success that make an outage
	outageAfter  = int64(3_000_000)  // sending without a success that makes an outage
	outageSlow   = int64(10_000_000) // the same below slowRate
	slowRate     = 10.0
	lostWait     = int64(3_000_000) // how long nothing is granted after a loss: the worker of a call that hung may report what it knows
	clockSlack   = 2 * horizon      // no slot is leased further ahead than this, and a larger step back of the clock is undone
	sameSilence  = int64(100_000)   // two ends of a silence no further apart are one
	nsPerMicro   = int64(1_000)
	nsPerSecond  = 1e9
	microsPerSec = 1e6
)

// state is one host's budget. It is a value in memory for the in-process twin and the fields of one
// hash for the [Redis] twin. The Lua scripts have the same functions under the same names.
type state struct {
	rid     string  // the server's run_id: if it changes, the rest cannot be trusted
	last    int64   // due time of the last slot leased
	epoch   int64   // permits of a lower epoch are void
	cut     int64   // epoch of the latest cut: reports by older permits belong to that incident
	born    int64   // when this state began
	until   int64   // end of the upstream's silence, only ever moves later
	hold    int64   // end of the operator's silence
	rate    float64 // requests/s in force before the ramp
	rateBy  string  // the operator who set it; empty: the lowest that an active worker asks for
	f       float64 // share of the rate in use at fAt, growing from then on
	fAt     int64
	w       float64 // share at which the latest cut came: f returns to it, stays a while, then grows above it
	top     float64 // the share that f never grows above
	topAt   int64   // when top was lowered, 0: never
	goodAt  int64   // last success, or when sending began
	bad     int64   // failures since
	probeAt int64   // 0: no outage; else its begin or its latest probe
	probeN  int64   // probes sent in this outage
	at      int64   // the latest operation: a clock that shows less was set back
	muster  int64   // nothing is granted before each worker was seen after this; 0: all were

	members []member // sorted by arrival, then name
	news    bool     // the subscribers must be notified of this operation
}

// ask is what a worker sends in one acquire.
type ask struct {
	worker   string
	rate     float64
	headroom float64
	limit    int // workers admitted at once, 0: all
	want     int
	ahead    int64   // horizon, or cautious without a live subscription
	grace    int64   // how long a state that was lost grants nothing
	silent   int64   // µs left of the upstream's silence, of which this worker is sure
	spell    bool    // the backend was unreachable: other workers may know more than it does
	most     float64 // requests/s that no slot of this worker may exceed, 0: any
	opRate   float64
	opBy     string
	opHold   int64 // µs left of the operator's silence
	ok, bad  int64
}

// grant is the answer: n slots, the k-th due base µs + (off + k·gap) ns, and everything that is
// known.
type grant struct {
	n       int
	base    int64
	off     int64
	gap     int64
	probe   bool
	epoch   int64
	born    int64
	until   int64
	hold    int64
	rate    float64
	rateBy  string
	share   float64
	top     float64
	now     int64
	wait    int64 // µs until asking again makes sense, when n is 0
	goodAt  int64
	outage  bool
	active  int
	standby bool
}

// acquire leases up to a.want slots.
func (s *state) acquire(now int64, rid string, a ask) grant {
	a.grace = max(a.grace, horizon)
	s.enter(now, rid)
	s.see(now, a.worker, a.rate)
	s.learn(now, a)
	s.call(now, a)
	s.judge(now, a.ok, a.bad)
	g := s.lease(now, a)
	g.epoch, g.born, g.until, g.hold = s.epoch, s.born, s.until, s.hold
	g.rate, g.rateBy, g.share = s.rate, s.rateBy, s.share(now)
	g.top = s.ceiling(now)
	g.now, g.goodAt, g.outage = now, s.goodAt, s.probeAt > 0
	return g
}

// enter begins every operation: it notices a state that was lost or tampered with, and a clock that
// was set back.
func (s *state) enter(now int64, rid string) {
	s.news = false
	if s.rid != rid || !s.plausible(now) {
		s.lose(now, rid)
	} else if now < s.at {
		s.shift(s.at - now)
		s.rejuvenate(now)
	}
	s.at = now
}

// bump voids every permit handed out so far.
func (s *state) bump(now int64) {
	s.epoch = max(s.epoch+1, now)
	s.news = true
}

// interval returns T in ns at t, rounded up, so that it is never faster than the rate.
func (s *state) interval(t int64, headroom, most float64) int64 {
	rate := s.rate
	if most > 0 {
		rate = min(rate, most)
	}
	return int64(math.Ceil(nsPerSecond / float64(float64(rate*s.share(t))*(1-headroom))))
}

// lease decides how many slots this worker gets now, or how long it waits.
func (s *state) lease(now int64, a ask) grant {
	rank, active := s.rank(a.worker), len(s.members)
	if a.limit > 0 {
		active = min(active, a.limit)
	}
	g := grant{active: active, wait: heartbeat}
	silent := max(s.until, s.hold)
	g.gap = s.interval(max(now, s.last, silent), a.headroom, a.most)
	switch {
	case a.limit > 0 && rank >= a.limit:
		g.standby = true
	case now < s.born+a.grace:
		g.wait = s.born + a.grace - now
	case s.mustering():
		g.wait = heartbeat / 8
	case s.probeAt > 0:
		s.probe(now, silent, a.want, &g)
	default:
		s.slots(now, silent, rank, a, &g)
	}
	return g
}

// slots is the bucket itself: consecutive slots, gap apart, none more than a.ahead from now.
func (s *state) slots(now, silent int64, rank int, a ask, g *grant) {
	idle := now - s.last
	g.base = max(now, silent)
	if (s.last-g.base)*nsPerMicro+g.gap >= 0 {
		g.base, g.off = s.last, g.gap
	}
	room := (now+a.ahead-g.base)*nsPerMicro - g.off
	if room < 0 {
		g.wait = micros(-room) + s.turn(rank, g.gap)
		return
	}
	fair := max(1, int64(math.Floor(nsPerSecond/float64(g.gap)/float64(g.active))))
	n := min(int64(a.want), room/g.gap+1, fair)
	if n < 1 {
		return
	}
	g.n, g.wait = int(n), 0
	s.last = g.base + micros(g.off+(n-1)*g.gap)
	if s.bad == 0 && idle > s.patience(now)+g.gap/nsPerMicro {
		s.goodAt = now // sending begins here: the silence before it is no evidence about the upstream
	}
}

// turn spreads the waiting workers over the next slots, so that they do not all come at once.
func (s *state) turn(rank int, gap int64) int64 {
	places := max(1, heartbeat*nsPerMicro/gap)
	return int64(rank) % places * gap / nsPerMicro
}

// micros rounds ns up.
func micros(ns int64) int64 { return (ns + nsPerMicro - 1) / nsPerMicro }
