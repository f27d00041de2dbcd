package retry

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The spans that a bare number may mean, judged by its size.
const (
	longestAfter = MaxWait             // of a Retry-After in seconds, as in the standard
	longestReset = 31 * 24 * time.Hour // of a reset in seconds: no limit is counted by more than the month
	longestTicks = 24 * time.Hour      // of a number of milliseconds
)

// after reads the value of a Retry-After: seconds, or whatever else servers write there.
func (r *reader) after(s string, unit Unit) (time.Duration, bool) {
	s, _, _ = strings.Cut(s, ";")
	s = unquote(s)
	if d, ok := parseDecimal(s); ok {
		if n := epochDigits[unit]; n > 0 && len(d.whole) >= n {
			unit = UnitGuess
		}
		wait, _, ok := r.number(d, unit, longestAfter)
		if n := len(d.whole); unit == UnitGuess && n >= 10 && wait == 0 && ok && r.longPast(d) {
			return 0, false
		}
		return wait, ok
	}
	return r.words(s)
}

// longPast reports whether an epoch is too far back to be one.
func (r *reader) longPast(d decimal) bool {
	t, ok := epoch(d)
	return ok && r.clock.Sub(t) > MaxWait
}

// reset reads the value of a reset header: a number in any unit, a duration, or a date. number is
// true for a bare number that was taken for seconds.
func (r *reader) reset(s string, unit Unit) (wait time.Duration, number, ok bool) {
	s = unquote(s)
	if d, ok := parseDecimal(s); ok {
		return r.number(d, unit, longestReset)
	}
	wait, ok = r.words(s)
	return wait, false, ok
}

// number reads a bare number. Seconds from now and the epochs differ by size: 10^9 seconds from now
// is 31 years, and 10^9 seconds after 1970 is 2001, so neither can be mistaken for the other. A
// number that is longer than any wait in seconds may be one in milliseconds; if it is too long for
// that too, it is wrong.
func (r *reader) number(d decimal, unit Unit, longest time.Duration) (wait time.Duration, seconds, ok bool) {
	switch unit {
	case UnitDelta:
		return d.seconds(), false, true
	case UnitMilli, UnitMicro, UnitNano, UnitMinute, UnitHour, UnitDay:
		wait, ok = d.inUnits(unitLength[unit])
		return wait, false, ok
	case UnitEpoch:
		wait, ok = r.until(time.UnixMilli(d.millis()))
		return wait, false, ok
	case UnitEpochMilli:
		wait, ok = r.until(time.UnixMilli(d.floor()))
		return wait, false, ok
	case UnitGuess:
	}
	if len(d.whole) >= 10 {
		t, ok := epoch(d)
		if !ok {
			return 0, false, false
		}
		wait, ok = r.until(t)
		return wait, false, ok
	}
	if d.floor() <= int64(longest/time.Second) {
		return d.seconds(), true, true
	}
	if wait = span(d.floor()); wait > longestTicks {
		return 0, false, false
	}
	return wait, false, true
}

// epoch reads a number since 1970, in seconds, milliseconds, microseconds or nanoseconds by its
// size.
func epoch(d decimal) (time.Time, bool) {
	n := len(d.whole)
	if n > 19 { // not an instant in any unit
		return time.Time{}, false
	}
	if n < 12 {
		return time.UnixMilli(d.millis()), true
	}
	v, err := strconv.ParseInt(d.whole, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case n < 15:
		return time.UnixMilli(v), true
	case n < 18:
		return time.UnixMicro(v), true
	}
	return time.Unix(0, v), true
}

// words reads what is not a bare number: a negative one, which is 0; a span, or a date.
func (r *reader) words(s string) (time.Duration, bool) {
	if number, ok := strings.CutPrefix(s, "-"); ok {
		_, ok = parseDecimal(number)
		return 0, ok
	}
	if d, ok := spanOf(s); ok {
		return d, d <= MaxWait
	}
	return r.date(s)
}

