package afd

import "time"

// stamp is a date and time as in signatures.
type stamp struct {
	at       time.Time // zero if the time cannot be read
	from, to int       // in the text
	zoned    bool      // a time zone follows it, so it is not a time in a sentence
	known    bool      // at is the time; else it only looks like one
}

// stampAround reads the timestamp whose hours and minutes are parted by the colon, or the dot,
// at i. It looks no further back than lo and no further on than hi. All of these
// are understood, with and without a zone:
//
//	12:34, 5 March 2020 (UTC)     12:34, March 5, 2006 (UTC)     12:34, Mar 5, 2004
//	12:34, 2004 Mar 5 (UTC)       12:34:56, 2005-03-05 (UTC)     2005-03-05 12:34:56
//	5 March 2004 12:34 (UTC)      Mar 5, 2004 12:34              1:05 pm, 5 March 2020 (UTC+5:30)
//	12:34, 2nd March 2014 (UTC)   March 2nd, 2014 12:34
//
// Of other months, zones and clocks it knows only that they are a timestamp: the time stays
// unknown.
func stampAround(text string, lo, i, hi int) (stamp, bool) {
	c, ok := clockAround(text, lo, i, hi)
	if !ok {
		return stamp{}, false
	}
	s := stamp{from: c.from, known: c.known}
	day, to, ok := dateAt(text[:hi], skipComma(text[:hi], c.to))
	if mid, zoned := zoneAt(text[c.to:hi]); !ok && zoned { // 12:34 UTC, 5 March 2005
		if day, to, ok = dateAt(text[:hi], skipComma(text[:hi], c.to+mid.length)); ok {
			s.to, s.known = to, s.known && mid.known
			s.at = day.Add(c.time - mid.offset)
			return s, !visible(text[to:hi])
		}
	}
	if !ok {
		if day, s.from, ok = dateBefore(text, lo, c.from); !ok {
			return foreignStamp(text, lo, c, hi)
		}
		to = c.to
	}
	s.to = to
	z, zoned := zoneAt(text[to:hi])
	if zoned {
		s.to, s.zoned, s.known = to+z.length, true, s.known && z.known
	}
	if s.known {
		s.at = day.Add(c.time - z.offset)
	}
	return s, s.known || s.zoned || !visible(text[s.to:hi])
}

// clock is a time of day in the text.
type clock struct {
	from, to int
	time     time.Duration
	known    bool
}

// clockAround reads 9:05, 09:05, 09:05:59 and 9:05 pm.
func clockAround(text string, lo, i, hi int) (c clock, ok bool) {
	if digitBefore(text[lo:i]) > 1 {
		return foreignClock(text, lo, i, hi)
	}
	c.from = i
	for c.from > lo && i-c.from < 2 && digit(text[c.from-1]) {
		c.from--
	}
	hour, minute := number(text[c.from:i]), number(text[i+1:min(i+3, hi)])
	c.to = i + 3
	if c.from == i || c.to > hi || minute < 0 || (c.from > lo && (digit(text[c.from-1]) || text[c.from-1] == ':' || text[c.from-1] == '.')) {
		return clock{}, false
	}
	c.time = time.Duration(minute) * time.Minute
	c.seconds(text[:hi], text[i])
	if c.to < hi && digit(text[c.to]) {
		return clock{}, false
	}
	c.known = hour < 24 && minute < 60
	c.hours(text[c.to:hi], hour)
	return c, true
}

// hours adds the hour, in the form that the text behind it gives: of the day, or of half of it.
func (c *clock) hours(behind string, hour int) {
	if n, afternoon := halfDay(behind); n > 0 {
		c.to += n
		c.known = c.known && hour >= 1 && hour <= 12
		hour %= 12
		if afternoon {
			hour += 12
		}
	}
	c.time += time.Duration(hour) * time.Hour
}

// seconds reads :59 behind hours and minutes, parted as these are.
func (c *clock) seconds(text string, colon byte) {
	if c.to+3 > len(text) || text[c.to] != colon {
		return
	}
	if seconds := number(text[c.to+1 : c.to+3]); seconds >= 0 && seconds < 60 {
		c.time += time.Duration(seconds) * time.Second
		c.to += 3
	}
}

// halfDay reads am, pm, a.m. or p.m. after a time of day, with the blanks before it.
func halfDay(s string) (n int, afternoon bool) {
	i := skipBlanks(s, 0)
	for _, word := range [...]string{"a.m.", "p.m.", "am", "pm"} {
		if !hasPrefixFold(s[i:], word) {
			continue
		}
		if end := i + len(word); end == len(s) || !letter(s[end]) && !digit(s[end]) {
			return end, word[0] == 'p'
		}
	}
	return 0, false
}

// number returns the value of s if it is only digits, else -1.
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
	for n := 0; i < len(text) && n < 8; n++ { // more than a few are not a date
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

// dateAt reads a date in any order of its parts, as long as the month is a word or the year comes
// first.
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

// nextPart returns the beginning of the part of a date after the part that ends at i.
func nextPart(text string, i int) int {
	if i < len(text) && (text[i] == '-' || text[i] == '.') {
		i++
	}
	return skipComma(text, i)
}

func dateOf(parts [3]string) (time.Time, bool) {
	a, b := dayOf(parts[0]), dayOf(parts[1])
	switch {
	case a >= 1000: // 2004 Mar 5, 2004-03-05
		month := monthOf(parts[1])
		if b > 0 {
			month = b
		}
		return date(a, month, dayOf(parts[2]))
	case a > 0:
		return date(number(parts[2]), monthOf(parts[1]), a)
	}
	return date(number(parts[2]), monthOf(parts[0]), b)
}

// dayOf is number for a day, which may be an ordinal: 2nd.
func dayOf(s string) int {
	for _, ending := range [...]string{"st", "nd", "rd", "th"} {
		if n := len(s) - len(ending); n == 1 || n == 2 {
			if hasPrefixFold(s[n:], ending) {
				return number(s[:n])
			}
		}
	}
	return number(s)
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

// monthOf reads a month's name or its first three letters or more, as in Sept; 0 if it is not a
// month.
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

// longestDate bounds how far before a time to look for its date.
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
