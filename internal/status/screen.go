package status

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// clearLine moves to the start of the line and empties it. clearBelow empties all from there on,
// and lineUp moves one line up.
const (
	clearLine  = "\r\x1b[K"
	clearBelow = "\r\x1b[J"
	lineUp     = "\x1b[A"
)

// Between these a line that is wider than the terminal is cut at its edge.
const (
	cutOn  = "\x1b[?7l"
	cutOff = "\x1b[?7h"
)

// Screen lets log lines and a progress bar of one or a few lines share a terminal: a written line
// removes the bar and draws it again below. Without a terminal it passes everything through.
type Screen struct {
	Terminal

	mu    sync.Mutex
	w     io.Writer
	bar   string // its lines are separated by line breaks
	lines bool   // what is written becomes JSON lines
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

// draw shows the bar, one or more lines of it, or removes it if there are none. A line replaces the
// one that stood there, so that nothing flickers.
func (s *Screen) draw(bar ...string) {
	for i := range bar {
		bar[i] = harvest.Line(bar[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := strings.Join(bar, "\n")
	if next == "" && s.bar == "" {
		return
	}
	text := s.clear()
	if s.escapes && strings.Contains(next, "\n") {
		text = s.top()
	}
	s.bar = next
	// There is no place to report that the terminal is gone.
	_, _ = io.WriteString(s.w, text+s.drawn())
}

// drawn returns the bar as it is written.
func (s *Screen) drawn() string {
	if s.bar == "" || !s.escapes {
		return s.bar
	}
	if !strings.Contains(s.bar, "\n") {
		return cutOn + s.bar + cutOff
	}
	const restOfLine = "\x1b[K"
	return cutOn + strings.ReplaceAll(s.bar, "\n", restOfLine+"\n") + "\x1b[J" + cutOff
}

// clear empties the lines of the bar, with what the terminal echoed after it.
func (s *Screen) clear() string {
	if !s.escapes {
		return "\r" + strings.Repeat(" ", columns(s.bar)+len("^C")) + "\r"
	}
	if up := s.top(); up != "\r" {
		return strings.TrimSuffix(up, "\r") + clearBelow
	}
	return clearLine
}

// top moves from the end of the bar to its first character. A terminal that became narrower has
// broken a line into several, and the cursor is in the last one.
func (s *Screen) top() string {
	width, _ := s.size()
	rows := strings.Count(s.bar, "\n")
	for line := range strings.SplitSeq(s.bar, "\n") {
		if wide := columns(line); width > 0 && wide > width {
			rows += (wide - 1) / width
		}
	}
	return strings.Repeat(lineUp, rows) + "\r"
}
