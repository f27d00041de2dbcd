package retry

import (
	"strings"
	"time"
)

// field reads one header, given its lines. Retry-After is not among them.
func (r *reader) field(name string, lines []string) {
	n := strings.ToLower(name)
	line := strings.Join(lines, ", ")
	switch n {
	case "ratelimit":
		r.rateLimit(name, line)
	case "ratelimit-policy":
		r.policy(name, line)
	case "x-shopify-shop-api-call-limit":
		r.bucket(name, line)
	case "stripe-rate-limited-reason":
		r.scope = strings.TrimSpace(line)
	default:
		if family, rest, ok := cutFamily(n); ok {
			r.triple(name, family, rest, line)
		}
	}
}

// cutFamily knows the prefixes under which limit, remaining and reset are sent.
func cutFamily(name string) (family, rest string, ok bool) {
	for _, family := range []string{"ratelimit-", "x-ratelimit-", "x-rate-limit-", "anthropic-ratelimit-"} {
		if rest, ok := strings.CutPrefix(name, family); ok {
			return family, rest, true
		}
	}
	return "", "", false
}

// triple reads one of the classic headers. Some add what is limited, before or
// after: x-ratelimit-reset-requests, anthropic-ratelimit-tokens-reset,
// x-ratelimit-limit-minute. Each such group is a limit of its own.
func (r *reader) triple(name, family, rest, line string) {
	word, group := cutWord(rest)
	family += group
	var ok bool
	switch word {
	case "limit":
		ok = r.limit(r.window(family), line)
	case "remaining":
		ok = r.remaining(r.window(family), line)
	case "reset", "resettime", "reset-time":
		ok = r.resetOf(r.window(family), name, line, false)
	case "reset-after":
		ok = r.resetOf(r.window(family), name, line, true)
	case "interval":
		var d time.Duration
		d, ok = r.interval(line)
		r.window(family).length = d
	case "resource", "bucket", "scope":
		r.scope = strings.TrimSpace(line)
		return
	default: // used, observed, global and others say nothing that we need
		return
	}
	if !ok {
		r.bad(name)
	}
	r.group(r.window(family), group)
}

// cutWord takes the word that says what the number is out of the rest of a
// header's name; what is left names the group.
func cutWord(rest string) (word, group string) {
	for _, word := range []string{"reset-after", "reset-time", "resettime", "limit", "remaining", "reset",
		"interval", "resource", "bucket", "scope"} {
		if rest == word {
			return word, ""
		}
		if group, ok := strings.CutPrefix(rest, word+"-"); ok {
			return word, group
		}
		if group, ok := strings.CutSuffix(rest, "-"+word); ok {
			return word, group
		}
	}
	return rest, ""
}

// group is what a name like "tokens" or "minute" says about its limit.
func (r *reader) group(w *window, group string) {
	switch group {
	case "", "requests", "request":
	case "second":
		w.length = time.Second
	case "minute":
		w.length = time.Minute
	case "hour":
		w.length = time.Hour
	case "day":
		w.length = 24 * time.Hour
	default:
		w.foreign = true
	}
}

// limit reads "100" and "100, 100;w=60, 1000;w=3600", where the first number is
// the limit that counts now and the others are the policies it comes from.
func (r *reader) limit(w *window, line string) bool {
	for i, part := range strings.Split(line, ",") {
		number, params, _ := strings.Cut(part, ";")
		d, ok := parseDecimal(number)
		if !ok {
			return false
		}
		if i == 0 {
			w.limit = d.floor()
		}
		if length, ok := windowParam(params); ok && d.floor() == w.limit {
			w.length = length
		}
	}
	return true
}

func windowParam(params string) (time.Duration, bool) {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if key != "w" && key != "window" {
			continue
		}
		if d, ok := parseDecimal(value); ok {
			return d.seconds(), true
		}
	}
	return 0, false
}

// remaining takes the least of several values.
func (r *reader) remaining(w *window, line string) bool {
	for part := range strings.SplitSeq(line, ",") {
		d, ok := parseDecimal(part)
		if !ok {
			return false
		}
		if n := d.floor(); w.remaining < 0 || n < w.remaining {
			w.remaining = n
		}
	}
	return true
}

// resetOf takes the latest of several values.
func (r *reader) resetOf(w *window, name, line string, after bool) bool {
	if w.after && !after {
		return true
	}
	pinned := r.unit
	if after {
		r.unit = UnitDelta
		w.reset = 0
	}
	defer func() { r.unit = pinned }()
	for _, part := range splitValues(line) {
		d, ok := r.reset(part)
		if !ok {
			return false
		}
		w.after = after
		if w.source == "" || d > w.reset {
			w.reset, w.source = d, name
		}
	}
	return true
}

// interval reads the length of a window: "1s" or seconds.
func (r *reader) interval(line string) (time.Duration, bool) {
	if d, ok := parseDecimal(line); ok {
		return d.seconds(), true
	}
	d, err := time.ParseDuration(strings.TrimSpace(line))
	return min(max(d, 0), MostWait), err == nil && d >= 0
}

// bucket reads Shopify's "39/40": how full the leaky bucket is, and its size.
func (r *reader) bucket(name, line string) {
	used, size, _ := strings.Cut(line, "/")
	u, ok1 := parseDecimal(used)
	s, ok2 := parseDecimal(size)
	if !ok1 || !ok2 {
		r.bad(name)
		return
	}
	w := r.window(name)
	w.limit, w.remaining = s.floor(), max(0, s.floor()-u.floor())
}
