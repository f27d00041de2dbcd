package retry

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Unit is how a bare number in a reset header is read.
type Unit uint8

// The units. A profile pins one if the guess by size would be wrong.
const (
	UnitGuess      Unit = iota // by its size, see reader.reset
	UnitDelta                  // seconds from now
	UnitEpoch                  // seconds since 1970
	UnitEpochMilli             // milliseconds since 1970
	UnitMilli                  // milliseconds from now
	UnitMicro                  // microseconds from now
	UnitNano                   // nanoseconds from now
	UnitMinute                 // minutes from now
	UnitHour                   // hours from now
	UnitDay                    // days from now
)

// MaxWait is the longest wait that is believed: a hint that asks for more is wrong. It is short
// enough that no arithmetic on it overflows.
const MaxWait = 366 * 24 * time.Hour

// Hint is what the rate-limit headers of one answer ask for.
type Hint struct {
	Wait      time.Duration // silence asked for; 0 means none, never "at once"
	WaitUntil time.Time     // now + Wait on the local clock; zero without Wait
	Source    string        // the header that asked for Wait
	Asked     bool          // Wait is what a Retry-After asks for, not the reset of a limit

	// These are of the policy that leaves least room.
	Remaining int64         // requests left in the window; -1 when unknown
	Limit     int64         // requests per window; -1 when unknown
	Reset     time.Duration // until Remaining is filled up again; 0 when unknown
	Window    time.Duration // length of the window; 0 when unknown

	Concurrency int64    // requests allowed at once; 0 when unknown
	Scope       string   // what the limit is about, if the upstream names it
	Malformed   []string // headers that could not be parsed, sorted, each once
}

// Pace returns the rate in requests/s that uses up Remaining just when the window ends, never above
// the budget. It returns the budget if the headers do not limit it.
func (h Hint) Pace(budget float64) float64 {
	if h.Remaining <= 0 || h.Reset <= 0 {
		return budget
	}
	return min(budget, float64(h.Remaining)/h.Reset.Seconds())
}

// ParseHint reads the rate-limit headers of an answer with this status that came at now, whatever
// their dialect. Absolute times count from the answer's own Date, so that a wrong clock on either
// side does no harm. A field that cannot be parsed is ignored and listed in Malformed.
//
// Retry-After and its like win over every other header. They are read on 202, 4xx and 5xx only. A
// limit that is used up asks to wait for its reset on any status. On 429 so does a reset without a
// count of what remains, and a limit on something other than requests.
func ParseHint(h http.Header, status int, now time.Time, unit Unit) Hint {
	r := reader{status: status, clock: now, unit: unit}
	names := LimitHeaders(h)
	if len(names) == 0 {
		return Hint{Remaining: -1, Limit: -1}
	}
	r.clock = serverClock(h, now)
	for _, name := range names {
		dialectOf(name).read(&r, name, h[name])
	}
	return r.hint(now)
}

// serverClock returns the answer's own Date, unless it is absent or too far off to be a clock.
func serverClock(h http.Header, now time.Time) time.Time {
	date, ok := parseDate(strings.TrimSpace(h.Get("Date")))
	if !ok || date.Sub(now).Abs() >= 24*time.Hour {
		return now
	}
	return date
}

// reader collects the contents of one answer's headers.
type reader struct {
	status    int
	clock     time.Time // absolute times are read against it
	unit      Unit
	wait      time.Duration // of Retry-After
	source    string        // of wait
	exact     time.Duration // of Retry-After in milliseconds or less
	exactly   string        // the source of exact
	windows   []window
	scope     string
	malformed []string
}

// window is one limit, from whatever headers describe it.
type window struct {
	family    string // the dialect, and the policy's name in it
	source    string // the header that holds the reset
	foreign   bool   // not about requests
	parallel  bool   // about requests at once
	limit     int64  // -1 when unknown
	remaining int64  // -1 when unknown
	reset     time.Duration
	number    bool // reset is a bare number that was read as seconds
	after     bool // reset is from a header with a duration, which wins over one with an instant
	length    time.Duration
	unlimited bool   // the limit is given as -1
	part      string // the family that this window is a part of, by its length
}

func (r *reader) bad(name string) {
	name = http.CanonicalHeaderKey(name)
	if !slices.Contains(r.malformed, name) {
		r.malformed = append(r.malformed, name)
	}
}

// window returns the window of a family; the first header of a family makes it.
func (r *reader) window(family string) *window {
	for i := range r.windows {
		if r.windows[i].family == family {
			return &r.windows[i]
		}
	}
	r.windows = append(r.windows, window{family: family, limit: -1, remaining: -1})
	return &r.windows[len(r.windows)-1]
}

// hint draws the conclusions.
func (r *reader) hint(now time.Time) Hint {
	r.settle()
	h := Hint{Wait: r.wait, Source: r.source, Asked: r.wait > 0, Remaining: -1, Limit: -1, Scope: r.scope}
	if h.Wait <= 0 {
		h.Wait, h.Source = r.exhausted()
	}
	if h.Wait > 0 {
		h.WaitUntil = now.Add(h.Wait)
	}
	if w := r.tightest(); w != nil {
		h.Remaining, h.Limit, h.Reset, h.Window = w.remaining, w.limit, w.reset, w.length
	}
	for _, w := range r.windows {
		if w.parallel && w.limit > 0 && (h.Concurrency == 0 || w.limit < h.Concurrency) {
			h.Concurrency = w.limit
		}
	}
	slices.Sort(r.malformed)
	h.Malformed = r.malformed
	return h
}

// exhausted returns the longest reset among the limits that are used up.
func (r *reader) exhausted() (wait time.Duration, source string) {
	limited := r.status == http.StatusTooManyRequests
	for _, w := range r.windows {
		used := w.remaining == 0 || (w.remaining < 0 && limited)
		if used && (!w.foreign || limited) && w.reset > wait {
			wait, source = w.reset, w.source
		}
	}
	return wait, source
}

// tightest returns the limit on requests with the least remaining per time.
func (r *reader) tightest() *window {
	var best *window
	for i := range r.windows {
		w := &r.windows[i]
		if w.foreign || (best != nil && !w.tighter(best)) {
			continue
		}
		best = w
	}
	return best
}

// tighter compares remaining/reset without dividing by a reset that may be 0.
func (w *window) tighter(than *window) bool {
	switch {
	case w.remaining < 0 || than.remaining < 0:
		return w.remaining > than.remaining // one that knows beats one that does not
	case w.reset <= 0 || than.reset <= 0:
		return w.reset > than.reset
	case w.remaining == 0 && than.remaining == 0:
		return w.reset > than.reset
	}
	return float64(w.remaining)*than.reset.Seconds() < float64(than.remaining)*w.reset.Seconds()
}
