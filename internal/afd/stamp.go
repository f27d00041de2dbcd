package afd

import (
	"strings"
	"time"
)

// stamp is a date and time as signatures have it.
type stamp struct {
	at       time.Time
	from, to int  // in the text
	zoned    bool // a time zone stands behind it, so it is no time in a sentence
}

// stampAround reads the timestamp whose hours and minutes are parted by the colon
// at i. It looks no further back than lo and no further on than hi. All of these
// are understood, with and without a zone:
//
//	12:34, 5 March 2020 (UTC)     12:34, March 5, 2006 (UTC)     12:34, Mar 5, 2004
//	12:34, 2004 Mar 5 (UTC)       12:34:56, 2005-03-05 (UTC)     2005-03-05 12:34:56
//	5 March 2004 12:34 (UTC)      Mar 5, 2004 12:34
func stampAround(text string, lo, i, hi int) (stamp, bool) {
	from, clock, p, ok := clockAround(text, lo, i, hi)
	if !ok {
		return stamp{}, false
	}
	s := stamp{from: from}
	day, to, ok := dateAt(text[:hi], skipComma(text[:hi], p))
	if !ok {
		if day, s.from, ok = dateBefore(text, lo, from); !ok {
			return stamp{}, false
		}
		to = p
	}
	s.at, s.to = day.Add(clock), to
	if n, offset, ok := zoneAt(text[to:hi]); ok {
		s.to, s.zoned, s.at = to+n, true, s.at.Add(-offset)
	}
	return s, true
}

// clockAround reads 9:05, 09:05 or 09:05:59.
func clockAround(text string, lo, i, hi int) (from int, clock time.Duration, to int, ok bool) {
	from = i
	for from > lo && i-from < 2 && digit(text[from-1]) {
		from--
	}
	hour, minute := number(text[from:i]), number(text[i+1:min(i+3, hi)])
	to = i + 3
	if from == i || to > hi || hour > 23 || minute < 0 || minute > 59 || (from > lo && (digit(text[from-1]) || text[from-1] == ':')) {
		return 0, 0, 0, false
	}
	clock = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	if to+3 <= hi && text[to] == ':' {
		if seconds := number(text[to+1 : to+3]); seconds >= 0 && seconds < 60 {
			clock += time.Duration(seconds) * time.Second
			to += 3
		}
	}
	if to < hi && digit(text[to]) {
		return 0, 0, 0, false
	}
	return from, clock, to, true
}

// number is a number of digits alone, else -1.
func number(s string) int {
	n := 0
	for i := range len(s) {
		if !digit(s[i]) || i > 3 {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	if s == "" {
		return -1
	}
	return n
}

func skipComma(text string, i int) int {
	i = skipBlanks(text, i)
	if i < len(text) && text[i] == ',' {
		i = skipBlanks(text, i+1)
	}
	return i
}

func skipBlanks(text string, i int) int {
	for n := 0; i < len(text) && n < 8; n++ { // more than a few are no date any more
		k := blankAt(text[i:])
		if k == 0 {
			if text[i] != '_' {
				break
			}
			k = 1
		}
		i += k
	}
	return i
}

// dateAt reads a date in any order of its parts, as long as the month is a word or the year comes first.
func dateAt(text string, i int) (day time.Time, end int, ok bool) {
	var parts [3]string
	for k := range parts {
		j := i
		for j < len(text) && j-i < 12 && (letter(text[j]) || digit(text[j])) {
			j++
		}
		if j == i {
			return time.Time{}, 0, false
		}
		parts[k], end = text[i:j], j
		i = nextPart(text, j)
	}
	day, ok = dateOf(parts)
	return day, end, ok
}

// nextPart is where the part of a date that follows the one that ends at i begins.
func nextPart(text string, i int) int {
	if i < len(text) && (text[i] == '-' || text[i] == '.') {
		i++
	}
	return skipComma(text, i)
}

func dateOf(parts [3]string) (time.Time, bool) {
	a, b := number(parts[0]), number(parts[1])
	switch {
	case a >= 1000: // 2004 Mar 5, 2004-03-05
		month := monthOf(parts[1])
		if b > 0 {
			month = b
		}
		return date(a, month, number(parts[2]))
	case a > 0:
		return date(number(parts[2]), monthOf(parts[1]), a)
	}
	return date(number(parts[2]), monthOf(parts[0]), b)
}

// date refuses days that the calendar does not have, and years before the project began.
func date(year, month, day int) (time.Time, bool) {
	if year < 2000 || year > 2199 || month < 1 || month > 12 || day < 1 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day
}

var months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// monthOf takes a month's name or its first three letters or more, as in Sept; 0 if it is none.
func monthOf(word string) int {
	if len(word) < 3 {
		return 0
	}
	for i, m := range months {
		if len(word) <= len(m) && hasPrefixFold(word, m[:len(word)]) {
			return i + 1
		}
	}
	return 0
}

// longestDate bounds how far before a time its date is looked for.
const longestDate = 32

// dateBefore reads a date that ends right before i.
func dateBefore(text string, lo, i int) (day time.Time, from int, ok bool) {
	end := i
	for end > lo && end > i-3 && (text[end-1] == ' ' || text[end-1] == ',' || text[end-1] == 'T') {
		end--
	}
	from = end
	for parts := range 3 {
		for from > lo && end-from < longestDate && (text[from-1] == ' ' || text[from-1] == ',' || text[from-1] == '-') && parts > 0 {
			from--
		}
		for from > lo && end-from < longestDate && (letter(text[from-1]) || digit(text[from-1])) {
			from--
		}
	}
	day, to, ok := dateAt(text[:end], from)
	return day, from, ok && to == end
}

// zones are those that signatures had before all of them had UTC.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "CET": 1, "IST": 1, "WEST": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
	"EDT": -4, "AST": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "JST": 9,
}

// zoneAt reads (UTC), UTC, (CEST), (UTC+2) and Z, with the blanks before them.
func zoneAt(s string) (n int, offset time.Duration, ok bool) {
	i := skipBlanks(s, 0)
	open := i < len(s) && s[i] == '('
	if open {
		i++
	}
	j := i
	for j < len(s) && j-i < 6 && 'A' <= s[j] && s[j] <= 'Z' {
		j++
	}
	hours, known := zones[s[i:j]]
	if !known || j < len(s) && letter(s[j]) {
		return 0, 0, false
	}
	if k := j + 1; open && k < len(s) && (s[j] == '+' || s[j] == '-') && digit(s[k]) {
		hours = int(s[k] - '0')
		if s[j] == '-' {
			hours = -hours
		}
		j = k + 1
	}
	if open {
		if !strings.HasPrefix(s[j:], ")") {
			return 0, 0, false
		}
		j++
	}
	return j, time.Duration(hours) * time.Hour, true
}
