package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hinshun/vt10x"

	"shoal/internal/harvest"
)

// emulated is a terminal that shows what a person would see.
type emulated struct {
	window

	vt vt10x.Terminal
}

func emulate(width, height int) (*emulated, *Screen) {
	e := &emulated{window{width, height}, vt10x.New(vt10x.WithSize(width, height))}
	return e, &Screen{Terminal: e.terminal(), w: e}
}

// Write implements [io.Writer] as a terminal's driver does: a line break also returns to the start
// of the line.
func (e *emulated) Write(p []byte) (int, error) {
	_, err := e.vt.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n")))
	return len(p), err
}

// shown returns the lines of the terminal up to the last one that is not empty.
func (e *emulated) shown() (lines []string) {
	for line := range strings.SplitSeq(e.vt.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// unlucky is a worker some of whose items fail.
func unlucky() harvest.Progress {
	p := busy()
	p.Failures = []harvest.RecentFailure{
		{Reason: "dead: status_500", Times: 3, At: p.Now.Add(-12 * time.Second), Item: "https://api.example.org/pages/17?a=\x1b[2J"},
		{Reason: "status_503", Times: 1204, At: p.Now.Add(-2 * time.Minute)},
	}
	return p
}

func TestBlock(t *testing.T) {
	t.Parallel()
	noted := unlucky()
	noted.Note = "store full, 1,000 rows kept"
	young := busy()
	young.Total, young.Already, young.Counts, young.Retries = 0, 0, harvest.Counts{Landed: 7}, 0
	for _, test := range []struct {
		name  string
		p     harvest.Progress
		width int
		want  []string
	}{
		{"room for all", unlucky(), 100, []string{
			"  40% █████████████░░░░░░░░░░░░░░░░░░░░  120,015/300,000  ETA 1h00m  12 missing, 3 dead, 1 rejected",
			"      49.6 of 50/s  limit: budget  143 retries  8.0 KiB/item, ~2.3 GiB",
			`      3 × dead: status_500, 12s ago: https://api.example.org/pages/17?a=\u001b[2J`,
			"      1,204 × status_503, 2m00s ago",
		}},
		{"a note, 60 columns", noted, 60, []string{
			"  40% ████████░░░░░░░░░░░░  120,015/300,000  ETA 1h00m",
			"      49.6 of 50/s  limit: budget  143 retries",
			"      store full, 1,000 rows kept",
			`      3 × dead: status_500, 12s …le.org/pages/17?a=\u001b[2J`,
			"      1,204 × status_503, 2m00s ago",
		}},
		{"24 columns", unlucky(), 24, []string{
			"  40% ████░░░░░░", "      49.6 of 50/s", `      3 × dead…\u001b[2J`, "      1,204 × …2m00s ago",
		}},
		{"an unknown total", young, 80, []string{"7 done  ETA ?", "      49.6 of 50/s  limit: budget"}},
		{"no width at all", unlucky(), 3, []string{"  …", "  …", "  …", "  …"}},
	} {
		got := viewOf(test.p, 50).block(test.width)
		if test.width > 10 && !slices.Equal(got, test.want) {
			t.Errorf("%s: block(%d) =\n%q, want\n%q", test.name, test.width, got, test.want)
		}
		for _, line := range got {
			if columns(line) > test.width {
				t.Errorf("%s: %q takes %d columns, want at most %d", test.name, line, columns(line), test.width)
			}
		}
	}
}

// TestBlockStaysInItsPlace: lines that are printed are above the bar, whose lines replace each
// other.
func TestBlockStaysInItsPlace(t *testing.T) {
	t.Parallel()
	e, s := emulate(40, 8)
	s.draw("one", "two", "three")
	for i := range 9 {
		_, _ = fmt.Fprintf(s, "line %d\n", i)
		s.draw("one "+fmt.Sprint(i), "two", "three")
	}
	if got, want := e.shown(), []string{"line 4", "line 5", "line 6", "line 7", "line 8", "one 8", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("after nine lines the terminal shows %q, want %q", got, want)
	}
	s.draw("only one")
	if got, want := e.shown(), []string{"line 4", "line 5", "line 6", "line 7", "line 8", "only one"}; !slices.Equal(got, want) {
		t.Errorf("with a shorter bar the terminal shows %q, want %q", got, want)
	}
	s.draw("one", "two")
	s.Interrupted(true, "stopping")
	if got, want := e.shown()[5:], []string{"stopping", "one", "two"}; !slices.Equal(got, want) {
		t.Errorf("after a signal the terminal shows %q, want %q", got, want)
	}
	s.draw()
	if got := e.shown(); len(got) != 6 || strings.Contains(strings.Join(got, ""), "one") {
		t.Errorf("without a bar the terminal shows %q, want the six lines that were printed", got)
	}
}

// TestBlockIsClearedAfterAResize: a terminal that became narrower has broken the bar's lines.
func TestBlockIsClearedAfterAResize(t *testing.T) {
	t.Parallel()
	e, s := emulate(30, 12)
	_, _ = s.Write([]byte("above\n"))
	s.draw(strings.Repeat("x", 25), strings.Repeat("y", 12), strings.Repeat("z", 25))
	// vt10x cuts lines when it becomes narrower; terminals that break them show what is written
	// here.
	e.vt = vt10x.New(vt10x.WithSize(10, 12))
	e.width = 10
	_, _ = e.Write([]byte("above\n" + strings.Repeat("x", 25) + "\n" + strings.Repeat("y", 12) + "\n" + strings.Repeat("z", 25)))
	s.draw("a", "b")
	if got, want := e.shown(), []string{"above", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("after the resize the terminal shows %q, want %q", got, want)
	}
}

// TestOneLineWhereThereIsNoRoom: a low terminal, and one that takes no escapes, keep one line.
func TestOneLineWhereThereIsNoRoom(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		height  int
		escapes bool
		want    int
	}{{24, true, 4}, {blockHeight, true, 4}, {blockHeight - 1, true, 1}, {24, false, 1}, {0, true, 1}} {
		_, s := emulate(80, max(1, test.height))
		s.look = func() (int, int, error) { return 80, test.height, nil }
		s.escapes = test.escapes
		if got := viewOf(unlucky(), 50).bar(80, s); len(got) != test.want {
			t.Errorf("on %d lines, escapes %t: %d lines of progress, want %d", test.height, test.escapes, len(got), test.want)
		}
	}
}
