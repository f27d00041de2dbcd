package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// silences are servers that ask to be left alone in ways that no server means.
func silences() []attack {
	row := func(name string, status int, headers ...string) attack {
		return attack{name: name, items: 3, within: 3 * time.Minute, answer: func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"id":1}`)
		}}
	}
	var rows []attack
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadRequest, http.StatusOK} {
		for _, value := range []string{"99999999999", "1e18", "-99999999999"} {
			rows = append(rows, row(fmt.Sprintf("silence: %d, Retry-After: %s", status, value), status, "Retry-After", value))
		}
	}
	far := strconv.FormatInt(1<<62, 10)
	return append(rows,
		row("silence: 429, Retry-After in the year 9999", http.StatusTooManyRequests, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
		row("silence: 200, reset in the far future", http.StatusOK, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", far),
		row("silence: 429, reset in the far future", http.StatusTooManyRequests, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", far),
		row("silence: 200, reset in the year 1", http.StatusOK, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "-62135596800"),
		row("silence: 200, a RateLimit without sense", http.StatusOK, "RateLimit", `"a";r=-1;t=999999999999999, "b";r=0;t=1e9, c`, "RateLimit-Policy", `"a";q=0;w=999999999999999`),
		row("silence: 200, a rate of nothing", http.StatusOK, "X-RateLimit-Limit", "0", "X-RateLimit-Remaining", "-1", "X-RateLimit-Reset", "NaN"),
		attack{name: "silence: HTTP/2, ENHANCE_YOUR_CALM for ever", items: 1, within: 3 * time.Minute, play: goAway(11)},
		row("silence: 503, Retry-After: 1", http.StatusServiceUnavailable, "Retry-After", "1"),
		forever("silence: 429 for one URL, for ever", 1),
		forever("silence: 429 for ten URLs, for ever", 10),
	)
}

// forever is a server that has nothing but 429 for some URLs, without a hint for how long.
func forever(name string, items int) attack {
	return attack{name: name, items: items, within: 4 * time.Minute, answer: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
	}}
}
