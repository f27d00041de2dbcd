package retry

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// Waits as servers really write them. The clock is noon of these tests, 2026-10-21 07:26:00 UTC,
// 1792567560 since 1970.
func TestWaitsAsWritten(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]time.Duration{
		"Retry-After: 1792567590":                               30 * s,
		"Retry-After: 1792567590.5":                             30*s + 500*time.Millisecond,
		"Retry-After: 1792567590000":                            30 * s,
		"Retry-After: 1792567590000000":                         30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30 UTC":            30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30 +0000":          30 * s,
		"Retry-After: Wed, 21 Oct 2026 09:26:30 +0200":          30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30 Z":              30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30":                30 * s,
		"Retry-After: \"Wed, 21 Oct 2026 07:26:30 GMT\"":        30 * s,
		"Retry-After: 21 Oct 2026 07:26:30 GMT":                 30 * s,
		"Retry-After: Wed Oct 21 2026 09:26:30 GMT+0200 (CEST)": 30 * s,
		"Retry-After: 30s":                                      30 * s,
		"Retry-After: 30S":                                      30 * s,
		"Retry-After: 30 s":                                     30 * s,
		"Retry-After: 30 seconds":                               30 * s,
		"Retry-After: 30sec":                                    30 * s,
		"Retry-After: 1m30s":                                    90 * s,
		"Retry-After: 2 minutes":                                120 * s,
		"Retry-After: 500ms":                                    500 * time.Millisecond,
		"Retry-After: 1.5 minutes":                              90 * s,
		"Retry-After: \"30\"":                                   30 * s,
		"Retry-After: '30'":                                     30 * s,
		"Retry-After: \"30s\"":                                  30 * s,
		"Retry-After: 30;w=60":                                  30 * s,
		"Retry-After: 2026-10-21T07:26:30Z":                     30 * s,
		"Retry-After: 2026-10-21T07:26:30":                      30 * s,
		"Retry-After: 2026-10-21T07:26:30.000Z":                 30 * s,
		"Retry-After: 2026-10-21T09:26:30+02:00":                30 * s,
		"Retry-After: 2026-10-21T09:26:30+0200":                 30 * s,
		"Retry-After: 2026-10-21 07:26:30":                      30 * s,
		"Retry-After: 2026-10-21 07:26:30 UTC":                  30 * s,
		"Retry-After: PT30S":                                    30 * s,
		"Retry-After: PT1M30.5S":                                90*s + 500*time.Millisecond,
		"Retry-After: P1DT1H":                                   25 * time.Hour,
		"Retry-After: 86400000":                                 24 * time.Hour,
		"X-Retry-After: 30":                                     30 * s,
		"x-ms-retry-after-ms: 30000":                            30 * s,
		"retry-after-ms: 1500":                                  1500 * time.Millisecond,
		"X-Retry-After-Ms: 1500":                                1500 * time.Millisecond,
		"X-RateLimit-Retry-After: 30":                           30 * s,
		"X-Rate-Limit-Retry-After-Seconds: 30":                  30 * s,
		"X-Rate-Limit-Retry-After-Milliseconds: 30000":          30 * s,
		"X-RateLimit-Retry-After: 1792567590":                   30 * s,
		"RateLimit-Retry-After: 30":                             30 * s,
		"Acme-Retry-After: 30":                                  30 * s,
		"X-RetryAfter: 30":                                      30 * s,
		"X-Retry-In: 30s":                                       30 * s,
		"X-Amz-Retry-After: Wed, 21 Oct 2026 07:26:30 GMT":      30 * s,
		"Acme-RateLimit-Reset: 30":                              30 * s,
		"x-foo-ratelimit-reset-requests: 30s":                   30 * s,
		"X-App-Rate-Limit-Reset: 1792567590":                    30 * s,
		"X-RateLimit-UserReset: 30":                             30 * s,
		"X-RateLimit-Reset-Ms: 30000":                           30 * s,
		"X-RateLimit-Reset-Ms: 1792567590000":                   30 * s,
		"X-RateLimit-Reset: 30000":                              30 * s,
		"X-RateLimit-Reset: 60000":                              60 * s,
		"X-RateLimit-Reset: 3600000":                            time.Hour,
		"X-RateLimit-Reset: 3600":                               time.Hour,
		"X-RateLimit-Reset: 36000":                              10 * time.Hour,
		"X-RateLimit-Reset: 43211":                              43211 * s,
		"X-RateLimit-Reset: 30;w=60":                            30 * s,
		"X-RateLimit-Reset: \"30\"":                             30 * s,
		"X-RateLimit-Reset: 2026-10-21T07:26:30":                30 * s,
		"X-RateLimit-Reset: PT30S":                              30 * s,
		"X-RateLimit-Reset: Wed, 21 Oct 2026 07:26:30 UTC":      30 * s,
		"X-RateLimit-Reset-In: 30":                              30 * s,
		"X-RateLimit-Reset-At: 2026-10-21T07:26:30Z":            30 * s,
		"Retry-After: 30 sec.":                                  30 * s,
		"Retry-After: in 30 seconds":                            30 * s,
		"Retry-After: 30000 ms":                                 30 * s,
		"Retry-After: 30000000us":                               30 * s,
		"Retry-After: 00:00:30":                                 30 * s,
		"Retry-After: 0.00:00:30":                               30 * s,
		"Retry-After: P0Y0M0DT0H0M30S":                          30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30 UTC+0000":       30 * s,
		"Retry-After: Wed, 21 Oct 2026 07:26:30 GMT+00:00":      30 * s,
		"Retry-After: Wed, 21 Oct 2026 09:26:30 GMT+02:00":      30 * s,
		"Retry-After: Wed, 21 Oct 26 07:26:30 GMT":              30 * s,
		"Retry-After: Wednesday, 21 October 2026 07:26:30 GMT":  30 * s,
		"Retry-After: Wed 21 Oct 2026 07:26:30 GMT":             30 * s,
		"Retry-After: wed, 21 oct 2026 07:26:30 gmt":            30 * s,
		"Retry-After: Tue, 21 Oct 2026 07:26:30 GMT":            30 * s,
		"Retry-After: Wed Oct 21 07:26:30 UTC 2026":             30 * s,
		"Retry-After: Wed Oct 21 09:26:30 +0200 2026":           30 * s,
		"Retry-After: 2026-10-21t07:26:30z":                     30 * s,
		"Retry-After: 2026-10-21T07:26:30+00":                   30 * s,
		"Retry-After: 2026-10-21T07:26:30 +00:00":               30 * s,
		"Retry-After: 2026-10-21T07:26:30Z[UTC]":                30 * s,
		"Retry-After: 2026-10-21 07:26:30 +0000 UTC m=+0.5":     30 * s,
		"Retry-After: 20261021T072630Z":                         30 * s,
		"Retry-After: 20261021T072630":                          30 * s,
		"Retry-After: 2026/10/21 07:26:30":                      30 * s,
		"Retry-After-Ms: 1792567590000":                         30 * s,
		"X-RetryAfterMs: 30000":                                 30 * s,
		"X-Retry-After-Milli: 30000":                            30 * s,
		"X-RateLimit-Reset-After-Ms: 30000":                     30 * s,
		"X-RateLimit-ResetAfter: 30":                            30 * s,
		"X-RateLimit-ResetIn: 30":                               30 * s,
		"X-RateLimit-Reset-Timestamp: 1792567590":               30 * s,
		"X-RateLimit-Reset-Date: Wed, 21 Oct 2026 07:26:30 GMT": 30 * s,
		"X-RateLimitReset: 30":                                  30 * s,
		"X-RateLimit-Reset: 00:00:30":                           30 * s,
		"Retry-After: 1m 30s":                                   90 * s,
		"Retry-After: 1 minute 30 seconds":                      90 * s,
		"Retry-After: 1 min and 30 sec":                         90 * s,
		"Retry-After: 00:01:30.5000000":                         90*s + 500*time.Millisecond,
		"Retry-After: 1.01:00:00":                               25 * time.Hour,
		"Retry-After: 2 hrs":                                    2 * time.Hour,
		"Retry-After: 1 week":                                   7 * 24 * time.Hour,
	} {
		h := ParseHint(headers(line), 429, noon, UnitGuess)
		if h.Wait != want || len(h.Malformed) > 0 {
			t.Errorf("ParseHint(%s) = wait %v, malformed %q, want %v", line, h.Wait, h.Malformed, want)
		}
	}
}

