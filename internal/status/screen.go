package status

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

// clearLine moves to the start of the line and empties it.
const clearLine = "\r\x1b[K"

// Screen lets log lines and one progress bar share a terminal: a line that is
// written takes the bar away and puts it back below. Without a terminal it
// passes everything through.
type Screen struct {
	mu  sync.Mutex
	w   io.Writer
	bar string
}

// NewScreen makes the one Screen of a writer. Everything that goes there goes through it.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w} }

// Write prints whole lines above the bar.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == "" {
		return s.w.Write(p)
	}
	if _, err := io.WriteString(s.w, clearLine+string(p)+s.bar); err != nil {
		return 0, err
	}
	return len(p), nil
}

// draw shows the bar, or takes it away when it is empty.
func (s *Screen) draw(bar string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bar == "" && s.bar == "" {
		return
	}
	s.bar = bar
	// Nobody can be told when the terminal is gone.
	_, _ = io.WriteString(s.w, clearLine+bar)
}

// printable escapes what could move the cursor, hide text or forge a line.
func printable(text string) string {
	if strings.IndexFunc(text, unsafe) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unsafe(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafe is a control character (C1 too), a format character such as those that
// turn the direction of text, or one that ends a line.
func unsafe(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
