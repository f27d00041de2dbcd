package retry

import "time"

const date = "Date: Wed, 21 Oct 2026 07:26:00 GMT"

// want is what a row expects of a Hint.
type want struct {
	wait       time.Duration
	source     string
	remaining  int64
	limit      int64
	reset      time.Duration
	window     time.Duration
	concurrent int64
	scope      string
	malformed  string
}

var none = want{remaining: -1, limit: -1}

func bad(name string) want {
	w := none
	w.malformed = name
	return w
}

// rateLimitCases are the dialects, one sentence each.
var rateLimitCases = []struct {
	name   string
	status int
	lines  []string
	want   want
}{
	{"draft: what remains and when it is filled up", 200, []string{`RateLimit: "default";r=50;t=30`},
		want{remaining: 50, limit: -1, reset: 30 * s}},
	{"draft: with its policies", 200,
		[]string{`RateLimit: "daily";r=900;t=3600`, `RateLimit-Policy: "burst";q=100;w=60,"daily";q=1000;w=86400`},
		want{remaining: 900, limit: 1000, reset: 3600 * s, window: 86400 * s}},
	{"draft: the policy that is used up asks for its own reset", 200, []string{`RateLimit: "a";r=0;t=10, "b";r=900;t=3600`},
		want{wait: 10 * s, source: "Ratelimit", remaining: 0, limit: -1, reset: 10 * s}},
	{"draft: of two that are used up the later reset holds", 200, []string{`RateLimit: "a";r=0;t=10, "b";r=0;t=3600`},
		want{wait: 3600 * s, source: "Ratelimit", remaining: 0, limit: -1, reset: 3600 * s}},
	{"draft: least r/t is the tightest", 200, []string{`RateLimit: "a";r=50;t=10, "b";r=900;t=3600`},
		want{remaining: 900, limit: -1, reset: 3600 * s}},
	{"draft: any order, unknown parameters, a partition key", 200, []string{`RateLimit:  "x" ; t=5;foo="b\"ar";pk=:c2VjcmV0:;flag;r=1`}, bad("Ratelimit")},
	{"draft: any order, unknown parameters, a partition key, no blank before a semicolon", 200,
		[]string{`RateLimit: "x"; t=5;foo="b\"ar";pk=:c2VjcmV0:;flag;z=?0;d=1.5;tok=a/b; r=1`}, want{remaining: 1, limit: -1, reset: 5 * s}},
	{"draft: a list split over lines", 200, []string{`RateLimit: "a";r=0;t=10`, `RateLimit: "b";r=900;t=3600`},
		want{wait: 10 * s, source: "Ratelimit", remaining: 0, limit: -1, reset: 10 * s}},
	{"draft: a token is no policy name", 200, []string{`RateLimit: default`}, bad("Ratelimit")},
	{"draft: a token with parameters neither", 200, []string{`RateLimit: default;r=0;t=9`}, bad("Ratelimit")},
	{"draft: r is required", 200, []string{`RateLimit: "default";t=30`}, bad("Ratelimit")},
	{"draft: t may be missing", 200, []string{`RateLimit: "default";r=0`}, want{remaining: 0, limit: -1}},
	{"draft: t must be an integer", 200, []string{`RateLimit: "default";r=0;t=1.5`}, bad("Ratelimit")},
	{"draft: a negative t is no reset", 200, []string{`RateLimit: "default";r=0;t=-5`}, want{remaining: 0, limit: -1}},
	{"draft: an open string", 200, []string{`RateLimit: "default;r=0;t=9`}, bad("Ratelimit")},
	{"draft: a trailing comma", 200, []string{`RateLimit: "default";r=0;t=9,`}, bad("Ratelimit")},
	{"draft: more digits than an integer may have", 200, []string{`RateLimit: "default";r=0;t=1234567890123456`}, bad("Ratelimit")},
	{"draft: a reset beyond all sense is malformed", 200, []string{`RateLimit: "default";r=0;t=999999999999999`},
		want{remaining: 0, limit: -1, malformed: "Ratelimit"}},
	{"draft: a quota of bytes says nothing about requests", 200,
		[]string{`RateLimit: "b";r=0;t=9`, `RateLimit-Policy: "b";q=65535;qu="content-bytes";w=10`}, none},
	{"draft: but a 429 because of it does", 429,
		[]string{`RateLimit: "b";r=0;t=9`, `RateLimit-Policy: "b";q=65535;qu="content-bytes";w=10`},
		want{wait: 9 * s, source: "Ratelimit", remaining: -1, limit: -1}},
	{"draft: requests at once are a cap", 200,
		[]string{`RateLimit-Policy: "c";q=4;qu="concurrent-requests", "d";q=100;w=60`},
		want{remaining: -1, limit: 100, window: 60 * s, concurrent: 4}},
	{"draft: a policy without a quota", 200, []string{`RateLimit-Policy: "c";w=60`}, bad("Ratelimit-Policy")},
	{"draft: Retry-After wins", 429, []string{`RateLimit: "a";r=0;t=10`, "Retry-After: 3"},
		want{wait: 3 * s, source: "Retry-After", remaining: 0, limit: -1, reset: 10 * s}},
	{"draft: Retry-After 0 leaves it to the reset", 429, []string{`RateLimit: "a";r=0;t=10`, "Retry-After: 0"},
		want{wait: 10 * s, source: "Ratelimit", remaining: 0, limit: -1, reset: 10 * s}},

	{"older draft: one dictionary", 200, []string{`RateLimit: limit=100, remaining=50, reset=30`},
		want{remaining: 50, limit: 100, reset: 30 * s}},
	{"older draft: one dictionary, used up", 200, []string{`RateLimit: reset=30, limit=100, remaining=0`},
		want{wait: 30 * s, source: "Ratelimit", remaining: 0, limit: 100, reset: 30 * s}},
	{"older draft: a dictionary without remaining", 200, []string{`RateLimit: limit=100, reset=30`}, bad("Ratelimit")},
	{"older draft: three headers", 200, []string{"RateLimit-Limit: 100, 100;w=60", "RateLimit-Remaining: 7", "RateLimit-Reset: 30"},
		want{remaining: 7, limit: 100, reset: 30 * s, window: 60 * s}},
	{"older draft: three headers, used up", 200, []string{"RateLimit-Limit: 100", "RateLimit-Remaining: 0", "RateLimit-Reset: 30"},
		want{wait: 30 * s, source: "Ratelimit-Reset", remaining: 0, limit: 100, reset: 30 * s}},
	{"older draft: a policy of numbers", 200, []string{"RateLimit-Policy: 100;w=60"},
		want{remaining: -1, limit: 100, window: 60 * s}},
	{"GitLab: an epoch in RateLimit-Reset, a date beside it", 429,
		[]string{date, "RateLimit-Limit: 60", "RateLimit-Observed: 67", "RateLimit-Remaining: 0", "RateLimit-Reset: 1792567620",
			"RateLimit-ResetTime: Wed, 21 Oct 2026 07:27:00 GMT"},
		want{wait: 60 * s, source: "Ratelimit-Reset", remaining: 0, limit: 60, reset: 60 * s}},

	{"GitHub: used up until an epoch", 403,
		[]string{date, "X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 0", "X-RateLimit-Used: 5000", "X-RateLimit-Resource: core", "X-RateLimit-Reset: 1792567560.5"},
		want{wait: 500 * time.Millisecond, source: "X-Ratelimit-Reset", remaining: 0, limit: 5000, reset: 500 * time.Millisecond, scope: "core"}},
	{"GitHub: a secondary limit while some remain says nothing of use", 429,
		[]string{date, "X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 4000", "X-RateLimit-Reset: 1792569360"},
		want{remaining: 4000, limit: 5000, reset: 1800 * s}},
	{"GitHub: a secondary limit with Retry-After", 403,
		[]string{date, "X-RateLimit-Remaining: 4000", "X-RateLimit-Reset: 1792569360", "Retry-After: 60"},
		want{wait: 60 * s, source: "Retry-After", remaining: 4000, limit: -1, reset: 1800 * s}},
	{"Reddit: what remains is a float", 200, []string{"X-Ratelimit-Used: 2", "X-Ratelimit-Remaining: 598.0", "X-Ratelimit-Reset: 42"},
		want{remaining: 598, limit: -1, reset: 42 * s}},
	{"a fraction of a request is none", 200, []string{"X-Ratelimit-Remaining: 0.9", "X-Ratelimit-Reset: 42"},
		want{wait: 42 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 42 * s}},
	{"Stripe: only a reason", 429, []string{"Stripe-Rate-Limited-Reason: endpoint-concurrency", "Stripe-Should-Retry: true"},
		want{remaining: -1, limit: -1, scope: "endpoint-concurrency"}},
	{"Twitter, Okta, Vimeo: one dash more", 429, []string{date, "x-rate-limit-limit: 15", "x-rate-limit-remaining: 0", "x-rate-limit-reset: 1792567570"},
		want{wait: 10 * s, source: "X-Rate-Limit-Reset", remaining: 0, limit: 15, reset: 10 * s}},
	{"OpenRouter: an epoch in milliseconds", 429, []string{date, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1792567560250"},
		want{wait: 250 * time.Millisecond, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 250 * time.Millisecond}},
	{"Discord: how long wins over when", 429,
		[]string{date, "X-RateLimit-Limit: 5", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1792567570.123", "X-RateLimit-Reset-After: 1.25",
			"X-RateLimit-Bucket: abcd", "X-RateLimit-Global: true"},
		want{wait: 1250 * time.Millisecond, source: "X-Ratelimit-Reset-After", remaining: 0, limit: 5, reset: 1250 * time.Millisecond, scope: "abcd"}},
	{"Shopify: a leaky bucket", 200, []string{"X-Shopify-Shop-Api-Call-Limit: 39/40"}, want{remaining: 1, limit: 40}},
	{"Shopify: a bucket that is none", 200, []string{"X-Shopify-Shop-Api-Call-Limit: 39"}, bad("X-Shopify-Shop-Api-Call-Limit")},
	{"OpenAI: durations; tokens are no requests", 429,
		[]string{"x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 6m0s",
			"x-ratelimit-limit-tokens: 150000", "x-ratelimit-remaining-tokens: 149984", "x-ratelimit-reset-tokens: 120ms"},
		want{wait: 360 * s, source: "X-Ratelimit-Reset-Requests", remaining: 0, limit: 60, reset: 360 * s}},
	{"Anthropic: RFC 3339, the group first", 429,
		[]string{date, "anthropic-ratelimit-requests-limit: 50", "anthropic-ratelimit-requests-remaining: 0", "anthropic-ratelimit-requests-reset: 2026-10-21T07:26:40Z",
			"anthropic-ratelimit-input-tokens-remaining: 10", "anthropic-ratelimit-input-tokens-reset: 2026-10-21T08:26:40Z"},
		want{wait: 40 * s, source: "Anthropic-Ratelimit-Requests-Reset", remaining: 0, limit: 50, reset: 40 * s}},
	{"Atlassian, Mastodon: RFC 3339", 429, []string{date, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 2026-10-21T07:27:00.000Z"},
		want{wait: 60 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 60 * s}},
	{"lemlist: a date of JavaScript", 429, []string{date, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: Wed Oct 21 2026 09:26:42 GMT+0200 (Central European Summer Time)"},
		want{wait: 42 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 42 * s}},
	{"Crossref: a window and nothing else", 200, []string{"X-Rate-Limit-Limit: 50", "X-Rate-Limit-Interval: 1s"},
		want{remaining: -1, limit: 50, window: s}},
	{"Zalando, Unipile, Brevo: seconds under GitHub's name", 429, []string{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 42"},
		want{wait: 42 * s, source: "X-Ratelimit-Reset", remaining: 0, limit: -1, reset: 42 * s}},
	{"Kong: the window in the name", 200, []string{"X-RateLimit-Limit-Minute: 60", "X-RateLimit-Remaining-Minute: 7"},
		want{remaining: 7, limit: 60, window: 60 * s}},
	{"a 429 with a reset and no word on what remains", 429, []string{"X-RateLimit-Reset: 42"},
		want{wait: 42 * s, source: "X-Ratelimit-Reset", remaining: -1, limit: -1, reset: 42 * s}},
	{"a 403 with a reset and no word on what remains", 403, []string{"X-RateLimit-Reset: 42"},
		want{remaining: -1, limit: -1, reset: 42 * s}},
	{"a past epoch is no wait", 429, []string{date, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1372700873"},
		want{remaining: 0, limit: -1}},
	{"a negative remaining is none", 429, []string{"X-RateLimit-Remaining: -1", "X-RateLimit-Limit: 9"},
		want{remaining: 0, limit: 9}},
	{"two malformed headers", 429, []string{"X-RateLimit-Remaining: many", "X-RateLimit-Reset: soon"},
		want{remaining: -1, limit: -1, malformed: "X-Ratelimit-Remaining X-Ratelimit-Reset"}},
	{"no such headers", 200, []string{"Content-Type: text/html", date}, none},
}
