package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"shoal/cmd/internal/console"
	"shoal/cmd/internal/observe"
	"shoal/internal/config"
	"shoal/internal/status"
)

// doctor looks at what a worker with these settings would use.
func (p *program) doctor(ctx context.Context, i config.Inspection) error {
	p.console = console.New(p.stdout, p.talk, slog.LevelError, "none")
	defer p.console.Close()
	report, err := observe.Doctor(ctx, slog.New(slog.DiscardHandler), i)
	if i.JSON {
		return errors.Join(err, p.printJSON(report))
	}
	_, printErr := io.WriteString(p.out, status.Wrap(report.Text(), p.paper.Width()))
	return errors.Join(err, printErr)
}
