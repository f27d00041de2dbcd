package retry

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// The contents of headers are put into words.
func TestWords(t *testing.T) {
	t.Parallel()
	none := Hint{Remaining: -1, Limit: -1}
	full := Hint{Wait: 3 * time.Second, Source: "Retry-After", Remaining: 4, Limit: 10, Window: time.Minute, Reset: 30 * time.Second, Malformed: []string{"X-Limit"}}
	for want, hint := range map[string]Hint{
		"": none,
		"wait 3s (Retry-After), 4 requests left, of 10, in 1m0s, full again in 30s, not understood: X-Limit": full,
	} {
		if got := hint.Words(); got != want {
			t.Errorf("(%s).Words() = %q, want %q", fmt.Sprintf("%+v", hint), got, want)
		}
	}
}

func TestLimitHeaders(t *testing.T) {
	t.Parallel()
	h := http.Header{"Retry-After": {"1"}, "Date": {"now"}, "X-Ratelimit-Limit": {"5"}, "Content-Type": {"text/plain"}}
	if got, want := LimitHeaders(h), []string{"Retry-After", "X-Ratelimit-Limit"}; !slices.Equal(got, want) {
		t.Errorf("LimitHeaders(%v) = %q, want %q", h, got, want)
	}
}