// spanOf reads 30s, 6m0s, 120ms, "30 seconds", "1 min 30 sec", "in 2 minutes", PT1M30S and
// 00:01:30.
func spanOf(s string) (time.Duration, bool) {
	s = strings.TrimPrefix(strings.ToUpper(s), "IN ")
	if s == "" {
		return 0, false
	}
	if s[0] == 'P' {
		return isoSpan(s)
	}
	if d, ok := clockSpan(s); ok {
		return d, true
	}
	return unitSpan(strings.ToLower(s))
}

// unitSpan sums up numbers that each have a unit behind them.
func unitSpan(s string) (total time.Duration, ok bool) {
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i <= 0 {
			return 0, false
		}
		d, ok := parseDecimal(s[:i])
		s = strings.TrimLeft(s[i:], " ")
		if i = strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }); i < 0 {
			i = len(s)
		}
		unit := spanUnits[s[:i]]
		if !ok || unit == 0 || d.floor() > int64(MaxWait/unit) || total > MaxWait {
			return 0, false
		}
		total += d.times(unit)
		s = strings.TrimPrefix(strings.TrimLeft(s[i:], ". "), "and ")
	}
	return total, true
}

// clockSpan reads what .NET prints: 00:01:30, 00:00:01.5000000 and, with days, 1.02:00:00.
func clockSpan(s string) (time.Duration, bool) {
	hours, rest, ok1 := strings.Cut(s, ":")
	minutes, seconds, ok2 := strings.Cut(rest, ":")
	days, dayHours, ok := strings.Cut(hours, ".")
	if !ok {
		days, dayHours = "0", hours
	}
	if !ok1 || !ok2 {
		return 0, false
	}
	var total time.Duration
	for _, part := range [...]struct {
		text string
		unit time.Duration
	}{{days, 24 * time.Hour}, {dayHours, time.Hour}, {minutes, time.Minute}, {seconds, time.Second}} {
		d, ok := parseDecimal(part.text)
		if !ok || d.floor() > int64(MaxWait/part.unit) {
			return 0, false
		}
		total += d.times(part.unit)
	}
	return total, true
}

// inUnits is the number of units, rounded up to milliseconds, false for more than any wait.
func (d decimal) inUnits(unit time.Duration) (time.Duration, bool) {
	whole, err := strconv.ParseInt("0"+d.whole, 10, 64)
	if err != nil || whole >= int64(MaxWait/unit) {
		return 0, false
	}
	wait := time.Duration(whole)*unit + time.Duration(decimal{frac: d.frac}.millis())*unit/1000
	if d.frac != "" && unit < time.Millisecond && strings.Trim(d.frac, "0") != "" {
		wait++
	}
	if over := wait % time.Millisecond; over > 0 {
		wait += time.Millisecond - over
	}
	return wait, true
}

// times is the number of units, which is at most MaxWait of them.
func (d decimal) times(unit time.Duration) time.Duration {
	whole := d.floor()
	return time.Duration(whole)*unit + time.Duration(d.millis()-whole*1000)*unit/1000
}

// spanUnits are the words for units.
var spanUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond, "msec": time.Millisecond, "msecs": time.Millisecond, "millis": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second, "m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// isoSpan reads an ISO 8601 duration. Years and months, whose length varies, are accepted only if
// they are zero.
func isoSpan(s string) (time.Duration, bool) {
	days, clock, timed := strings.Cut(s[1:], "T")
	days = strings.TrimPrefix(strings.TrimPrefix(days, "0Y"), "0M")
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	total, parts, ok := isoParts(days, units)
	if !ok || !timed {
		return total, ok && parts > 0
	}
	more, n, ok := isoParts(clock, map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second})
	return total + more, ok && n > 0
}

func isoParts(s string, units map[byte]time.Duration) (total time.Duration, parts int, ok bool) {
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i <= 0 {
			return 0, 0, false
		}
		d, ok := parseDecimal(s[:i])
		unit := units[s[i]]
		if !ok || unit == 0 || d.floor() > int64(MaxWait/unit) || total > MaxWait {
			return 0, 0, false
		}
		total += d.times(unit)
		s, parts = s[i+1:], parts+1
	}
	return total, parts, true
}
