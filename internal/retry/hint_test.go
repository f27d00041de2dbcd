package retry

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// noon is the local clock of these tests; the servers' Date is the same unless a row sets it.
var noon = time.Date(2026, 10, 21, 7, 26, 0, 0, time.UTC)

// headers makes a header of lines such as "Retry-After: 3".
func headers(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimPrefix(value, " "))
	}
	return h
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  time.Duration
		bad   bool
	}{
		{"whole seconds", []string{"Retry-After: 120"}, 120 * time.Second, false},
		{"a fraction with blanks around it", []string{"Retry-After:  1.5 "}, 1500 * time.Millisecond, false},
		{"less than a millisecond is rounded up", []string{"Retry-After: 0.0001"}, time.Millisecond, false},
		{"rounding up is exact in decimals", []string{"Retry-After: 1.1"}, 1100 * time.Millisecond, false},
		{"Shopify's float", []string{"Retry-After: 2.0"}, 2 * time.Second, false},
		{"zero is no hint", []string{"Retry-After: 0"}, 0, false},
		{"zero with a fraction is no hint", []string{"Retry-After: 0.000"}, 0, false},
		{"a negative number is 0, no hint", []string{"Retry-After: -1"}, 0, false},
		{"a plus sign too", []string{"Retry-After: +5"}, 0, true},
		{"an exponent is malformed", []string{"Retry-After: 1e3"}, 0, true},
		{"a huge exponent too", []string{"Retry-After: 1e18"}, 0, true},
		{"inf is malformed", []string{"Retry-After: inf"}, 0, true},
		{"nan is malformed", []string{"Retry-After: NaN"}, 0, true},
		{"hex is malformed", []string{"Retry-After: 0x10"}, 0, true},
		{"a word is malformed", []string{"Retry-After: soon"}, 0, true},
		{"a lone x is malformed", []string{"Retry-After: x"}, 0, true},
		{"nothing is malformed", []string{"Retry-After: "}, 0, true},
		{"a point alone is malformed", []string{"Retry-After: ."}, 0, true},
		{"a point without digits after it is malformed", []string{"Retry-After: 5."}, 0, true},
		{"the largest of several values", []string{"Retry-After: 2814, 2"}, 2814 * time.Second, false},
		{"the largest of several lines", []string{"Retry-After: 2", "Retry-After: 2814"}, 2814 * time.Second, false},
		{"a good value beside a bad one", []string{"Retry-After: soon, 7"}, 7 * time.Second, true},
		{"IMF-fixdate", []string{date, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"}, 2 * time.Minute, false},
		{"RFC 850", []string{date, "Retry-After: Wednesday, 21-Oct-26 07:28:00 GMT"}, 2 * time.Minute, false},
		{"asctime", []string{date, "Retry-After: Wed Oct 21 07:28:00 2026"}, 2 * time.Minute, false},
		{"RFC 3339", []string{date, "Retry-After: 2026-10-21T07:28:00Z"}, 2 * time.Minute, false},
		{"a date beside seconds in one line", []string{date, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT, 10"}, 2 * time.Minute, false},
		{"a past date is no hint", []string{date, "Retry-After: Wed, 21 Oct 2026 07:25:00 GMT"}, 0, false},
		{"a date without Date counts from our clock", []string{"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"}, 2 * time.Minute, false},
		{"a server clock wrong by an hour counts from its own Date",
			[]string{"Date: Wed, 21 Oct 2026 08:26:00 GMT", "Retry-After: Wed, 21 Oct 2026 08:26:30 GMT"}, 30 * time.Second, false},
		{"a Date wrong by a day is no clock",
			[]string{"Date: Tue, 20 Oct 2026 07:26:00 GMT", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"}, 2 * time.Minute, false},
		{"a Date that is no date is no clock", []string{"Date: now", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"}, 2 * time.Minute, false},
		{"milliseconds come first", []string{"Retry-After-Ms: 250", "Retry-After: 1"}, 250 * time.Millisecond, false},
		{"fractions of milliseconds are rounded up", []string{"Retry-After-Ms: 250.2"}, 251 * time.Millisecond, false},
		{"negative milliseconds leave Retry-After", []string{"Retry-After-Ms: -1", "Retry-After: 1"}, time.Second, false},
		{"malformed milliseconds leave Retry-After", []string{"Retry-After-Ms: x", "Retry-After: 1"}, time.Second, true},
		{"a number beyond all sense is malformed", []string{"Retry-After: " + strings.Repeat("9", 400)}, 0, true},
		{"a year is believed as it is", []string{"Retry-After: 31536000"}, 31536000 * time.Second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ParseHint(headers(test.lines...), 429, noon, UnitGuess)
			if got.Wait != test.want {
				t.Errorf("ParseHint(%q).Wait = %v, want %v", test.lines, got.Wait, test.want)
			}
			if bad := len(got.Malformed) > 0; bad != test.bad {
				t.Errorf("ParseHint(%q).Malformed = %q, want malformed: %v", test.lines, got.Malformed, test.bad)
			}
			until := time.Time{}
			if test.want > 0 {
				until = noon.Add(test.want)
			}
			if !got.WaitUntil.Equal(until) {
				t.Errorf("ParseHint(%q).WaitUntil = %v, want %v", test.lines, got.WaitUntil, until)
			}
		})
	}
}

func TestRetryAfterByStatus(t *testing.T) {
	for status, want := range map[int]time.Duration{
		200: 0, 204: 0, 301: 0, 302: 0,
		400: 9 * time.Second, 401: 9 * time.Second, 404: 9 * time.Second, 409: 9 * time.Second, 420: 9 * time.Second, 423: 9 * time.Second,
		202: 9 * time.Second, 403: 9 * time.Second, 408: 9 * time.Second, 413: 9 * time.Second,
		429: 9 * time.Second, 500: 9 * time.Second, 503: 9 * time.Second,
	} {
		if got := ParseHint(headers("Retry-After: 9"), status, noon, UnitGuess).Wait; got != want {
			t.Errorf("ParseHint(Retry-After: 9, %d).Wait = %v, want %v", status, got, want)
		}
	}
}

func TestRateLimitHeaders(t *testing.T) {
	for _, test := range rateLimitCases {
		t.Run(test.name, func(t *testing.T) {
			h := ParseHint(headers(test.lines...), test.status, noon, UnitGuess)
			got := want{h.Wait, http.CanonicalHeaderKey(h.Source), h.Remaining, h.Limit, h.Reset, h.Window, h.Concurrency, h.Scope, strings.Join(h.Malformed, " ")}
			if got != test.want {
				t.Errorf("ParseHint(%q, %d) =\n%+v, want\n%+v", test.lines, test.status, got, test.want)
			}
		})
	}
}

func TestResetValues(t *testing.T) {
	at := func(sec int64) time.Time { return time.Unix(sec, 0) }
	tests := []struct {
		value string
		clock time.Time
		unit  Unit
		want  time.Duration
		bad   bool
	}{
		{"42", noon, UnitGuess, 42 * time.Second, false},
		{"0", noon, UnitGuess, 0, false},
		{"999999999", noon, UnitGuess, 0, true},
		{"86400000", noon, UnitGuess, 24 * time.Hour, false},
		{"60000", noon, UnitMilli, time.Minute, false},
		{"-1", noon, UnitGuess, 0, false},
		{"\"42\"", noon, UnitGuess, 42 * time.Second, false},
		{"PT1M", noon, UnitGuess, time.Minute, false},
		{"30 seconds", noon, UnitGuess, 30 * time.Second, false},
		{"1372700873", at(1372700800), UnitGuess, 73 * time.Second, false},
		{"1800000000000", at(1799999990), UnitGuess, 10 * time.Second, false},
		{"1800000000000000", at(1799999990), UnitGuess, 10 * time.Second, false},
		{"1800000000000000000", at(1799999990), UnitGuess, 10 * time.Second, false},
		{"99999999999999999999", noon, UnitGuess, 0, true},
		{"9999999999999999999", noon, UnitGuess, 0, true},
		{"6m0s", noon, UnitGuess, 360 * time.Second, false},
		{"120ms", noon, UnitGuess, 120 * time.Millisecond, false},
		{"-6m", noon, UnitGuess, 0, true},
		{"2026-10-21T07:27:00Z", noon, UnitGuess, time.Minute, false},
		{"Wed, 21 Oct 2026 07:27:00 GMT", noon, UnitGuess, time.Minute, false},
		{"Wed Oct 21 2026 09:27:00 GMT+0200 (CEST)", noon, UnitGuess, time.Minute, false},
		{"1.5", noon, UnitGuess, 1500 * time.Millisecond, false},
		{"1372700873", at(1372700800), UnitDelta, MaxWait, false},
		{"90", at(30), UnitEpoch, 60 * time.Second, false},
		{"90000", at(30), UnitEpochMilli, 60 * time.Second, false},
		{"soon", noon, UnitGuess, 0, true},
		{"", noon, UnitGuess, 0, true},
		{"1e9", noon, UnitGuess, 0, true},
	}
	for _, test := range tests {
		r := reader{clock: test.clock, unit: test.unit}
		got, _, ok := r.reset(test.value, test.unit)
		if got != test.want || ok == test.bad {
			t.Errorf("reset(%q, unit %d) = %v, %v, want %v, %v", test.value, test.unit, got, ok, test.want, !test.bad)
		}
	}
}

func TestPaceNeverAboveTheBudget(t *testing.T) {
	tests := []struct {
		hint Hint
		want float64
	}{
		{Hint{Remaining: 10, Reset: 5 * time.Second}, 2},
		{Hint{Remaining: 1000, Reset: time.Second}, 50},
		{Hint{Remaining: -1, Reset: time.Second}, 50},
		{Hint{Remaining: 10}, 50},
		{Hint{Remaining: 0, Reset: time.Second}, 50},
	}
	for _, test := range tests {
		if got := test.hint.Pace(50); got != test.want {
			t.Errorf("%+v.Pace(50) = %v, want %v", test.hint, got, test.want)
		}
	}
}

// checkHint holds for whatever a server may send.
func checkHint(t *testing.T, h Hint) {
	t.Helper()
	if h.Wait < 0 || h.Wait > MaxWait || h.Reset < 0 || h.Reset > MaxWait || h.Window < 0 || h.Window > MaxWait {
		t.Errorf("hint %+v: a span is out of range", h)
	}
	if h.Remaining < -1 || h.Limit < -1 || h.Concurrency < 0 {
		t.Errorf("hint %+v: a count is out of range", h)
	}
	if p := h.Pace(50); math.IsNaN(p) || p <= 0 || p > 50 {
		t.Errorf("hint %+v: Pace(50) = %v, want in (0, 50]", h, p)
	}
	if (h.Wait > 0) != (h.Source != "") || (h.Wait > 0) != !h.WaitUntil.IsZero() {
		t.Errorf("hint %+v: wait, source and instant contradict each other", h)
	}
	if !slices.IsSorted(h.Malformed) {
		t.Errorf("hint %+v: malformed headers are not sorted", h)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"120", " 1.5 ", "0.0001", "0", "-1", "1e3", "inf", "2814, 2", "Wed, 21 Oct 2026 07:28:00 GMT",
		"Wednesday, 21-Oct-26 07:28:00 GMT", "Wed Oct 21 07:28:00 2026", "soon", "Wed, ", ",", "99999999999999999999", "2026-10-21T07:28:00+25:00"} {
		f.Add(s, uint32(7))
	}
	f.Fuzz(func(t *testing.T, s string, n uint32) {
		h := ParseHint(http.Header{"Retry-After": {s}}, 429, noon, UnitGuess)
		checkHint(t, h)
		more := ParseHint(http.Header{"Retry-After": {s, decimalText(n)}}, 429, noon, UnitGuess)
		checkHint(t, more)
		if want := max(h.Wait, min(time.Duration(n)*time.Millisecond, MaxWait)); more.Wait != want {
			t.Errorf("Retry-After %q and %s: wait %v, want the longer %v", s, decimalText(n), more.Wait, want)
		}
	})
}

func decimalText(millis uint32) string { return fmt.Sprintf("%d.%03d", millis/1000, millis%1000) }

func FuzzRateLimit(f *testing.F) {
	for _, s := range []string{`"default";r=50;t=30`, `"a";r=0;t=10, "b";r=900;t=3600`, `default`, `limit=100, remaining=50, reset=30`,
		`"x";pk=:YQ==:;r=1`, `"x";r=1;t=-1`, `"\`, `"a";r=?1`, `:`, `a;`, `100;w=60`, `39/40`} {
		f.Add(s, `"a";q=10;w=60;qu="content-bytes"`, "100, 100;w=60", "0", "42")
	}
	f.Add("", "", "", "598.0", "2026-08-07T21:00:00Z")
	f.Add("", "", "", "0", "Tue Feb 16 2021 09:02:42 GMT+0100 (..)")
	f.Add("", "", "", "0", "1800000000000")
	f.Add("", "", "", "0", "9999999999999999999")
	f.Add("", "", "", "0", "6m0s")
	f.Fuzz(func(t *testing.T, rate, policy, limit, remaining, reset string) {
		h := http.Header{"Ratelimit": {rate}, "Ratelimit-Policy": {policy}, "X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining},
			"X-Ratelimit-Reset": {reset}, "X-Ratelimit-Reset-After": {reset}, "X-Rate-Limit-Interval": {reset}, "X-Rate-Limit-Reset": {remaining},
			"X-Shopify-Shop-Api-Call-Limit": {limit}}
		for _, status := range []int{200, 403, 429} {
			for unit := UnitGuess; unit <= UnitEpochMilli; unit++ {
				checkHint(t, ParseHint(h, status, noon, unit))
			}
		}
	})
}

func BenchmarkParseHintWithout(b *testing.B) {
	h := headers("Date: Wed, 21 Oct 2026 07:26:00 GMT", "Content-Type: application/json", "Server: nginx", "Etag: x", "Vary: x", "Cache-Control: x", "Content-Length: 9", "X-Request-Id: 7")
	for b.Loop() {
		ParseHint(h, 200, noon, UnitGuess)
	}
}

func BenchmarkParseHintThree(b *testing.B) {
	h := headers("Date: Wed, 21 Oct 2026 07:26:00 GMT", "X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 4000", "X-RateLimit-Reset: 1792569360", "Content-Type: application/json")
	for b.Loop() {
		ParseHint(h, 200, noon, UnitGuess)
	}
}
