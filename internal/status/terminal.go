package status

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Terminal is a stream for people and what can be shown there.
type Terminal struct {
	file     *os.File
	look     func() (width, height int, err error) // of the terminal as it is now; nil: it is not a terminal
	columns  int                                   // from COLUMNS; 0: not set
	terminal bool
	redraws  bool
	escapes  bool
}

// OpenTerminal looks at a stream, and at TERM, NO_COLOR and COLUMNS of the environment.
func OpenTerminal(file *os.File, environ []string) Terminal {
	kind, noColor, columns := "", "", ""
	for _, pair := range environ {
		switch name, value, _ := strings.Cut(pair, "="); name {
		case "TERM":
			kind = value
		case "NO_COLOR":
			noColor = value
		case "COLUMNS":
			columns = value
		}
	}
	t := Terminal{file: file, terminal: term.IsTerminal(int(file.Fd())), redraws: kind != "" && kind != "dumb"}
	if t.terminal {
		t.look = func() (int, int, error) { return term.GetSize(int(file.Fd())) }
	}
	t.escapes = t.redraws && noColor == ""
	if n, err := strconv.Atoi(columns); err == nil && n > 0 {
		t.columns = n
	}
	return t
}

// Is reports whether it is a terminal at all, and not a file or a pipe.
func (t Terminal) Is() bool { return t.terminal }

// Redraws reports whether a line can be drawn over: a dumb terminal prints each line once.
func (t Terminal) Redraws() bool { return t.redraws }

// Clears reports whether the screen can be emptied.
func (t Terminal) Clears() bool { return t.terminal && t.escapes }

// Width returns how many columns a line may have: those of the terminal as it is now, or of COLUMNS
// if that is fewer. 0: there is no limit, because the reader is not a person.
func (t Terminal) Width() int {
	width, _ := t.size()
	if t.columns > 0 && (width == 0 || t.columns < width) {
		return t.columns
	}
	return width
}

// Height returns how many lines are visible at once; 0: there is no limit.
func (t Terminal) Height() int {
	_, height := t.size()
	return height
}

// size returns the size of the terminal; 0 and 0 without one, or if it is unknown.
func (t Terminal) size() (width, height int) {
	if t.look == nil {
		return 0, 0
	}
	width, height, err := t.look()
	if err != nil {
		return 0, 0
	}
	return width, height
}

// Same reports whether both streams end in one place, as with 2>&1.
func (t Terminal) Same(other *os.File) bool {
	a, err := t.file.Stat()
	if err != nil {
		return false
	}
	b, err := other.Stat()
	return err == nil && os.SameFile(a, b)
}
