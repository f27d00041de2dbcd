package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// decimal is a plain non-negative number as headers write it: digits, and perhaps a point with more
// digits. It has no sign, exponent, hex, inf or nan. It stays text, so that rounding up is exact
// and no size overflows.
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

// parseCount reads a count; -1 and its like are 0, and noted.
func parseCount(s string) (n int64, minus, ok bool) {
	number, minus := strings.CutPrefix(unquote(s), "-")
	d, ok := parseDecimal(number)
	if minus {
		return 0, true, ok
	}
	return d.floor(), false, ok
}

// unquote removes blanks and one pair of quotes.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return strings.TrimSpace(s[1 : n-1])
	}
	return s
}

// floor returns the whole part; numbers beyond all limits are cut to 10^15.
func (d decimal) floor() int64 {
	const most = 1e15
	n, err := strconv.ParseInt("0"+d.whole, 10, 64)
	if err != nil || n > most {
		return most
	}
	return n
}

// millis returns the number times 1,000, rounded up.
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

// span returns a number of milliseconds as a Duration, at most [MaxWait].
func span(millis int64) time.Duration {
	if millis >= int64(MaxWait/time.Millisecond) {
		return MaxWait
	}
	return time.Duration(millis) * time.Millisecond
}

// until returns the time from the server's clock to t, never negative. It is false for an instant
// too far away to wait for.
func (r *reader) until(t time.Time) (time.Duration, bool) {
	d := t.Sub(r.clock)
	if d <= 0 {
		return 0, true
	}
	if d > MaxWait {
		return 0, false
	}
	if over := d % time.Millisecond; over > 0 {
		d += time.Millisecond - over
	}
	return d, true
}

// retry reads Retry-After, under whatever name. One in milliseconds or less is more exact; what
// else comes to the longest wait counts.
func (r *reader) retry(name string, lines []string) {
	if !heeds(r.status) {
		return
	}
	unit := unitNamed(name)
	exact := unit == UnitMilli || unit == UnitMicro || unit == UnitNano
	for _, line := range lines {
		for _, value := range splitValues(line) {
			d, ok := r.after(value, unit)
			switch {
			case !ok:
				r.bad(name)
			case exact && d > r.exact:
				r.exact, r.exactly = d, name
			case !exact && d > r.wait:
				r.wait, r.source = d, name
			}
		}
	}
}

// heeds reports whether a Retry-After on this status is about the next request.
func heeds(status int) bool { return status == http.StatusAccepted || status >= 400 }

// splitValues splits a list at its commas, but not at the one within an HTTP-date.
func splitValues(line string) []string {
	parts := strings.Split(line, ",")
	values := parts[:0]
	for i := 0; i < len(parts); i++ {
		v := strings.TrimSpace(parts[i])
		if weekday(strings.TrimLeft(v, "\"'")) && i+1 < len(parts) {
			i++
			v += ", " + strings.TrimSpace(parts[i])
		}
		values = append(values, v)
	}
	return values
}

func weekday(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()) || strings.EqualFold(s, d.String()[:3]) {
			return true
		}
	}
	return false
}
