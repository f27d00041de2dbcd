package harvest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is text from outside that a terminal shows without harm and a store takes: cut to MaxDetail bytes, with
// U+FFFD for what is no visible character, blank, tab or line feed.
func Printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\r':
			continue
		case r != '\n' && r != '\t' && !unicode.IsGraphic(r):
			r = utf8.RuneError
		}
		if out.Len()+utf8.RuneLen(r) > MaxDetail {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}
