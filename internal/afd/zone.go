package afd

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// zones are the names of time zones that have only one meaning, in minutes. IST, AST and CST are
// not among them: each is the name of several.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 60, "CET": 60, "WEST": 60, "CEST": 120, "EET": 120, "SAST": 120, "EEST": 180, "MSK": 180,
	"PKT": 300, "NPT": 345, "HKT": 480, "SGT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "AEST": 600, "ACDT": 630, "AEDT": 660, "NZST": 720, "NZDT": 780,
	"BRT": -180, "ADT": -180, "NDT": -150, "NST": -210, "EDT": -240, "EST": -300, "CDT": -300, "MDT": -360, "MST": -420, "PDT": -420, "PST": -480, "AKDT": -480, "AKST": -540, "HST": -600,
}

// zone is a time zone in the text.
type zone struct {
	length int
	offset time.Duration // to the east of UTC
	known  bool
}

// longestZone bounds the bytes between the brackets of a zone.
const longestZone = 48

// zoneAt reads (UTC), UTC, (CEST), (UTC+2), (UTC−5:30), (+0100) and Z, with the blanks before them.
// The offset of what only looks like a zone, such as (AMST) and (Europe/Berlin), stays unknown.
func zoneAt(s string) (zone, bool) {
	i := skipBlanks(s, 0)
	if i < len(s) && s[i] == '(' {
		end := strings.IndexByte(s[i:min(len(s), i+longestZone)], ')')
		if end < 0 {
			return zone{}, false
		}
		z, ok := zoneOf(strings.Trim(s[i+1:i+end], " "))
		z.length = i + end + 1
		return z, ok
	}
	name := zoneName(s[i:])
	minutes, known := zones[name]
	j := i + len(name)
	if !known || j < len(s) && letter(s[j]) {
		return zone{}, false
	}
	if n := signLength(s[j:]); n > 0 { // UTC+10
		end := j + n
		for end < len(s) && end < j+n+6 && (digit(s[end]) || s[end] == ':') {
			end++
		}
		if end == j+n || end < len(s) && letter(s[end]) {
			return zone{}, false
		}
		z, ok := zoneOf(s[i:end])
		z.length = end
		return z, ok
	}
	return zone{i + len(name), time.Duration(minutes) * time.Minute, true}, true
}

// zoneOf reads the text between brackets.
func zoneOf(s string) (zone, bool) {
	name := zoneName(s)
	minutes, known := zones[name]
	rest := strings.Trim(s[len(name):], " ")
	if rest == "" {
		return zone{offset: time.Duration(minutes) * time.Minute, known: known}, known || len(name) > 2
	}
	if n := signLength(rest); n > 0 && n < len(rest) && digit(rest[n]) {
		offset, ok := offsetOf(rest[n:])
		if rest[0] != '+' {
			offset = -offset
		}
		return zone{offset: offset, known: ok && (name == "" || name == "UTC" || name == "GMT")}, true
	}
	if words := strings.ToLower(s); strings.HasSuffix(words, " time") && onlyLetters(strings.ReplaceAll(s, " ", "")) { // Central European Time
		return zone{}, true
	}
	region, city, ok := strings.Cut(s, "/")
	return zone{}, ok && 'A' <= s[0] && s[0] <= 'Z' && onlyLetters(region) && onlyLetters(city)
}

// zoneName returns the name in capitals at the start of s, or in lower case if it is utc or gmt.
func zoneName(s string) string {
	if len(s) >= 3 && (hasPrefixFold(s, "utc") || hasPrefixFold(s, "gmt")) && (len(s) == 3 || !letter(s[3])) {
		return strings.ToUpper(s[:3])
	}
	i := 0
	for i < len(s) && i < 6 && 'A' <= s[i] && s[i] <= 'Z' {
		i++
	}
	return s[:i]
}

// signLength returns the length of the plus, hyphen, minus or dash at the start of s.
func signLength(s string) int {
	for _, sign := range [...]string{"+", "-", "−", "–", "±"} {
		if strings.HasPrefix(s, sign) {
			return len(sign)
		}
	}
	return 0
}

