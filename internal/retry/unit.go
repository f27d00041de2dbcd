package retry

import (
	"regexp"
	"strings"
	"time"
)

// unitLength are the units that a header's name may end with, counted from now.
var unitLength = map[Unit]time.Duration{
	UnitMilli: time.Millisecond, UnitMicro: time.Microsecond, UnitNano: time.Nanosecond, UnitMinute: time.Minute, UnitHour: time.Hour, UnitDay: 24 * time.Hour,
}

// epochDigits are the digits of a number that is an instant, under a name with a unit.
var epochDigits = map[Unit]int{UnitMilli: 13, UnitMicro: 16, UnitNano: 19}

// unitName is the end of a header's name if it names the unit of its number.
var unitName = regexp.MustCompile(`(?i)(?:[-_]|after|reset|in)(ms|msecs?|millis?|milliseconds?|us|usecs?|micros?|microseconds?|ns|nsecs?|nanos?|nanoseconds?|mins?|minutes?|hrs?|hours?|days?)$`)

// unitNamed is the unit in a header's name. Seconds are what is guessed without one.
func unitNamed(name string) Unit {
	m := unitName.FindStringSubmatch(name)
	if m == nil {
		return UnitGuess
	}
	switch word := strings.ToLower(m[1]); {
	case strings.HasPrefix(word, "ms"), strings.HasPrefix(word, "milli"):
		return UnitMilli
	case strings.HasPrefix(word, "min"):
		return UnitMinute
	case strings.HasPrefix(word, "u"), strings.HasPrefix(word, "micro"):
		return UnitMicro
	case strings.HasPrefix(word, "n"):
		return UnitNano
	case strings.HasPrefix(word, "h"):
		return UnitHour
	}
	return UnitDay
}

// cutUnit removes the unit from the end of a header's name for a reset: reset-minutes,
// reset-after-ns, resetinhours. The singular names a window instead, as in
// x-ratelimit-reset-minute.
func cutUnit(rest string) (string, Unit) {
	m := unitName.FindStringSubmatchIndex(rest)
	if m == nil || !strings.HasPrefix(rest, "reset") && !strings.HasPrefix(rest, "time-reset") {
		return rest, UnitGuess
	}
	switch word := rest[m[2]:]; word {
	case "minute", "min", "hour", "hr", "day":
		return rest, UnitGuess
	default:
		return strings.TrimRight(rest[:m[2]], "-_"), unitNamed(rest)
	}
}
