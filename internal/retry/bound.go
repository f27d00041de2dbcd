package retry

import "time"

// longestAsked is the longest silence that an upstream can mean: a month, the longest window of any
// quota. A request for more, such as Retry-After: 99999999999, is the upstream's mistake.
const longestAsked = 31 * 24 * time.Hour

// believable returns the hint without a wait that no upstream can mean; the header that asked for
// it is listed as malformed.
func (h Hint) believable() Hint {
	if h.Wait <= longestAsked {
		return h
	}
	h.Wait, h.WaitUntil = 0, time.Time{}
	if h.Source != "" {
		h.Malformed = append(h.Malformed[:len(h.Malformed):len(h.Malformed)], h.Source)
	}
	h.Source = ""
	return h
}