// A value that no server can mean is a wrong hint: it causes no wait, and it is listed as
// malformed.
func TestWaitsBeyondSense(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"Retry-After: 99999999999", "Retry-After: 1000000000000000000", "Retry-After: 1e18", "Retry-After: 1000000000000", "Retry-After: 999999999", "Retry-After: 9999999999", "Retry-After: 99999999999999999999",
		"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", "Retry-After: 9999-12-31T23:59:59Z", "Retry-After: P999999D", "Retry-After: 99999999h", "Retry-After: 999999 days", "Retry-After-Ms: 999999999999", "X-Retry-After: 99999999999",
		"Retry-After: PT", "Retry-After: P", "Retry-After: P1Y", "Retry-After: 30 parsecs", "Retry-After: \"", "Retry-After: \"\"", "Retry-After: --1", "Retry-After: -", "Retry-After: 3 0", "Retry-After: 00:99999999999:00", "Retry-After: 12:30", "Retry-After: 30s later", "Retry-After: 366d 366d",
		"X-RateLimit-Reset: 999999999", "X-RateLimit-Reset: 99999999999", "X-RateLimit-Reset: Fri, 31 Dec 9999 23:59:59 GMT", `RateLimit: "a";r=0;t=99999999999`,
		"Retry-After: " + strings.Repeat("366d", 300), "Retry-After: P" + strings.Repeat("366D", 300),
	} {
		h := ParseHint(headers(line), 429, noon, UnitGuess)
		if h.Wait != 0 || len(h.Malformed) != 1 {
			t.Errorf("ParseHint(%s) = wait %v, malformed %q, want no wait and one malformed header", line, h.Wait, h.Malformed)
		}
	}
}

