package retry

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestSilencesThatNoUpstreamMeans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status        int
		name, value   string
		least, most   time.Duration // of the silence
		misunderstood bool
	}{
		{429, "Retry-After", "99999999999999999999", time.Second, 5 * time.Minute, true},
		{429, "Retry-After", "1000000000000000000", time.Second, 5 * time.Minute, true},
		{429, "Retry-After", "1e18", time.Second, 5 * time.Minute, true},
		{503, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT", 0, 0, true},
		{429, "Retry-After", "2678400", 31 * 24 * time.Hour, 31 * 24 * time.Hour, false},
		{429, "Retry-After", "90000", 25 * time.Hour, 25 * time.Hour, false},
		{200, "X-RateLimit-Reset", "99999999999999999", 0, 0, false},
	} {
		header := http.Header{c.name: {c.value}}
		if c.status == 200 {
			header.Set("X-RateLimit-Remaining", "0")
		}
		d := Decide(Facts{Status: c.status, Header: header, Now: noon, Incidents: 1, Items: 1, Tries: 1}, Policy{Retries: 5})
		if d.Pause < c.least || d.Pause > c.most {
			t.Errorf("Decide(%d with %s: %s).Pause = %v, want %v to %v", c.status, c.name, c.value, d.Pause, c.least, c.most)
		}
		if got := len(d.Hint.Malformed) > 0; c.misunderstood && !got {
			t.Errorf("Decide(%d with %s: %s).Hint.Malformed = %v, want it named", c.status, c.name, c.value, d.Hint.Malformed)
		}
	}
	d := Decide(Facts{Status: 200, Fault: harvest.FaultRateLimited, Wait: 1e18, Now: noon, Incidents: 1, Items: 1}, Policy{})
	if d.Pause != time.Second || slices.Contains(d.Hint.Malformed, "") {
		t.Errorf("Decide(an answer that says to wait for 1e18 ns) = %+v, want our own first step", d)
	}
}
