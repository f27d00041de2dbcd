package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"shoal/cmd/internal/console"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
)

// watchEvery is how often status --watch looks at the run.
const watchEvery = 2 * time.Second

// watchLive shows the run in the whole terminal until the reader has seen enough, and leaves the
// last look there. While the store does not respond, the last look stays, with a line about that.
func (p *program) watchLive(ctx context.Context, db coordinator.Fleet, run string) error {
	var speed status.Speed
	var last liveStatus
	look := func(ctx context.Context) (console.Page, error) {
		state, err := coordinator.Look(ctx, db, run)
		switch {
		case err == nil:
			speed.Add(state.At, state.Totals.Items())
			last = liveStatus{line: statusOf(state, &speed), state: state}
		case errors.Is(err, store.ErrUnavailable) && last.line.Run != "":
			last.away = err
		default:
			return nil, err
		}
		return last.page, nil
	}
	var keys io.Reader
	if term.IsTerminal(int(os.Stdin.Fd())) {
		keys = os.Stdin
	}
	page, err := console.Live(ctx, keys, p.stdout, p.environ, watchEvery, look)
	if err != nil || page == nil {
		return err
	}
	text, _ := page(p.paper.Width(), 0, 0)
	_, err = io.WriteString(p.out, text)
	return err
}

// liveStatus is one look at a run.
type liveStatus struct {
	line  statusLine
	state coordinator.RunStatus
	away  error // why there was no later look
}

// page is a [console.Page]. A height of 0 means that all workers are shown, ended ones too, and
// no line about keys.
func (l liveStatus) page(width, height, from int) (text string, rows int) {
	head := l.line.head(width)
	if l.away != nil {
		head += status.Wrap(harvest.Linef("as of %s ago: %v\n", harvest.Ago(time.Since(l.state.At)), l.away), width)
	}
	workers := slices.Clone(l.line.Workers)
	if height > 0 {
		workers = slices.DeleteFunc(workers, func(w workerLine) bool { return w.State == "ended" })
	}
	rows = len(workers)
	table := workersTable(l.state, workers, width)
	if rows == 0 {
		table = ""
	}
	if height == 0 {
		return head + table, rows
	}
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	tableLines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	room := max(1, height-len(lines)-2) // below the table's head, above the line about keys
	keys := "q quits"
	if rows > room {
		from = min(from, rows-room)
		keys = fmt.Sprintf("workers %d to %d of %d; arrows scroll, q quits", from+1, from+room, rows)
	}
	if rows > 0 {
		lines = append(lines, tableLines[0])
		lines = append(lines, tableLines[1+min(from, rows-1):1+min(rows, from+room)]...)
	}
	lines = lines[:min(len(lines), height-1)]
	return strings.Join(append(lines, status.Cut(keys, width)), "\n"), max(1, rows-room+1)
}
