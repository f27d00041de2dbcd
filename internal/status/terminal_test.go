package status

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// window is a terminal of that many columns and lines, which may be changed.
type window struct{ width, height int }

func (w *window) terminal() Terminal {
	return Terminal{terminal: true, redraws: true, escapes: true, look: func() (int, int, error) { return w.width, w.height, nil }}
}

func (w *window) screen(out *bytes.Buffer) *Screen { return &Screen{Terminal: w.terminal(), w: out} }

func TestTerminalWidth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                  string
		window, columns, want int
	}{
		{"a pipe", 0, 0, 0}, {"a pipe and COLUMNS", 0, 60, 60}, {"a terminal", 80, 0, 80},
		{"COLUMNS says less", 80, 60, 60}, {"COLUMNS says more than there is", 80, 200, 80},
	} {
		terminal := (&window{width: test.window}).terminal()
		terminal.columns = test.columns
		if got := terminal.Width(); got != test.want {
			t.Errorf("%s: Width() = %d, want %d", test.name, got, test.want)
		}
	}
}

func TestOpenTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	for _, test := range []struct {
		environ          string
		width            int
		redraws, escapes bool
	}{
		{"TERM=xterm-256color", 0, true, true}, {"TERM=dumb", 0, false, false}, {"", 0, false, false},
		{"TERM=xterm NO_COLOR=1", 0, true, false}, {"TERM=xterm NO_COLOR=", 0, true, true},
		{"TERM=xterm COLUMNS=40", 40, true, true}, {"TERM=xterm COLUMNS=-4", 0, true, true}, {"TERM=xterm COLUMNS=wide", 0, true, true},
	} {
		got := OpenTerminal(file, strings.Fields(test.environ))
		if got.Is() || got.Width() != test.width || got.Redraws() != test.redraws || got.escapes != test.escapes || got.Clears() {
			t.Errorf("OpenTerminal(a file, %q) = width %d, redraws %v, escapes %v, want %d, %v, %v", test.environ, got.Width(), got.Redraws(), got.escapes, test.width, test.redraws, test.escapes)
		}
		if !got.Same(file) || got.Same(os.Stdin) {
			t.Errorf("OpenTerminal(a file, %q).Same is wrong for itself or another one", test.environ)
		}
	}
}

// TestInterruptedHasALineOfItsOwn: the terminal has echoed ^C at the cursor.
func TestInterruptedHasALineOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		typed bool
		bar   string
		set   func(*Screen)
		want  string
	}{
		{"typed, no bar", true, "", nil, "\nstopping\n"},
		{"typed, a bar", true, "BAR", nil, clearLine + "stopping\n" + cutOn + "BAR" + cutOff},
		{"typed, a bar, no escapes", true, "BAR", func(s *Screen) { s.escapes = false }, "\r     \rstopping\nBAR"},
		{"sent by a supervisor", false, "", nil, "stopping\n"},
		{"a pipe", true, "", func(s *Screen) { s.terminal = false }, "stopping\n"},
	} {
		var out bytes.Buffer
		s := (&window{width: 80}).screen(&out)
		if test.set != nil {
			test.set(s)
		}
		s.draw(test.bar)
		out.Reset()
		s.Interrupted(test.typed, "stopping")
		if out.String() != test.want {
			t.Errorf("%s: Interrupted() printed %q, want %q", test.name, out.String(), test.want)
		}
		out.Reset()
		s.Leave(test.typed)
		if got := out.String(); strings.Contains(got, "BAR") || (test.bar != "") != strings.Contains(got, "\r") {
			t.Errorf("%s: Leave() printed %q, want an empty line", test.name, got)
		}
	}
}

// TestBarIsClearedAfterAResize: a terminal that became narrower has broken the bar in several
// lines.
func TestBarIsClearedAfterAResize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		now  int
		want string
	}{
		{80, clearLine}, {120, clearLine}, {60, clearLine}, {40, "\x1b[A\r\x1b[J"}, {20, "\x1b[A\x1b[A\r\x1b[J"}, {0, clearLine},
	} {
		var out bytes.Buffer
		w := &window{width: 80}
		s := w.screen(&out)
		s.draw(strings.Repeat("x", 60))
		out.Reset()
		w.width = test.now
		s.draw("new")
		if want := test.want + cutOn + "new" + cutOff; out.String() != want {
			t.Errorf("from 80 to %d columns: draw() = %q, want %q", test.now, out.String(), want)
		}
	}
}

// TestMeterOnPlainTerminals: no escape for NO_COLOR, and on a dumb terminal no line that is drawn
// over.
func TestMeterOnPlainTerminals(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{Auto, Bar} {
		for _, redraws := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				out := &recorder{}
				screen := &Screen{Terminal: (&window{width: 80}).terminal(), w: out}
				screen.escapes, screen.redraws = false, redraws
				m := StartMeter(running(time.Now()), MeterOptions{Mode: mode, Terminal: true, Screen: screen})
				<-time.After(2*time.Minute + time.Second)
				_, _ = screen.Write([]byte("said\n"))
				m.Stop()
				got := out.String()
				if strings.Contains(got, "\x1b") || strings.Contains(got, "\r") != redraws || !redraws && strings.Count(got, "\n") != 3 {
					t.Errorf("--progress %s, redraws %v: %d bytes, from %q", mode, redraws, len(got), got[:min(len(got), 300)])
				}
			})
		}
	}
}

