package status

import (
	"io"
	"sync"

	"shoal/internal/harvest"
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

// Write prints whole lines above the bar, of what is visible.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := harvest.Visible(string(p))
	if s.bar != "" {
		text = clearLine + text + s.bar
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// draw shows the bar, or takes it away when it is empty.
func (s *Screen) draw(bar string) {
	bar = harvest.Line(bar)
	s.mu.Lock()
	defer s.mu.Unlock()
	if bar == "" && s.bar == "" {
		return
	}
	s.bar = bar
	// Nobody can be told when the terminal is gone.
	_, _ = io.WriteString(s.w, clearLine+bar)
}
