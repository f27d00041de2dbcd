package retry

import (
	"time"

	"shoal/internal/harvest"
)

const s = time.Second

// The two policies of these tests, and the shapes of decisions.
var (
	generic   = Policy{Retries: 5}
	wikimedia = Policy{Retries: 5, MinPause: 5 * s}
)

func asked(pause, delay time.Duration, cut bool, source string) Decision {
	class := ClassNone
	if cut {
		class = ClassAsked
	}
	return Decision{Verb: Pause, Pause: pause, Delay: delay, Cut: cut, Free: true, Class: class, Source: source}
}

// uncut is a 429 that does not lower the rate.
func uncut(d Decision) Decision {
	d.Class = ClassAsked
	return d
}

func unhinted(pause, delay time.Duration, source string) Decision {
	return Decision{Verb: Pause, Pause: pause, Delay: delay, Cut: true, Free: true, Class: ClassLimited, Source: source}
}

func retried(delay time.Duration, source string) Decision {
	return Decision{Verb: Again, Delay: delay, Source: source}
}

func ended(o harvest.Outcome, reason string) Decision {
	return Decision{Verb: Skip, Outcome: o, Reason: reason, Class: ClassEnded, Source: reason}
}

func silent(d Decision, pause time.Duration, source string) Decision {
	d.Pause, d.Source = pause, source
	return d
}

func refused(reason string) Decision {
	d := ended(harvest.Skipped, reason)
	d.Class = ClassRefused
	return d
}

func halved(delay time.Duration, source string) Decision {
	return Decision{Verb: Split, Delay: delay, Source: source}
}

func took(source string) Decision {
	return Decision{Verb: Accept, Free: true, Class: ClassAccepted, Source: source}
}