// TestMessagesAmongJSON: where messages and progress end in one stream, every line of it is JSON
// and has a type.
func TestMessagesAmongJSON(t *testing.T) {
	t.Parallel()
	out := &recorder{}
	screen := &Screen{w: out}
	screen.ToJSON()
	log, queue := NewLogger(screen.Logs(), nil, "json")
	log.Info("a log line", "url", "https://api.example/é\u202e")
	queue.Close(time.Second)
	if err := Summary(screen, "drained \"so\"", busy(), "coordinator export"); err != nil {
		t.Fatal(err)
	}
	screen.Interrupted(true, "stopping")
	m := &Meter{options: MeterOptions{Lines: out}}
	m.writeJSON(viewOf(busy(), 1), true)
	types := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var got struct {
			Type string    `json:"type"`
			Time time.Time `json:"time"`
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Time.IsZero() && got.Type != "progress" {
			t.Errorf("%q is no line with a time: %v", line, err)
		}
		types[got.Type]++
	}
	if types["log"] != 1 || types["progress"] != 1 || types["message"] < 6 || len(types) != 3 {
		t.Errorf("types of lines = %v, want a log, a progress and the messages", types)
	}
}

func TestTableFits(t *testing.T) {
	t.Parallel()
	heads := []Column{{Name: "WORKER", MinWidth: 8, Middle: true}, {Name: "STATE", Rank: 2}, {Name: "LANDED", Rank: 1}, {Name: "LAST ERROR", Rank: 3, MinWidth: 12}}
	fill := func(row func(cells ...any)) {
		row("machine-1.lab.example:4711", "at work", "1,234,567", "http_500 \x1b[2J and more of it than fits")
		row("機械.例:4711", "at work", "7", "タイムアウトしました。もう一度お試しください")
		row("é́:1", "ended", "12", "-")
	}
	for _, width := range []int{0, 200, 80, 60, 40, 20, 10} {
		var b strings.Builder
		if err := Table(&b, width, heads, fill); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\n"), "\n") {
			words := strings.Fields(line)
			if width > 0 && columns(line) > width && len(words) > 1 || strings.Contains(line, "\x1b") || strings.HasSuffix(line, " ") {
				t.Errorf("in %d columns: %q has %d", width, line, columns(line))
			}
		}
		if whole := width == 0 || width == 200; whole != strings.Contains(b.String(), "and more of it than fits") {
			t.Errorf("in %d columns:\n%s", width, b.String())
		}
		if strings.Contains(b.String(), "1,234…") || width > 20 && strings.Contains(b.String(), "left out") != (width == 40) {
			t.Errorf("in %d columns numbers are whole, and columns are left out where they must be:\n%s", width, b.String())
		}
	}
	var b strings.Builder
	_ = Table(&b, 40, heads, fill)
	want := "WORKER                STATE    LANDED\nmachine-1…ample:4711  at work  1,234,567\n機械.例:4711          at work  7\né́:1                   ended    12\nleft out to fit the width: LAST ERROR\n  (--json has them)\n"
	if b.String() != want {
		t.Errorf("in 40 columns:\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCutCountsColumns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, end, middle string
		most              int
	}{
		{"anchovy", "anchovy", "anchovy", 7}, {"anchovy", "anch…", "an…vy", 5}, {"機械の例です", "機械…", "機…す", 5}, {"éé́éé", "éé́…", "éé́…", 3}, {"abc", "", "", 0},
		{"https://api.example/items/13", "https://api.exampl…", "https://a…/items/13", 19},
	} {
		if got := cut(test.text, test.most); got != test.end || columns(got) > test.most {
			t.Errorf("cut(%q, %d) = %q, want %q", test.text, test.most, got, test.end)
		}
		if got := cutMiddle(test.text, test.most); got != test.middle || columns(got) > test.most {
			t.Errorf("cutMiddle(%q, %d) = %q, want %q", test.text, test.most, got, test.middle)
		}
	}
	p := busy()
	p.Note = "機械の例です、とても長い説明がここに続きます"
	for _, width := range []int{120, 79, 60, 41, 40, 20, 10, 4} {
		if got := viewOf(p, 50).barLine(width); columns(got) > width {
			t.Errorf("barLine(%d) of a wide note = %q, which has %d columns", width, got, columns(got))
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	const text = "run q on api.example: finished, opened 5 minutes ago\n  items     567 landed, 11 missing, 0 skipped, 22 dead\n  url       https://api.example/a/very/long/path/that/is/one/word\n"
	want := "run q on api.example:\n  finished, opened 5\n  minutes ago\n  items     567 landed, 11\n            missing, 0\n            skipped, 22\n            dead\n" +
		"  url       https://api.example/a/very/long/path/that/is/one/word\n"
	if got := Wrap(text, 26); got != want {
		t.Errorf("Wrap(26) =\n%s\nwant\n%s", got, want)
	}
	if got := Wrap(text, 0); got != text {
		t.Errorf("Wrap(0) = %q, want it as it is", got)
	}
	var b strings.Builder
	narrow := (&window{width: 40}).screen(new(bytes.Buffer))
	_ = Summary(narrow, "drained", busy())
	for line := range strings.SplitSeq(narrow.w.(*bytes.Buffer).String(), "\n") {
		if columns(line) > 40 {
			t.Errorf("a summary in 40 columns has the line %q", line)
		}
	}
	_ = Summary(&b, "drained", harvest.Progress{}, strings.Repeat("command ", 30))
	if !strings.Contains(b.String(), strings.Repeat("command ", 30)) {
		t.Error("a command to copy is broken")
	}
}
