package console

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Page is one look at something that changes: its text on a terminal of that size, without a line
// that is longer than width or more lines than height. from is how many rows the reader has
// scrolled down; rows is how many there are.
type Page func(width, height, from int) (text string, rows int)

// Live shows a page in the whole terminal until the reader quits or ctx ends, and returns the last
// one. look makes the next page; it is called again every so often, and at once with the first one.
// The text stays where it was except for what has changed. An error of look ends it.
//
// keys is where the reader's keys come from; nil if that is not a terminal.
func Live(ctx context.Context, keys io.Reader, out io.Writer, environ []string, every time.Duration, look func(ctx context.Context) (Page, error)) (Page, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	program := tea.NewProgram(&live{ctx: ctx, every: every, look: look}, tea.WithContext(ctx), tea.WithInput(keys), tea.WithOutput(out), tea.WithEnvironment(environ), tea.WithoutSignalHandler())
	end, err := program.Run()
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled) { // ctx has ended: so did the reader's interest
		err = nil
	}
	l, ok := end.(*live)
	if !ok {
		return nil, err
	}
	return l.page, errors.Join(err, l.err)
}

// live is the state of [Live], in the form that the library asks for.
type live struct {
	ctx   context.Context
	every time.Duration
	look  func(ctx context.Context) (Page, error)

	page          Page
	err           error
	width, height int
	from, rows    int
	text          string
}

// looked is the next page.
type looked struct {
	page Page
	err  error
}

// due is when the next page shall be made.
type due struct{}

// Init implements [tea.Model].
func (l *live) Init() tea.Cmd { return l.next }

func (l *live) next() tea.Msg {
	page, err := l.look(l.ctx)
	return looked{page, err}
}

// Update implements [tea.Model].
func (l *live) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case looked:
		if msg.err != nil {
			l.err = msg.err
			return l, tea.Quit
		}
		l.page = msg.page
		l.draw()
		return l, tea.Tick(l.every, func(time.Time) tea.Msg { return due{} })
	case due:
		return l, l.next
	case tea.WindowSizeMsg:
		l.width, l.height = msg.Width, msg.Height
		l.draw()
	case tea.KeyPressMsg:
		if quits(msg.String()) {
			return l, tea.Quit
		}
		l.from = max(0, l.from+l.steps(msg.String()))
		l.draw()
	}
	return l, nil
}

func quits(key string) bool { return key == "q" || key == "esc" || key == "ctrl+c" || key == "ctrl+d" }

// steps returns how many rows a key scrolls down.
func (l *live) steps(key string) int {
	switch key {
	case "down", "j":
		return 1
	case "up", "k":
		return -1
	case "pgdown", "space":
		return max(1, l.height/2)
	case "pgup", "b":
		return -max(1, l.height/2)
	case "home", "g":
		return -l.rows
	case "end", "G":
		return l.rows
	}
	return 0
}

// draw makes the text of the page anew.
func (l *live) draw() {
	if l.page == nil || l.width == 0 {
		return
	}
	l.text, l.rows = l.page(l.width, l.height, l.from)
	if l.from >= l.rows {
		l.from = max(0, l.rows-1)
		l.text, l.rows = l.page(l.width, l.height, l.from)
	}
}

// View implements [tea.Model].
func (l *live) View() tea.View {
	view := tea.NewView(l.text)
	view.AltScreen = true
	return view
}