// decideCases are the rows of the table of decisions, one sentence each.
var decideCases = []struct {
	name   string
	facts  func(*Facts)
	policy Policy
	want   Decision
}{
	{"a decoded 200 is accepted", status(200), generic, took("http_200")},
	{"a 204 is accepted", status(204), generic, took("http_204")},
	{"a 200 with Retry-After is accepted, the header means nothing there", status(200, "Retry-After: 9"), generic, took("http_200")},
	{"a 200 that leaves nothing asks for silence until the reset", status(200, `RateLimit: "a";r=0;t=10`), generic,
		Decision{Verb: Accept, Free: true, Class: ClassAccepted, Pause: 10 * s, Source: "Ratelimit"}},
	{"a 200 that leaves nothing for a second is the budget's own business", status(200, `RateLimit: "a";r=0;t=1`), generic, took("http_200")},
	{"a profile may not believe that nothing is left", status(200, `RateLimit: "a";r=0;t=10`), Policy{IgnoreRemaining: true}, took("http_200")},

	{"429 with Retry-After pauses the fleet for exactly that, costs no retry, counts as congestion",
		status(429, "Retry-After: 30"), generic, asked(30*s, 31500*time.Millisecond, true, "Retry-After")},
	{"429 with a long Retry-After: what is added stays under 5 s",
		status(429, "Retry-After: 3600"), generic, asked(3600*s, 3602500*time.Millisecond, true, "Retry-After")},
	{"429 on the last try is still no retry", with(status(429, "Retry-After: 30"), tries(99)), generic,
		asked(30*s, 31500*time.Millisecond, true, "Retry-After")},
	{"429 on a pack does not split it", with(status(429, "Retry-After: 30"), pack(50), tries(2)), generic,
		asked(30*s, 31500*time.Millisecond, true, "Retry-After")},
	{"429 with a reset and nothing remaining pauses until the reset",
		status(429, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 20"), generic, asked(20*s, 21*s, true, "X-Ratelimit-Reset")},
	{"a pinned unit reads that reset as it says",
		status(429, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 20"), Policy{ResetUnit: UnitEpoch}, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"403 with Retry-After is GitHub's 429", status(403, "Retry-After: 30"), generic, asked(30*s, 31500*time.Millisecond, true, "Retry-After")},
	{"403 with nothing remaining too", status(403, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 20"), generic, asked(20*s, 21*s, true, "X-Ratelimit-Reset")},
	{"503 with Retry-After pauses without a cut", status(503, "Retry-After: 30"), generic, asked(30*s, 31500*time.Millisecond, false, "Retry-After")},
	{"a 200 that says ratelimited pauses as a 429", with(status(200, "Retry-After: 30"), fault(harvest.FaultRateLimited)), generic,
		asked(30*s, 31500*time.Millisecond, true, "Retry-After")},
	{"a 200 that says ratelimited and no more", with(status(200), fault(harvest.FaultRateLimited), incidents(2)), generic,
		unhinted(2*s, 2100*time.Millisecond, "ratelimited, no hint")},
	{"a 200 that says maxlag pauses without a cut", with(status(200, "Retry-After: 5"), fault(harvest.FaultLagged)), generic,
		asked(5*s, 5250*time.Millisecond, false, "Retry-After")},
	{"what the body asks holds where it is longer", with(status(200, "Retry-After: 5"), fault(harvest.FaultLagged), asks(8*s)), generic,
		asked(8*s, 8400*time.Millisecond, false, "lagged")},
	{"a GOAWAY that says ENHANCE_YOUR_CALM is a 429 without hint", with(fault(harvest.FaultCalm), incidents(1)), generic,
		unhinted(s, 1050*time.Millisecond, "calm, no hint")},

	{"429 with no hint, first incident: 1 s", with(status(429), incidents(1)), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"second incident: 2 s", with(status(429), incidents(2)), generic, unhinted(2*s, 2100*time.Millisecond, "http_429, no hint")},
	{"third incident: 4 s", with(status(429), incidents(3)), generic, unhinted(4*s, 4200*time.Millisecond, "http_429, no hint")},
	{"a count that was not kept is the first", with(status(429), incidents(0)), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"our own steps end at 5 min", with(status(429), incidents(1000)), generic, unhinted(300*s, 302500*time.Millisecond, "http_429, no hint")},
	{"on Wikimedia at least 5 s", with(status(429), incidents(1)), wikimedia, unhinted(5*s, 5250*time.Millisecond, "http_429, no hint")},
	{"but a hint is taken at its word there too", status(429, "Retry-After: 2"), wikimedia, asked(2*s, 2100*time.Millisecond, true, "Retry-After")},
	{"the third time that only these items get it, it is not our rate, which stays", with(status(429, "Retry-After: 30"), outvoted(3)), generic,
		uncut(asked(30*s, 31500*time.Millisecond, false, "Retry-After"))},
	{"eleven times are kept as they were asked for", with(status(429, "Retry-After: 30"), outvoted(11)), generic,
		uncut(asked(30*s, 31500*time.Millisecond, false, "Retry-After"))},
	{"twelve times end the item", with(status(429, "Retry-After: 30"), outvoted(12)), generic, silent(ended(harvest.Dead, "http_429"), 30*s, "Retry-After")},
	{"ENHANCE_YOUR_CALM too", with(fault(harvest.FaultCalm), outvoted(12)), generic, ended(harvest.Dead, "calm")},
	{"a pack is halved after six", with(status(429, "Retry-After: 30"), pack(50), outvoted(6), tries(1)), generic, silent(halved(500*time.Millisecond, ""), 30*s, "Retry-After")},
	{"an upstream may be busy for some requests only, for longer", with(status(503, "Retry-After: 30"), outvoted(29)), generic, asked(30*s, 31500*time.Millisecond, false, "Retry-After")},
	{"but not for ever", with(status(503, "Retry-After: 30"), outvoted(30)), generic, silent(ended(harvest.Dead, "http_503"), 30*s, "Retry-After")},
	{"nor may a wiki lag for one item for ever", with(status(200, "Retry-After: 5"), fault(harvest.FaultLagged), outvoted(30)), generic,
		silent(ended(harvest.Dead, "lagged"), 5*s, "Retry-After")},
	{"Retry-After: 0 is no hint", status(429, "Retry-After: 0"), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"Retry-After: -1 is no hint", status(429, "Retry-After: -1"), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"Retry-After: 1e18 is no hint", status(429, "Retry-After: 1e18"), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"Retry-After: x is no hint", status(429, "Retry-After: x"), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},
	{"a past date is no hint", status(429, "Retry-After: Wed, 21 Oct 2020 07:28:00 GMT"), generic, unhinted(s, 1050*time.Millisecond, "http_429, no hint")},

	{"500 is tried again after full jitter", status(500), generic, retried(s/2, "http_500")},
	{"its third try waits up to 4 s", with(status(502), tries(3)), generic, retried(2*s, "http_502")},
	{"a later one up to a minute", with(status(504), tries(40)), Policy{Retries: 100}, retried(30*s, "http_504")},
	{"503 without Retry-After is any other 5xx", status(503), generic, retried(s/2, "http_503")},
	{"but on Wikimedia the item waits 5 s", status(503), wikimedia, retried(5*s, "http_503")},
	{"500 with Retry-After: this item waits at least that", status(500, "Retry-After: 9"), generic, retried(9*s, "http_500")},
	{"202 is tried again", status(202), generic, retried(s/2, "http_202")},
	{"202 with Retry-After waits for it", status(202, "Retry-After: 9"), generic, retried(9*s, "http_202")},
	{"408 is tried again", status(408), generic, retried(s/2, "http_408")},
	{"425 is tried again", status(425), generic, retried(s/2, "http_425")},
	{"a timeout is tried again", fault(harvest.FaultTimeout), generic, retried(s/2, "timeout")},
	{"a reset is tried again", fault(harvest.FaultReset), generic, retried(s/2, "reset")},
	{"no connection is tried again", fault(harvest.FaultConnect), generic, retried(s/2, "connect")},
	{"a partial body is tried again", with(status(200), fault(harvest.FaultPartial)), generic, retried(s/2, "partial")},
	{"an undecodable 200 is tried again", with(status(200), fault(harvest.FaultUndecodable), because("bad_json")), generic, retried(s/2, "bad_json")},
	{"no status and no fault is tried again", with(), generic, retried(s/2, "no_answer")},
	{"the last retry", with(status(500), tries(5)), generic, retried(8*s, "http_500")},
	{"after it the item is dead", with(status(500), tries(6)), generic, ended(harvest.Dead, "http_500")},
	{"dead by timeout", with(fault(harvest.FaultTimeout), tries(6)), generic, ended(harvest.Dead, "timeout")},
	{"dead by what it says", with(status(200), fault(harvest.FaultUndecodable), because("bad_json"), tries(6)), generic, ended(harvest.Dead, "bad_json")},
	{"with no retries the first failure is the last", status(500), Policy{}, ended(harvest.Dead, "http_500")},
	{"a profile's own steps", with(status(500), tries(3)), Policy{Retries: 5, First: 10 * time.Millisecond, MaxDelay: 20 * time.Millisecond}, retried(10*time.Millisecond, "http_500")},

	{"a refused stream is sent again at once and costs no retry", fault(harvest.FaultUnprocessed), generic,
		Decision{Verb: Again, Free: true, Source: "unprocessed"}},
	{"however often", with(fault(harvest.FaultUnprocessed), tries(99)), generic, Decision{Verb: Again, Free: true, Source: "unprocessed"}},

	{"a pack that fails once is sent again", with(status(500), pack(50)), generic, retried(s/2, "http_500")},
	{"a pack that fails twice is split", with(status(500), pack(50), tries(2)), generic, halved(s, "http_500")},
	{"also one of two items, though all its tries are not used", with(fault(harvest.FaultTimeout), pack(2), tries(2)), generic, halved(s, "timeout")},
	{"a pack is never dead", with(status(500), pack(2), tries(99)), generic, halved(30*s, "http_500")},
	{"a pack that is too large is split at once", with(status(200), fault(harvest.FaultTooLarge), pack(50)), generic, halved(s/2, "body_too_large")},
	{"a 404 for a pack says nothing about one of its items", with(status(404), pack(50)), generic, halved(s/2, "http_404")},
	{"a 414 for a pack neither", with(status(414), pack(50)), generic, halved(s/2, "http_414")},

	{"404 is missing", status(404), generic, ended(harvest.Missing, "http_404")},
	{"410 is missing", status(410), generic, ended(harvest.Missing, "http_410")},
	{"404 with Retry-After is missing all the same, and the fleet is silent", status(404, "Retry-After: 9"), generic, silent(ended(harvest.Missing, "http_404"), 9*s, "Retry-After")},
	{"400 is skipped", status(400), generic, ended(harvest.Skipped, "http_400")},
	{"451 is skipped", status(451), generic, ended(harvest.Skipped, "http_451")},
	{"a 304 without a condition is skipped", status(304), generic, ended(harvest.Skipped, "http_304")},
	{"a body over the limit is skipped", with(status(200), fault(harvest.FaultTooLarge)), generic, ended(harvest.Skipped, "body_too_large")},
	{"a coding that was not asked for is skipped", with(status(200), fault(harvest.FaultEncoding)), generic, ended(harvest.Skipped, "bad_encoding")},
	{"too many headers are skipped", fault(harvest.FaultHeaders), generic, ended(harvest.Skipped, "headers_too_large")},
	{"a redirect to another host is skipped", with(status(302), fault(harvest.FaultOffhost)), generic, ended(harvest.Skipped, "redirect_offhost")},
	{"a redirect to http is skipped", with(status(302), fault(harvest.FaultDowngrade)), generic, ended(harvest.Skipped, "redirect_downgrade")},
	{"a redirect in a circle is skipped", with(status(302), fault(harvest.FaultLoop)), generic, ended(harvest.Skipped, "redirect_loop")},

	{"the first 401 renews the credential and costs no retry", status(401), generic, Decision{Verb: Again, Free: true, Renew: true, Source: "http_401"}},
	{"also for a pack", with(status(401), pack(50)), generic, Decision{Verb: Again, Free: true, Renew: true, Source: "http_401"}},
	{"also on the last try", with(status(401), tries(6)), generic, Decision{Verb: Again, Free: true, Renew: true, Source: "http_401"}},
	{"a 401 with the new credential is a refusal", with(status(401), renewed), generic, refused("http_401")},
	{"a 403 is a refusal", status(403), generic, refused("http_403")},
	{"TLS that fails once proves nothing", fault(harvest.FaultTLS), generic, retried(s/2, "tls")},
	{"TLS that fails again is a refusal", with(fault(harvest.FaultTLS), tries(2)), generic,
		Decision{Verb: Again, Delay: s, Class: ClassRefused, Source: "tls"}},
	{"TLS that fails for good stops the worker and is no outcome", with(fault(harvest.FaultTLS), tries(6)), generic,
		Decision{Verb: Abort, Reason: "tls", Class: ClassRefused, Source: "tls"}},
	{"so does an address that we do not dial", with(fault(harvest.FaultBlocked), tries(6)), generic,
		Decision{Verb: Abort, Reason: "address_refused", Class: ClassRefused, Source: "address_refused"}},
	{"so does a credential that cannot be had", with(fault(harvest.FaultCredential), tries(6)), generic,
		Decision{Verb: Abort, Reason: "credential", Class: ClassRefused, Source: "credential"}},
}
