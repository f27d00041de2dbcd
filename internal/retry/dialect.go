package retry

import (
	"regexp"
	"strings"
	"time"
)

// dialect is a family of headers: how their names are recognised, and what reads them.
type dialect struct {
	exact, part string // the whole name, or what it holds, in lower case
	read        func(r *reader, name string, lines []string)
}

// dialects are all that is understood. The first one that matches a name reads it.
var dialects = []dialect{
	{part: "retry-after", read: (*reader).retry}, // X-Retry-After, x-ms-retry-after-ms, X-RateLimit-Retry-After-Seconds
	{part: "retryafter", read: (*reader).retry},
	{part: "retry-in", read: (*reader).retry},
	{exact: "ratelimit", read: onLine((*reader).rateLimit)},
	{exact: "ratelimit-policy", read: onLine((*reader).policy)},
	{exact: "x-shopify-shop-api-call-limit", read: onLine((*reader).bucket)},
	{exact: "stripe-rate-limited-reason", read: onLine((*reader).reason)},
	{part: "ratelimit-", read: onLine((*reader).family)}, // with any vendor's prefix
	{part: "rate-limit-", read: onLine((*reader).family)},
	{part: "ratelimit", read: onLine((*reader).family)}, // X-RateLimitReset
	{part: "limit-re", read: onLine((*reader).family)},  // X-ESI-Error-Limit-Remain, X-Bapi-Limit-Reset-Timestamp
	{part: "quota-re", read: onLine((*reader).family)},  // x-ms-user-quota-remaining, X-Quota-Reset
}

// onLine reads the lines of a header as one list.
func onLine(read func(r *reader, name, line string)) func(*reader, string, []string) {
	return func(r *reader, name string, lines []string) { read(r, name, strings.Join(lines, ", ")) }
}

// dialectOf returns the dialect of a header's name in any case, nil for a header that is not about
// rates. For most answers it is the only work done.
func dialectOf(name string) *dialect {
	for i := range dialects {
		d := &dialects[i]
		if d.exact != "" && strings.EqualFold(name, d.exact) || d.part != "" && containsFold(name, d.part) {
			return d
		}
	}
	return nil
}

// containsFold reports whether s holds the part, which is in lower case.
func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i]|0x20 == part[0] && strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

func (r *reader) reason(_, line string) { r.scope = strings.TrimSpace(line) }

// family reads limit, remaining and reset with whatever prefix.
func (r *reader) family(name, line string) {
	n := strings.ToLower(name)
	for _, part := range []string{"ratelimit-", "rate-limit-", "ratelimit", "limit-", "quota-"} {
		if i := strings.Index(n, part); i >= 0 {
			r.triple(name, n[:i+len(part)], n[i+len(part):], line)
			return
		}
	}
}

// triple reads one of the classic headers. Some add what is limited, before or after:
// x-ratelimit-reset-requests, anthropic-ratelimit-tokens-reset, x-ratelimit-limit-minute. Each such
// group is a limit of its own.
func (r *reader) triple(name, family, rest, line string) {
	rest, unit := cutUnit(rest)
	word, group := cutWord(rest)
	if group == "time" { // X-Rate-Limit-Time-Reset-Ms beside X-Rate-Limit-Requests-Left
		group = "requests"
	}
	family += group
	var ok bool
	switch word {
	case "limit":
		ok = r.limit(family, line)
	case "remaining":
		ok = r.remaining(family, line)
	case "reset", "reset-after":
		after := true
		switch {
		case unit != UnitGuess:
			unit = unitOrEpoch(unit, line)
		case word == "reset-after":
			unit = UnitDelta
		default:
			unit, after = r.unit, false
		}
		ok = r.resetOf(family, name, line, unit, after)
	case "interval":
		var d time.Duration
		d, ok = r.interval(line)
		r.window(family).length = d
	case "scope":
		r.scope = strings.TrimSpace(line)
		return
	default: // used, observed, global and others carry nothing that we need
		return
	}
	if !ok {
		r.bad(name)
	}
	r.group(r.window(family), group)
}

// rateWords are the words for what a number is, and what each means; a longer word comes before its
// own beginning.
var rateWords = []struct{ written, means string }{
	{"nearlimit", "near"}, // true or false
	{"resets-after", "reset-after"}, {"resets-in", "reset-after"}, {"reset-after", "reset-after"}, {"resetafter", "reset-after"}, {"reset-in", "reset-after"}, {"resetin", "reset-after"},
	{"reset-timestamp", "reset"}, {"reset-time", "reset"}, {"resettime", "reset"}, {"reset-at", "reset"}, {"resetat", "reset"}, {"reset-date", "reset"}, {"reset-epoch", "reset"}, {"reset-unix", "reset"}, {"reset-utc", "reset"}, {"reset-seconds", "reset"}, {"reset-sec", "reset"},
	{"limit", "limit"}, {"remaining", "remaining"}, {"remain", "remaining"}, {"left", "remaining"}, {"reset", "reset"}, {"resets", "reset"}, {"interval", "interval"}, {"window", "interval"}, {"resource", "scope"}, {"bucket", "scope"}, {"scope", "scope"},
}

// cutWord removes from the rest of a header's name the word for what the number is; what is left
// names the group.
func cutWord(rest string) (word, group string) {
	for _, word := range rateWords {
		if rest == word.written {
			return word.means, ""
		}
		if group, ok := strings.CutPrefix(rest, word.written+"-"); ok {
			return word.means, group
		}
		if group, ok := strings.CutSuffix(rest, word.written); ok { // X-RateLimit-UserRemaining
			return word.means, strings.TrimSuffix(group, "-")
		}
	}
	return rest, ""
}

