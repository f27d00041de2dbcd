package retry_test

import (
	"fmt"
	"net/http"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// A 429 with Retry-After silences the whole fleet for exactly that long; the item costs a try.
func ExampleDecide() {
	d := retry.Decide(retry.Facts{
		Status: http.StatusTooManyRequests,
		Header: http.Header{"Retry-After": {"7"}},
		Items:  1,
		Tries:  1,
		Now:    time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC),
	}, retry.Policy{Retries: 5})
	fmt.Println(d.Verb, d.Pause, d.Source)

	d = retry.Decide(retry.Facts{Status: http.StatusNotFound, Items: 1, Tries: 1}, retry.Policy{Retries: 5})
	fmt.Println(d.Verb, d.Outcome, d.Reason)

	d = retry.Decide(retry.Facts{Status: http.StatusBadGateway, Items: 20, Tries: 2}, retry.Policy{Retries: 5})
	fmt.Println(d.Verb)
	// Output:
	// pause 7s Retry-After
	// skip missing http_404
	// split
}

// ParseHint reads whatever dialect of rate-limit headers an upstream speaks.
func ExampleParseHint() {
	h := http.Header{}
	h.Set("X-RateLimit-Limit", "100")
	h.Set("X-RateLimit-Remaining", "40")
	h.Set("X-RateLimit-Reset", "20")
	hint := retry.ParseHint(h, http.StatusOK, time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC), retry.UnitGuess)
	fmt.Println(hint.Remaining, hint.Limit, hint.Reset, hint.Pace(50))
	// Output:
	// 40 100 20s 2
}

// A wrong path must not turn a whole corpus into missing items: the first ones stop the worker.
func ExampleStreak() {
	streak := retry.NewStreak(retry.StreakLimits{Canary: 3})
	for _, id := range []string{"1", "2", "3"} {
		v := streak.Observe(harvest.KeyOf("https://api.example/itmes/"+id), retry.ClassEnded)
		fmt.Printf("hold: %v, stop: %q\n", v.Hold, v.Stop)
	}
	// Output:
	// hold: true, stop: ""
	// hold: true, stop: ""
	// hold: true, stop: "canary"
}
