package retry

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Words puts the contents of the rate-limit headers into words; empty if there are none.
func (h Hint) Words() string {
	var parts []string
	if h.Wait > 0 {
		parts = append(parts, fmt.Sprintf("wait %s (%s)", h.Wait, h.Source))
	}
	if h.Remaining >= 0 {
		parts = append(parts, fmt.Sprintf("%d requests left", h.Remaining))
	}
	if h.Limit >= 0 {
		parts = append(parts, fmt.Sprintf("of %d", h.Limit))
	}
	if h.Window > 0 {
		parts = append(parts, fmt.Sprintf("in %s", h.Window))
	}
	if h.Reset > 0 {
		parts = append(parts, fmt.Sprintf("full again in %s", h.Reset))
	}
	if len(h.Malformed) > 0 {
		parts = append(parts, "not understood: "+strings.Join(h.Malformed, ", "))
	}
	return strings.Join(parts, ", ")
}

// LimitHeaders returns the names of the headers that [ParseHint] reads, sorted.
func LimitHeaders(h http.Header) []string {
	var names []string
	for name := range h {
		if dialectOf(name) != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