// offsetOf reads 2, 10, 5:30, 05:30 and 0530. No place on earth is further from UTC than 14 hours,
// or by other than whole quarters.
func offsetOf(s string) (time.Duration, bool) {
	hours, minutes, ok := strings.Cut(s, ":")
	if !ok && len(s) == 4 {
		hours, minutes, ok = s[:2], s[2:], true
	}
	h, m := number(hours), 0
	if ok {
		m = number(minutes)
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, h >= 0 && h <= 14 && m >= 0 && m < 60 && m%15 == 0
}

func onlyLetters(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/") == ""
}

// longestForeign bounds the date of a foreign timestamp on either side of its clock.
const longestForeign = 48

// foreignStamp recognises a timestamp whose date cannot be read: a year and the words of a date on
// either side of the clock, and a zone after them. Without a zone it is the three parts of a date
// at the end of the line.
func foreignStamp(text string, lo int, c clock, hi int) (stamp, bool) {
	s := stamp{from: c.from, to: c.to}
	after := dateWords(text[c.to:min(hi, c.to+longestForeign)])
	end := c.to + after
	z, zoned := zoneAt(text[end:hi])
	if zoned {
		s.to, s.zoned = end+z.length, true
		if yearIn(text[c.to:end]) || shortDate(text[c.to:end]) {
			return s, true
		}
		before := dateBeforeClock(text[max(lo, c.from-longestForeign):c.from])
		s.from -= before
		return s, before > 0
	}
	s.to = end
	return s, (threeParts(text[c.to:end]) || shortDate(text[c.to:end]) && lettered(text[c.to:end])) && !visible(text[end:hi])
}

// dateWords returns how much of s may be words of a date: letters of any script, digits, and what
// separates them.
func dateWords(s string) int {
	i := 0
	for i < len(s) {
		n := blankAt(s[i:])
		if n == 0 && (letter(s[i]) || digit(s[i]) || strings.IndexByte(",.-/'", s[i]) >= 0) {
			n = 1
		}
		if n == 0 && s[i] >= utf8.RuneSelf {
			_, n = utf8.DecodeRuneInString(s[i:])
		}
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// dateBeforeClock returns how much of the end of s is a date with a year in it, after which only a
// word or a weekday may follow; 0 if none is.
func dateBeforeClock(s string) int {
	i := len(s)
	for i > 0 && (letter(s[i-1]) || digit(s[i-1]) || s[i-1] >= utf8.RuneSelf || strings.IndexByte(" _,.-/()'", s[i-1]) >= 0) {
		i--
	}
	words := s[i:]
	year := yearAt(words)
	if year < 0 {
		return shortDateBefore(words)
	}
	from, at := year, year
	for range 2 { // 5 mars 2014; mars 5, 2014
		if at = strings.LastIndexAny(strings.TrimRight(words[:at], " ,.-/_()"), " _,()") + 1; digitStarts(words[at:]) {
			from = at
		}
	}
	return len(words) - from
}

func yearIn(s string) bool { return yearAt(s) >= 0 }

// yearAt returns the place of the four digits of a year of this century in s, -1 without one.
func yearAt(s string) int {
	for i := 0; i < len(s); {
		j, digits, value := i, 0, 0
		for {
			v, n := digitAt(s[j:])
			if n == 0 {
				break
			}
			j, digits, value = j+n, digits+1, min(value*10+v, 1e6)
		}
		if digits == 4 && 2000 <= value && value < 2200 {
			return i
		}
		i = max(j, i+1)
	}
	return -1
}

func digitStarts(s string) bool {
	_, n := digitAt(s)
	return n > 0
}

// shortDate reports whether s is a date whose year has two digits: 5 March 05, March 5, '05,
// 05/03/05.
func shortDate(s string) bool {
	parts := strings.FieldsFunc(asciiDigits(s), func(r rune) bool { return strings.ContainsRune(" ,.-/'_\u00a0", r) })
	if len(parts) != 3 {
		return false
	}
	numbers, month := 0, 0
	for _, p := range parts {
		switch n := number(p); {
		case n >= 0 && len(p) <= 2:
			numbers++
		case n < 0 && monthOf(p) > 0:
			month++
		}
	}
	return numbers+month == 3 && numbers >= 2
}

func lettered(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// shortDateBefore is how much of the end of s is such a date, 0 if none is.
func shortDateBefore(s string) int {
	end := strings.TrimRight(s, " ,_")
	at := len(end)
	for range 3 {
		at = strings.LastIndexAny(strings.TrimRight(end[:at], " ,.-/_'"), " ,.-/_'()") + 1
		if at > 0 && shortDate(end[at:]) {
			return len(s) - at
		}
	}
	if shortDate(end) {
		return len(s)
	}
	return 0
}

// threeParts reports whether s is a day, a word and a year in whatever order.
func threeParts(s string) bool {
	s = asciiDigits(s)
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '،' || r == ',' || r == '.' || r == '\u00a0' || r == '_' })
	if len(parts) != 3 || !yearIn(parts[0]) && !yearIn(parts[2]) {
		return false
	}
	days := 0
	for _, p := range parts {
		if n := number(p); n >= 1 && n <= 31 {
			days++
		}
	}
	return days == 1
}
