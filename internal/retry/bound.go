package retry

import "time"

// longestAsked is the longest silence that an upstream means: a month, the longest window of a quota that there is. What
// asks for more, such as Retry-After: 99999999999, is a mistake of the upstream's.
const longestAsked = 31 * 24 * time.Hour

// believable is the hint without a wait that no upstream means; the header that asked for it is named as not understood.
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
