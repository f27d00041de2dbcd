package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// decimal is a plain non-negative number as headers write it: digits, and
// perhaps a point with more digits. No sign, exponent, hex, inf or nan. It stays
// text, so that rounding up is exact and no size overflows.
type decimal struct{ whole, frac string }

func parseDecimal(s string) (decimal, bool) {
	whole, frac, point := strings.Cut(strings.TrimSpace(s), ".")
	if !digits(whole) || (point && !digits(frac)) {
		return decimal{}, false
	}
	return decimal{whole: strings.TrimLeft(whole, "0"), frac: frac}, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// floor is the whole part; numbers beyond all limits are cut to 10^15.
func (d decimal) floor() int64 {
	const most = 1e15
	n, err := strconv.ParseInt("0"+d.whole, 10, 64)
	if err != nil || n > most {
		return most
	}
	return n
}

// millis is the number times 1,000, rounded up.
func (d decimal) millis() int64 {
	thousandths := (d.frac + "000")[:3]
	n, _ := strconv.ParseInt(thousandths, 10, 64) // three digits cannot fail
	if len(d.frac) > 3 && strings.Trim(d.frac[3:], "0") != "" {
		n++
	}
	return d.floor()*1000 + n
}

// seconds reads the number as a span in seconds, rounded up to milliseconds.
func (d decimal) seconds() time.Duration { return span(d.millis()) }

// span is a number of milliseconds as a Duration, at most MostWait.
func span(millis int64) time.Duration {
	if millis >= int64(MostWait/time.Millisecond) {
		return MostWait
	}
	return time.Duration(millis) * time.Millisecond
}

// until is the time from the server's clock to t, never negative.
func (r *reader) until(t time.Time) time.Duration {
	d := t.Sub(r.clock)
	if d <= 0 {
		return 0
	}
	d = min(d, MostWait)
	if over := d % time.Millisecond; over > 0 {
		d += time.Millisecond - over
	}
	return d
}

// retryAfter reads Retry-After, and before it the form in milliseconds that some send.
func (r *reader) retryAfter(h http.Header) {
	if !heeds(r.status) {
		return
	}
	r.longest(h, "Retry-After-Ms", func(s string) (time.Duration, bool) {
		d, ok := parseDecimal(s)
		up := int64(0)
		if strings.Trim(d.frac, "0") != "" {
			up = 1
		}
		return span(d.floor() + up), ok
	})
	if r.wait > 0 {
		return
	}
	r.longest(h, "Retry-After", func(s string) (time.Duration, bool) {
		if d, ok := parseDecimal(s); ok {
			return d.seconds(), true
		}
		return r.date(s)
	})
}

// heeds tells on which statuses a Retry-After is about the next request.
func heeds(status int) bool {
	switch status {
	case http.StatusAccepted, http.StatusForbidden, http.StatusRequestTimeout,
		http.StatusRequestEntityTooLarge, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// longest takes the largest of the values of a header: to wait too long is polite, too short is not.
func (r *reader) longest(h http.Header, name string, parse func(string) (time.Duration, bool)) {
	for _, line := range h.Values(name) {
		for _, value := range splitValues(line) {
			d, ok := parse(value)
			if !ok {
				r.bad(name)
			} else if d > r.wait {
				r.wait, r.source = d, name
			}
		}
	}
}

// splitValues splits a list at its commas, but not at the one within an HTTP-date.
func splitValues(line string) []string {
	parts := strings.Split(line, ",")
	values := parts[:0]
	for i := 0; i < len(parts); i++ {
		v := strings.TrimSpace(parts[i])
		if weekday(v) && i+1 < len(parts) {
			i++
			v += ", " + strings.TrimSpace(parts[i])
		}
		values = append(values, v)
	}
	return values
}

func weekday(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if s == d.String() || s == d.String()[:3] {
			return true
		}
	}
	return false
}

// date reads the formats of RFC 9110 and RFC 3339.
func (r *reader) date(s string) (time.Duration, bool) {
	if t, err := http.ParseTime(s); err == nil {
		return r.until(t), true
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return r.until(t), true
	}
	return 0, false
}

// javaScript is what Date.prototype.toString writes, without the zone's name in brackets.
const javaScript = "Mon Jan 2 2006 15:04:05 GMT-0700"

// reset reads the value of a reset header: a number in whatever unit, a Go
// duration, RFC 3339, an HTTP-date, or a date as JavaScript prints it.
func (r *reader) reset(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if d, ok := parseDecimal(s); ok {
		return r.resetNumber(d)
	}
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		if d, err := time.ParseDuration(s); err == nil {
			return min(d, MostWait), true
		}
	}
	if d, ok := r.date(s); ok {
		return d, true
	}
	plain, _, _ := strings.Cut(s, " (")
	if t, err := time.Parse(javaScript, plain); err == nil {
		return r.until(t), true
	}
	return 0, false
}

// resetNumber tells seconds from now and the epochs apart by size: 10^9 seconds
// from now is 31 years, and 10^9 seconds after 1970 is 2001, so neither reading
// can be meant by the other.
func (r *reader) resetNumber(d decimal) (time.Duration, bool) {
	n := len(d.whole)
	switch {
	case r.unit == UnitDelta, r.unit == UnitGuess && n < 10:
		return d.seconds(), true
	case n > 19: // no instant in any unit
		return 0, false
	case r.unit == UnitEpoch, r.unit == UnitGuess && n < 12:
		return r.until(time.UnixMilli(d.millis())), true
	case r.unit == UnitEpochMilli, n < 15:
		return r.until(time.UnixMilli(d.floor())), true
	}
	v, err := strconv.ParseInt(d.whole, 10, 64)
	if err != nil {
		return 0, false
	}
	if n < 18 {
		return r.until(time.UnixMicro(v)), true
	}
	return r.until(time.Unix(0, v)), true
}