// group applies what a name like "tokens" or "minute" means for its limit.
func (r *reader) group(w *window, group string) {
	switch group {
	case "", "requests", "request", "calls", "user", "path", "ip", "client", "key", "api", "app", "global", "endpoint":
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

// member is one value of a list, with the length of its window if it has one: 76;w=21600.
type member struct {
	value  string
	length time.Duration
}

func members(line string) []member {
	var all []member
	for _, part := range splitValues(plainNumber(line)) {
		value, params, _ := strings.Cut(part, ";")
		m := member{value: value}
		m.length, _ = windowParam(params)
		all = append(all, m)
	}
	return all
}

// grouped is a number with a comma before each three digits. One group at least begins with a zero,
// as no member of a list does.
var grouped = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})*,0[0-9]{2}(,[0-9]{3})*$`)

// plainNumber removes the commas of 1,000 and its like, which are not those of a list.
func plainNumber(line string) string {
	if number := unquote(line); grouped.MatchString(number) {
		return strings.ReplaceAll(number, ",", "")
	}
	return line
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

// windowOf returns the window of a member: the family's own, or the one of that length.
func (r *reader) windowOf(family string, m member) *window {
	if m.length <= 0 {
		return r.window(family)
	}
	w := r.window(family + ";w=" + m.length.String())
	w.length, w.part = m.length, family
	return w
}

// limit reads "100" and "100, 100;w=60, 1000;w=3600", where the first number is the limit that
// counts now and the others are the policies it comes from.
func (r *reader) limit(family, line string) bool {
	r.window(family)
	for i, m := range members(line) {
		n, minus, ok := parseCount(m.value)
		if !ok {
			return false
		}
		if m.length > 0 && !minus {
			r.windowOf(family, m).limit = n
		}
		w := r.window(family)
		switch {
		case minus:
			w.unlimited = true
			continue
		case i == 0:
			w.limit = n
		}
		if m.length > 0 && n == w.limit {
			w.length = m.length
		}
	}
	return true
}

// remaining reads several values and keeps the least.
func (r *reader) remaining(family, line string) bool {
	for _, m := range members(line) {
		n, _, ok := parseCount(m.value)
		if !ok {
			return false
		}
		if w := r.windowOf(family, m); w.remaining < 0 || n < w.remaining {
			w.remaining = n
		}
	}
	return true
}

// resetOf reads several values and keeps the latest.
func (r *reader) resetOf(family, name, line string, unit Unit, after bool) bool {
	for _, m := range members(line) {
		w := r.windowOf(family, m)
		if w.after && !after {
			continue
		}
		d, number, ok := r.reset(m.value, unit)
		if !ok {
			return false
		}
		if after && !w.after {
			w.reset, w.source, w.after = 0, "", true
		}
		if w.source == "" || d > w.reset {
			w.reset, w.source, w.number = d, name, number
		}
	}
	return true
}

// unitOrEpoch is the unit of a header that is named for one: an epoch, or from now.
func unitOrEpoch(unit Unit, line string) Unit {
	if d, ok := parseDecimal(unquote(line)); ok && epochDigits[unit] > 0 && len(d.whole) >= epochDigits[unit] {
		return UnitGuess
	}
	return unit
}

// settle merges the windows of a family, and takes resets that cannot be seconds for milliseconds.
func (r *reader) settle() {
	if r.exact > 0 && r.wait <= (r.exact+time.Second-1).Truncate(time.Second) {
		r.wait, r.source = r.exact, r.exactly
	}
	for i := range r.windows {
		w := &r.windows[i]
		if w.part != "" {
			w.complete(r.window(w.part))
		}
		if w.unlimited {
			w.remaining = -1
		}
	}
	for i := range r.windows {
		w := &r.windows[i]
		if w.number && w.inMillis(r.wait) {
			w.reset = max(w.reset/1000, time.Millisecond)
		}
	}
}

// complete fills in what is known only of the whole family, and passes on what is known only of
// this length.
func (w *window) complete(family *window) {
	if w.remaining < 0 && family.remaining >= 0 && w.reset > 0 {
		w.remaining = family.remaining
	}
	if w.reset == 0 && family.reset > 0 && w.remaining >= 0 {
		w.reset, w.source, w.number = family.reset, family.source, family.number
	}
	if w.limit < 0 {
		w.limit = family.limit
	}
	w.foreign = w.foreign || family.foreign
}

// inMillis reports whether a reset that was read as seconds is meant as milliseconds: it is longer
// than the window, or Retry-After implies it, or it is a round thousand but not a number of hours,
// which a countdown in seconds hits once in a thousand answers.
func (w *window) inMillis(retryAfter time.Duration) bool {
	millis := w.reset / 1000
	switch {
	case w.length > 0 && w.length <= 24*time.Hour:
		return w.reset > w.length+w.length/2 && millis <= w.length+time.Second
	case retryAfter > 0 && w.reset > 10*retryAfter:
		return (millis - retryAfter).Abs() <= time.Second
	}
	return w.reset >= 1000*time.Second && w.reset%(1000*time.Second) == 0 && w.reset%time.Hour != 0
}

// interval reads the length of a window: "1s" or seconds.
func (r *reader) interval(line string) (time.Duration, bool) {
	if d, ok := parseDecimal(line); ok {
		return d.seconds(), true
	}
	d, err := time.ParseDuration(strings.TrimSpace(line))
	return min(max(d, 0), MaxWait), err == nil && d >= 0
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
