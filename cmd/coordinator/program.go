package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"shoal/cmd/internal/console"
	"sync/atomic"
	"time"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/runs"
	"shoal/internal/status"
	"shoal/internal/store"
)

// program is one call of the coordinator.
type program struct {
	environ []string
	stdout  *os.File
	out     io.Writer       // stdout, for what is visible: everything but the bytes of an export
	paper   status.Terminal // stdout, for how wide it is
	talk    *status.Screen  // stderr
	signals *console.Signals
	console *console.Console
	gentle  atomic.Bool // the command ends itself after the first signal
}

// with gives a command its console. The command prints its own JSON.
func (p *program) with(do func(context.Context, config.Coordinator) error) func(context.Context, config.Coordinator) error {
	return p.on(console.New, do)
}

// sentences gives a console to a command that prints only sentences: with --json each is a line of
// JSON.
func (p *program) sentences(do func(context.Context, config.Coordinator) error) func(context.Context, config.Coordinator) error {
	return func(ctx context.Context, set config.Coordinator) error {
		open := console.New
		if set.JSON {
			open = console.NewJSON
		}
		return p.on(open, do)(ctx, set)
	}
}

type openConsole func(stdout *os.File, screen *status.Screen, level slog.Level, mode string) *console.Console

func (p *program) on(open openConsole, do func(context.Context, config.Coordinator) error) func(context.Context, config.Coordinator) error {
	return func(ctx context.Context, set config.Coordinator) error {
		p.console = open(p.stdout, p.talk, set.LogLevel, set.Progress)
		defer p.console.Close()
		for _, sentence := range set.Warnings {
			p.console.Say("warning: " + sentence)
		}
		if file := set.FoundFile(); file != "" {
			p.console.Say("settings from " + file)
		}
		return do(ctx, set)
	}
}

// open opens the store and finds the intended run.
func (p *program) open(ctx context.Context, set config.Coordinator, readOnly bool) (*store.Store, harvest.Run, error) {
	db, err := wire.OpenStore(ctx, set.Store, readOnly)
	if err != nil {
		return nil, harvest.Run{}, err
	}
	run, err := runs.Pick(ctx, db, set.Run, time.Now())
	if err != nil {
		_ = db.Close()
		return nil, harvest.Run{}, err
	}
	return db, run, nil
}

func (p *program) schema(_ context.Context, set config.Coordinator) error {
	_, err := io.WriteString(p.out, wire.Schema(set.Store))
	return err
}
