package main

import (
	"context"
	"os"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
)

// enumerate fills the run's corpus table. It ends itself after the first signal, between two steps.
func (p *program) enumerate(ctx context.Context, set config.Worker) error {
	p.gentle.Store(true)
	p.console = wire.NewConsole(p.stdout, p.stderr, set.LogLevel, set.Progress)
	defer p.console.Close()
	for _, sentence := range set.Warnings {
		p.console.Say("warning: " + sentence)
	}
	return wire.Enumerate(ctx, wire.Env{
		Stdin: os.Stdin, Out: p.stdout, Log: p.console.Log, Version: wire.Version(), Stop: p.signals.Stop, Say: p.console.Say,
	}, set)
}
