package status

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// clearLine moves to the start of the line and empties it.
const clearLine = "\r\x1b[K"

// Between these a line that is wider than the terminal is cut at its edge.
const (
	cutOn  = "\x1b[?7l"
	cutOff = "\x1b[?7h"
)

// Screen lets log lines and one progress bar share a terminal: a written line removes the bar and
// draws it again below. Without a terminal it passes everything through.
type Screen struct {
	Terminal

	mu    sync.Mutex
	w     io.Writer
	bar   string
	lines bool // what is written becomes JSON lines
}

// NewScreen makes the only [Screen] of a writer that takes escapes. Everything written there must
// go through it.
func NewScreen(w io.Writer) *Screen {
	return &Screen{Terminal: Terminal{redraws: true, escapes: true}, w: w}
}

// Screen makes the only [Screen] of the terminal.
func (t Terminal) Screen() *Screen { return &Screen{Terminal: t, w: t.file} }

// message is a line for a person among the lines of --progress json.
type message struct {
	Type string    `json:"type"` // message
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// ToJSON turns each line written from now on into a [JSON] line of type message, for a stream that
// messages and progress share.
func (s *Screen) ToJSON() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = true
}

// Write prints whole lines above the bar, with control characters escaped.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := harvest.Visible(string(p))
	if s.lines {
		text = messages(text)
	}
	if err := s.put(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// put puts lines above the bar.
func (s *Screen) put(text string) error {
	if s.bar != "" {
		text = s.clear() + text + s.drawn()
	}
	_, err := io.WriteString(s.w, text)
	return err
}

// Logs returns the writer for a logger's lines, whose form is the logger's own.
func (s *Screen) Logs() io.Writer { return logLines{s} }

type logLines struct{ s *Screen }

// Write implements [io.Writer].
func (l logLines) Write(p []byte) (int, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if err := l.s.put(harvest.Visible(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// messages returns the lines of a text, each as a [JSON] line.
func messages(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		encoded, err := json.Marshal(message{"message", time.Now(), line})
		if err != nil {
			continue
		}
		b.Write(append(encoded, '\n'))
	}
	return b.String()
}

// Interrupted prints a line after a signal. If a person typed it, the terminal has echoed ^C after
// the bar.
func (s *Screen) Interrupted(typed bool, sentence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := harvest.Line(sentence) + "\n"
	if s.lines {
		text = messages(text)
	}
	switch {
	case s.bar != "":
		text = s.clear() + text + s.drawn()
	case typed && s.terminal:
		text = "\n" + text
	}
	// There is no place to report that the terminal is gone.
	_, _ = io.WriteString(s.w, text)
}

// Leave clears the line for what comes after the program, unless the terminal takes nothing.
func (s *Screen) Leave(typed bool) {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	text := ""
	if typed && s.terminal {
		text = "\n"
	}
	if s.bar != "" {
		text, s.bar = s.clear(), ""
	}
	_, _ = io.WriteString(s.w, text)
}

// draw shows the bar, or removes it if it is empty.
func (s *Screen) draw(bar string) {
	bar = harvest.Line(bar)
	s.mu.Lock()
	defer s.mu.Unlock()
	if bar == "" && s.bar == "" {
		return
	}
	text := s.clear()
	s.bar = bar
	// There is no place to report that the terminal is gone.
	_, _ = io.WriteString(s.w, text+s.drawn())
}

// drawn returns the bar as it is written.
func (s *Screen) drawn() string {
	if s.bar == "" || !s.escapes {
		return s.bar
	}
	return cutOn + s.bar + cutOff
}

// clear empties the line of the bar, with what the terminal echoed after it. A terminal that became
// narrower has broken that line into several, and the cursor is in the last one.
func (s *Screen) clear() string {
	wide := columns(s.bar)
	if !s.escapes {
		return "\r" + strings.Repeat(" ", wide+len("^C")) + "\r"
	}
	if width, _ := s.size(); width > 0 && wide > width {
		return strings.Repeat("\x1b[A", (wide-1)/width) + "\r\x1b[J"
	}
	return clearLine
}