// Several headers of one answer, as vendors combine them.
func TestHeadersTogether(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		lines  []string
		want   want
	}{
		{"Docker Hub: the window on every member", 429, []string{"ratelimit-limit: 100;w=21600", "ratelimit-remaining: 0;w=21600", "ratelimit-reset: 76;w=21600"},
			want{wait: 76 * s, source: "Ratelimit-Reset", remaining: 0, limit: 100, reset: 76 * s, window: 21600 * s}},
		{"the window on limit and remaining", 200, []string{"X-RateLimit-Limit: 100;w=21600", "X-RateLimit-Remaining: 76;w=21600"},
			want{remaining: 76, limit: 100, window: 21600 * s}},
		{"the window on the reset only", 429, []string{"X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30;w=60"},
			want{wait: 30 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: 100, reset: 30 * s, window: 60 * s}},
		{"two windows: only the one that is used up asks", 200, []string{"X-RateLimit-Limit: 10;w=60, 1000;w=3600", "X-RateLimit-Remaining: 0;w=60, 900;w=3600", "X-RateLimit-Reset: 30;w=60, 3000;w=3600"},
			want{wait: 30 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: 10, reset: 30 * s, window: 60 * s}},
		{"any vendor's prefix", 429, []string{"Acme-RateLimit-Limit: 100", "Acme-RateLimit-Remaining: 0", "Acme-RateLimit-Reset: 30"},
			want{wait: 30 * s, source: "Acme-Ratelimit-Reset", remaining: 0, limit: 100, reset: 30 * s}},
		{"any vendor's prefix, while some remain", 200, []string{"x-foo-ratelimit-limit-requests: 60", "x-foo-ratelimit-remaining-requests: 7", "x-foo-ratelimit-reset-requests: 6m0s"},
			want{remaining: 7, limit: 60, reset: 360 * s}},
		{"hapi: whose limit in one word", 200, []string{"X-RateLimit-UserLimit: 100", "X-RateLimit-UserRemaining: 0", "X-RateLimit-UserReset: 1792567590000"},
			want{wait: 30 * s, source: "X-Ratelimit-Userreset", remaining: 0, limit: 100, reset: 30 * s}},
		{"a reset beyond its window is in milliseconds", 200, []string{"X-RateLimit-Limit: 100;w=60", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 45123"},
			want{wait: 45123 * time.Millisecond, source: "X-Ratelimit-Reset", remaining: 0, limit: 100, reset: 45123 * time.Millisecond, window: 60 * s}},
		{"a reset beyond the window that has a header of its own is in milliseconds", 429, []string{"X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 59999", "X-RateLimit-Window: 60"},
			want{wait: 59999 * time.Millisecond, source: "X-Ratelimit-Reset", remaining: 0, limit: 100, reset: 59999 * time.Millisecond, window: 60 * s}},
		{"the unit in the reset's name makes no limit of its own", 200, []string{"X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset-Seconds: 30"},
			want{wait: 30 * s, source: "X-Ratelimit-Reset-Seconds", remaining: 0, limit: 100, reset: 30 * s}},
		{"a reset that Retry-After shows to be in milliseconds", 429, []string{"Retry-After: 46", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 45123"},
			want{wait: 46 * s, source: "Retry-After", remaining: 0, limit: -1, reset: 45123 * time.Millisecond}},
		{"-1 remaining is 0", 429, []string{"X-RateLimit-Limit: 100", "X-RateLimit-Remaining: -1", "X-RateLimit-Reset: 30"},
			want{wait: 30 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: 100, reset: 30 * s}},
		{"-1 until the reset is 0", 429, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: -1"}, want{remaining: 0, limit: -1}},
		{"a limit of -1 is none", 200, []string{"X-RateLimit-Limit: -1", "X-RateLimit-Remaining: -1", "X-RateLimit-Reset: 30"}, want{remaining: -1, limit: -1, reset: 30 * s}},
		{"quoted numbers", 200, []string{`X-RateLimit-Limit: "100"`, `X-RateLimit-Remaining: "7"`, `X-RateLimit-Reset: "30"`}, want{remaining: 7, limit: 100, reset: 30 * s}},
		{"the exact form beside whole seconds", 429, []string{"Retry-After: 2", "x-ms-retry-after-ms: 1200"}, want{wait: 1200 * time.Millisecond, source: "X-Ms-Retry-After-Ms", remaining: -1, limit: -1}},
		{"a longer wait beside milliseconds", 429, []string{"Retry-After: 60", "x-ms-retry-after-ms: 1200"}, want{wait: 60 * s, source: "Retry-After", remaining: -1, limit: -1}},
		{"the longer of two names", 429, []string{"Retry-After: 5", "X-Retry-After: 30"}, want{wait: 30 * s, source: "X-Retry-After", remaining: -1, limit: -1}},
		{"a wrong hint beside a good one", 429, []string{"Retry-After: 99999999999", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30"},
			want{wait: 30 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 30 * s, malformed: "Retry-After"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := ParseHint(headers(test.lines...), test.status, noon, UnitGuess)
			got := want{h.Wait, http.CanonicalHeaderKey(h.Source), h.Remaining, h.Limit, h.Reset, h.Window, h.Concurrency, h.Scope, joined(h.Malformed)}
			if got != test.want {
				t.Errorf("ParseHint(%q, %d) =\n%+v, want\n%+v", test.lines, test.status, got, test.want)
			}
		})
	}
}

// Each dialect reads its own header names, in any case; others cost nothing.
func TestDialects(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Retry-After", "RETRY-AFTER", "x-ms-retry-after-ms", "X-RateLimit-Retry-After", "RateLimit", "ratelimit-policy", "X-Ratelimit-Limit", "Acme-RateLimit-Remaining", "X-Rate-Limit-Reset",
		"Anthropic-Ratelimit-Tokens-Reset", "X-Shopify-Shop-Api-Call-Limit", "Stripe-Rate-Limited-Reason"} {
		if dialectOf(name) == nil {
			t.Errorf("dialectOf(%s) = nil, want a dialect", name)
		}
	}
	for _, name := range []string{"", "Date", "Content-Type", "Retry", "X-Rate", "Rate", "Limit", "X-Request-Id", "Stripe-Should-Retry"} {
		if d := dialectOf(name); d != nil {
			t.Errorf("dialectOf(%s) = %+v, want none", name, d)
		}
	}
}

// A Retry-After on any 4xx silences the fleet. An item that can be tried again is, as often as its
// tries allow.
func TestRetryAfterOnRefusals(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status, tries int
		lines         []string
		verb          Verb
		outcome       harvest.Outcome
		pause         time.Duration
	}{
		{400, 1, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{409, 1, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{423, 1, []string{"X-Retry-After: 9"}, Again, "", 9 * s},
		{418, 5, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{409, 6, []string{"Retry-After: 9"}, Skip, harvest.Skipped, 9 * s},
		{409, 1, nil, Skip, harvest.Skipped, 0},
		{408, 1, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{425, 1, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{404, 1, []string{"Retry-After: 9"}, Skip, harvest.Missing, 9 * s},
		{410, 1, []string{"Retry-After: 0.5"}, Skip, harvest.Missing, s / 2},
		{401, 1, []string{"Retry-After: 9"}, Again, "", 9 * s},
		{403, 1, []string{"Retry-After: 9"}, Pause, "", 9 * s},
		{420, 1, []string{"Retry-After: 9"}, Pause, "", 9 * s},
		{420, 1, []string{"X-ESI-Error-Limit-Remain: 0", "X-ESI-Error-Limit-Reset: 9"}, Pause, "", 9 * s},
		{420, 1, []string{"X-FeatureRateLimit-Remaining: 0", "X-FeatureRateLimit-Reset: 9"}, Pause, "", 9 * s},
		{420, 1, nil, Again, "", 0},
		{420, 6, nil, Skip, harvest.Dead, 0},
		{403, 1, []string{"X-Ratelimit-Limit: 50", "X-Ratelimit-Remaining: 0"}, Pause, "", s},
		{403, 1, []string{"X-Ratelimit-Limit: 50", "X-Ratelimit-Remaining: 1"}, Skip, harvest.Skipped, 0},
		{429, 1, []string{"Retry-After: 9"}, Pause, "", 9 * s},
		{404, 1, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9"}, Skip, harvest.Missing, 9 * s},
		{400, 1, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 9"}, Skip, harvest.Skipped, 9 * s},
		{404, 1, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1"}, Skip, harvest.Missing, 0},
		{404, 1, []string{"X-RateLimit-Remaining: 5", "X-RateLimit-Reset: 9"}, Skip, harvest.Missing, 0},
	} {
		d := Decide(Facts{Status: row.status, Header: headers(row.lines...), Items: 1, Tries: row.tries, Now: noon}, generic)
		if d.Verb != row.verb || d.Outcome != row.outcome || d.Pause != row.pause {
			t.Errorf("Decide(%d, %q, try %d) = %s %s, pause %v, want %s %s, pause %v", row.status, row.lines, row.tries, d.Verb, d.Outcome, d.Pause, row.verb, row.outcome, row.pause)
		}
		if d.Verb == Again && row.status != 401 && d.Delay < row.pause {
			t.Errorf("Decide(%d, %q).Delay = %v, want at least %v", row.status, row.lines, d.Delay, row.pause)
		}
	}
}

// Names and numbers of limits as particular APIs write them.
func TestLimitsOfParticularAPIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		status int
		lines  []string
		pause  time.Duration
	}{
		{"EVE Online, few errors left", 200, []string{"X-ESI-Error-Limit-Remain: 98", "X-ESI-Error-Limit-Reset: 42"}, 0},
		{"Companies House", 200, []string{"X-Ratelimit-Limit: 600", "X-Ratelimit-Remain: 0", "X-Ratelimit-Reset: 300", "X-Ratelimit-Window: 5m"}, 300 * s},
		{"Companies House, with requests left", 200, []string{"X-Ratelimit-Limit: 600", "X-Ratelimit-Remain: 599", "X-Ratelimit-Reset: 300", "X-Ratelimit-Window: 5m"}, 0},
		{"BigCommerce", 429, []string{"X-Rate-Limit-Requests-Left: 0", "X-Rate-Limit-Requests-Quota: 450", "X-Rate-Limit-Time-Reset-Ms: 15000", "X-Rate-Limit-Time-Window-Ms: 30000"}, 15 * s},
		{"BigCommerce, used up", 200, []string{"X-Rate-Limit-Requests-Left: 0", "X-Rate-Limit-Time-Reset-Ms: 15000"}, 15 * s},
		{"BigCommerce, with requests left", 200, []string{"X-Rate-Limit-Requests-Left: 149", "X-Rate-Limit-Time-Reset-Ms: 15000"}, 0},
		{"Azure Resource Graph", 429, []string{"x-ms-user-quota-remaining: 0", "x-ms-user-quota-resets-after: 00:00:05"}, 5 * s},
		{"Azure Resource Graph, with requests left", 200, []string{"x-ms-user-quota-remaining: 14", "x-ms-user-quota-resets-after: 00:00:05"}, 0},
		{"Bybit", 429, []string{"Date: Wed, 21 Oct 2026 07:26:00 GMT", "X-Bapi-Limit: 100", "X-Bapi-Limit-Status: 0", "X-Bapi-Limit-Reset-Timestamp: 1792567563000"}, 3 * s},
		{"a quota by that name", 200, []string{"X-Quota-Remaining: 0", "X-Quota-Reset: 30"}, 30 * s},
		{"commas within numbers", 200, []string{"X-RateLimit-Limit: 1,000", "X-RateLimit-Remaining: 1,000", "X-RateLimit-Reset: 3600"}, 0},
		{"commas within numbers, in quotes", 200, []string{`X-RateLimit-Remaining: "12,003"`, "X-RateLimit-Reset: 3600"}, 0},
		{"a list stays a list", 200, []string{"X-RateLimit-Remaining: 100,0", "X-RateLimit-Reset: 60"}, 60 * s},
	} {
		d := Decide(Facts{Status: row.status, Header: headers(row.lines...), Items: 1, Tries: 1, Now: noon}, generic)
		if d.Pause != row.pause || len(d.Hint.Malformed) > 0 {
			t.Errorf("%s: Decide(%d, %q) pauses for %v, malformed %q, want %v", row.name, row.status, row.lines, d.Pause, d.Hint.Malformed, row.pause)
		}
	}
	if h := ParseHint(headers("X-RateLimit-NearLimit: true"), 200, noon, UnitGuess); len(h.Malformed) > 0 {
		t.Errorf("ParseHint(X-RateLimit-NearLimit: true).Malformed = %q, want none", h.Malformed)
	}
}

func joined(names []string) string { return strings.Join(names, " ") }
