package retry

import (
	"testing"
	"time"
)

// A header whose name has a unit is read in it.
func TestUnitsInNames(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]time.Duration{
		"X-Retry-After-Minutes: 2":                 120 * s,
		"X-Retry-After-Minutes: 1.5":               90 * s,
		"Retry-After-Minutes: 2":                   120 * s,
		"X-Retry-After-Mins: 2":                    120 * s,
		"X-Retry-After-Minute: 2":                  120 * s,
		"X-RetryAfterMinutes: 2":                   120 * s,
		"x-ratelimit-retry-after-minutes: 2":       120 * s,
		"X-Retry-In-Minutes: 2":                    120 * s,
		"X-Retry-After-Hours: 2":                   2 * time.Hour,
		"X-Retry-After-Days: 1":                    24 * time.Hour,
		"X-Retry-After-Seconds: 30":                30 * s,
		"X-Retry-After-Secs: 30":                   30 * s,
		"X-Retry-After-Seconds: 1792567590":        30 * s,
		"X-Retry-After-Ms: 30000":                  30 * s,
		"X-Retry-After-Millis: 30000":              30 * s,
		"X-Retry-After-Milliseconds: 30000":        30 * s,
		"x-retry-after-us: 30000000":               30 * s,
		"x-retry-after-us: 1":                      time.Millisecond,
		"X-Retry-After-Microseconds: 30000000":     30 * s,
		"X-Retry-After-Micros: 1792567590000000":   30 * s,
		"x-retry-after-ns: 30000000000":            30 * s,
		"X-Retry-After-Nanos: 1792567590000000000": 30 * s,
		"x-retry-after-ns: 1728000000000000":       20 * 24 * time.Hour,
		"X-Retry-After-Minutes: 30s":               30 * s,
		"X-Retry-After-Minutes: \"2\"":             120 * s,
		"X-RateLimit-Reset-Minutes: 2":             120 * s,
		"X-RateLimit-Reset-After-Minutes: 2":       120 * s,
		"X-RateLimit-Reset-In-Hours: 2":            2 * time.Hour,
		"X-RateLimit-Reset-Us: 30000000":           30 * s,
		"X-RateLimit-Reset-Ns: 30000000000":        30 * s,
		"X-RateLimit-ResetMs: 30000":               30 * s,
	} {
		h := ParseHint(headers(line), 429, noon, UnitGuess)
		if h.Wait != want || len(h.Malformed) > 0 {
			t.Errorf("ParseHint(%s) = wait %v, malformed %q, want %v", line, h.Wait, h.Malformed, want)
		}
	}
	for _, line := range []string{"X-Retry-After-Minutes: 99999999", "X-Retry-After-Hours: 9000", "x-retry-after-ns: 99999999999999999999", "X-Retry-After-Minutes: soon", "X-Retry-After-Days: 366"} {
		if h := ParseHint(headers(line), 429, noon, UnitGuess); h.Wait != 0 || len(h.Malformed) != 1 {
			t.Errorf("ParseHint(%s) = wait %v, malformed %q, want it malformed", line, h.Wait, h.Malformed)
		}
	}
}

// A date is read in the zone that it names.
func TestDatesInZones(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		"Wed, 21 Oct 2026 02:26:30 EST", "Wed, 21 Oct 2026 03:26:30 EDT", "Wed, 21 Oct 2026 01:26:30 CST", "Wed, 21 Oct 2026 02:26:30 CDT", "Wed, 21 Oct 2026 00:26:30 MST", "Wed, 21 Oct 2026 01:26:30 MDT",
		"Tue, 20 Oct 2026 23:26:30 PST", "Wed, 21 Oct 2026 00:26:30 PDT", "Wed, 21 Oct 2026 08:26:30 CET", "Wed, 21 Oct 2026 09:26:30 CEST", "Wed, 21 Oct 2026 08:26:30 BST", "Wed, 21 Oct 2026 16:26:30 JST",
		"Wed, 21 Oct 2026 17:26:30 AEST", "Wed, 21 Oct 2026 10:26:30 MSK", "Wed, 21 Oct 2026 09:26:30 cest", "21 Oct 2026 03:26:30 EDT", "Wed Oct 21 03:26:30 EDT 2026", "Wednesday, 21-Oct-26 03:26:30 EDT", "Wed, 21-Oct-2026 03:26:30 EDT",
		"Wednesday, 21 October 2026 03:26:30 EDT", "2026-10-21 03:26:30 EDT", "2026-10-21T03:26:30 EDT", "2026/10/21 03:26:30 EDT",
		"Wed, 21 Oct 2026 03:26:30 -0400", "Wed, 21 Oct 2026 03:26:30 -04:00", "Wed, 21 Oct 2026 03:26:30 -04", "Wed, 21 Oct 2026 03:26:30-0400", "Wed, 21 Oct 2026 12:56:30 +0530", "Wed, 21 Oct 2026 03:26:30 -0400 (EDT)", "Wednesday, 21-Oct-26 03:26:30 -0400",
		"Wed, 21 Oct 2026 03:26:30 UTC-4", "Wed, 21 Oct 2026 09:26:30 GMT+2", "2026-10-21 03:26:30 -0400 EDT", "2026-10-21 12:56:30 +0530 IST", "2026-10-21 03:26:30.25 -0400 EDT m=+0.5", "2026/10/21 03:26:30 -0400", "20261021T032630-0400",
		"Wed Oct 21 2026 03:26:30 GMT-0400 (Eastern Daylight Time)",
	} {
		for _, name := range []string{"Retry-After", "X-RateLimit-Reset"} {
			h := ParseHint(headers(name+": "+date), 429, noon, UnitGuess)
			if h.Wait.Truncate(s) != 30*s || len(h.Malformed) > 0 {
				t.Errorf("ParseHint(%s: %s) = wait %v, malformed %q, want 30s", name, date, h.Wait, h.Malformed)
			}
		}
		h := ParseHint(headers("Date: Wed, 21 Oct 2026 03:26:00 EDT", "Retry-After: "+date), 429, noon.Add(time.Hour), UnitGuess)
		if h.Wait.Truncate(s) != 30*s {
			t.Errorf("ParseHint(%s beside a Date in a zone) = wait %v, want 30s", date, h.Wait)
		}
	}
	for _, date := range []string{
		"Wed, 21 Oct 2026 07:26:30 XYZ", "Wed, 21 Oct 2026 12:56:30 IST", "Wednesday, 21-Oct-26 07:26:30 XYZ", "Wed, 21 Oct 2026 07:26:30 EST5EDT", "Wed, 21 Oct 2026 07:26:30 +9900", "Wed, 21 Oct 2026 07:26:30 Europe/Paris",
		"EDT", "+0200", "Wed, 21 Oct 2026 EDT",
	} {
		if h := ParseHint(headers("Retry-After: "+date), 429, noon, UnitGuess); h.Wait != 0 || len(h.Malformed) != 1 {
			t.Errorf("ParseHint(Retry-After: %s) = wait %v, malformed %q, want it malformed", date, h.Wait, h.Malformed)
		}
	}
}
