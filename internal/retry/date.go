package retry

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms of dates, those of RFC 9110 included, in capitals and without the day of
// the week. Their zone is taken off before, unless it stands at the time without a blank. Without a
// zone they are in UTC.
var layouts = []string{
	"2 Jan 2006 15:04:05", "2 Jan 06 15:04:05", "2 January 2006 15:04:05", "2-Jan-06 15:04:05", "2-Jan-2006 15:04:05",
	"2 Jan 2006 15:04:05Z07:00", "2 Jan 2006 15:04:05-0700", "2-Jan-2006 15:04:05-0700", "2-Jan-06 15:04:05-0700",
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "20060102T150405", "20060102T150405Z07:00", "20060102T150405-0700",
	"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05Z07", "2006/01/02 15:04:05",
	"Jan 2 15:04:05 2006", "Jan 2 2006 15:04:05", // as C, date and JavaScript print it
}

// zones are the names of time zones that have one meaning in practice, with the minutes that they
// are ahead of UTC; those of RFC 822 have its meaning. IST and AST have several, so that a date
// with one of them is not understood.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0,
	"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
	"AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150, "BRT": -180, "ART": -180, "CLT": -240, "CLST": -180, "COT": -300, "PET": -300,
	"BST": 60, "WEST": 60, "CET": 60, "CEST": 120, "MET": 60, "MEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "TRT": 180,
	"WAT": 60, "CAT": 120, "SAST": 120, "EAT": 180,
	"PKT": 300, "WIB": 420, "ICT": 420, "HKT": 480, "SGT": 480, "MYT": 480, "PHT": 480, "JST": 540, "KST": 540,
	"AWST": 480, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}

// zoneNumber is a zone in numbers: +0200, +02:00, -4, UTC+02, GMT+0200.
var zoneNumber = regexp.MustCompile(`^(?:UTC|GMT|UT|Z)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?$`)

// date reads a date in any of the forms that servers write.
func (r *reader) date(s string) (time.Duration, bool) {
	t, ok := parseDate(s)
	if !ok {
		return 0, false
	}
	return r.until(t)
}

func parseDate(s string) (time.Time, bool) {
	s, ahead := cutZone(plainDate(s))
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Add(-ahead), true
		}
	}
	return time.Time{}, false
}

// plainDate is a date in capitals without the day of the week and what languages add behind it.
func plainDate(s string) string {
	s = strings.ToUpper(s)
	for _, mark := range [...]string{" (", "[", " M="} { // JavaScript, Java, Go
		s, _, _ = strings.Cut(s, mark)
	}
	if day, rest, ok := strings.Cut(s, " "); ok && weekday(strings.TrimSuffix(day, ",")) {
		s = rest
	}
	return s
}

// cutZone takes the zone off a date, in numbers or by its name, and gives what it is ahead of UTC.
// Of both the number counts. A name that is not known stays, and makes the date none.
func cutZone(date string) (rest string, ahead time.Duration) {
	var kept []string
	numbered := false
	for _, word := range strings.Fields(date) {
		minutes, known := zones[word]
		number, ok := zoneOffset(word)
		switch {
		case ok && !numbered:
			ahead, numbered = number, true
		case numbered && letters(word): // +0530 IST
		case known:
			ahead = time.Duration(minutes) * time.Minute
		default:
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " "), ahead
}

func zoneOffset(word string) (time.Duration, bool) {
	m := zoneNumber.FindStringSubmatch(word)
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[2]) // digits cannot fail
	minutes, _ := strconv.Atoi("0" + m[3])
	if hours > 14 || minutes > 59 {
		return 0, false
	}
	ahead := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if m[1] == "-" {
		ahead = -ahead
	}
	return ahead, true
}

func letters(word string) bool {
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
