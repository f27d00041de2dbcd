// The worker harvests one shard of a corpus: see worker --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"shoal/cmd/internal/console"
	"shoal/cmd/internal/exits"

	"shoal/cmd/internal/observe"
	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/upstream/all"
	"shoal/internal/worker"
)

func main() {
	code, done, err := wire.Begin()
	if err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
	}
	if done {
		os.Exit(code)
	}
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program except for the process around it.
func run(args, environ []string, stdin, stdout, stderr *os.File) int {
	screen := status.OpenTerminal(stderr, environ).Screen()
	signals := console.CatchSignals(screen, "stopping: what is in flight lands first; once more to leave at once")
	env := config.Env{Environ: environ, Terminal: screen.Is(), Version: console.Version(), Kinds: all.Kinds()}
	cmd := config.WorkerCommand(env, func(ctx context.Context, set config.Worker) error {
		p := program{set: set, stdin: stdin, stdout: stdout, signals: signals}
		p.console = console.New(stdout, screen, set.LogLevel, set.Progress)
		defer p.console.Close()
		return p.work(ctx)
	})
	cmd.SetArgs(args)
	cmd.SetOut(harvest.NewVisible(stdout))
	cmd.SetErr(screen)
	err := cmd.ExecuteContext(context.Background())
	if err != nil {
		fmt.Fprintf(screen, "worker: %s\n%s", harvest.ErrorText(err), exits.Hint(err, signals.Code(), wire.Program("coordinator")))
	}
	return exits.Code(err, signals.Code())
}

// program is one call of the worker.
type program struct {
	set           config.Worker
	stdin, stdout *os.File
	signals       *console.Signals
	console       *console.Console
}

// work tries or harvests, and prints a summary.
func (p *program) work(ctx context.Context) error {
	for _, sentence := range p.set.Warnings {
		p.console.Say("warning: " + sentence)
	}
	if file := p.set.FoundFile(); file != "" {
		p.console.Say("settings from " + file)
	}
	notices, err := observe.Notices(p.set, p.console.Log)
	if err != nil {
		return err
	}
	var last console.Watched
	var address string // bound before anything is watched
	timings := status.NewTimings()
	env := wire.Env{
		Timer: timings, Stdin: p.stdin, Out: harvest.NewVisible(p.stdout), Log: p.console.Log, Version: console.Version(), Stop: p.signals.Stop, Say: p.console.Say,
		Watch: func(get func() harvest.Progress) {
			last.Store(&get)
			if address != "" {
				p.console.Say("status on " + address)
			}
			p.console.Watch(get)
			notices.Start(get)
		},
	}
	if p.set.Try > 0 {
		return wire.Try(ctx, env, p.set)
	}
	stopExport, err := observe.Export(ctx, p.set, &env, &last, timings)
	if err != nil {
		return err
	}
	defer stopExport()
	bound, stopStatus, err := observe.Serve(p.set, &last, timings)
	if err != nil {
		return err
	}
	defer stopStatus()
	address = bound
	out, err := wire.Harvest(ctx, env, p.set)
	p.console.End(reason(out, err), exits.Code(err, p.signals.Code()))
	defer func() {
		notices.Close(observe.Ending(console.Last(&last), out.Finished, exits.Code(err, p.signals.Code()), err))
	}()
	if get := last.Load(); get != nil {
		// The terminal may be gone; the harvest is done all the same.
		_ = status.Summary(p.console.Screen, headline(out, err), (*get)(), wire.Next(p.set, out)...)
	} else if out.Ordered != "" {
		p.console.Say(headline(out, err))
	}
	return err
}

// reason returns why it ended, for scripts.
func reason(out wire.Outcome, err error) string {
	if err != nil && !errors.Is(err, worker.ErrStopped) {
		return harvest.Sentence(err)
	}
	return headline(out, err)
}

// headline returns the summary's word for how it ended.
func headline(out wire.Outcome, err error) string {
	switch {
	case out.Ordered != "":
		return "stopped by order of " + out.Ordered + ", resumable"
	case out.Finished:
		return "the run is finished"
	case out.Drained:
		return "drained"
	case errors.Is(err, worker.ErrStopped):
		return "stopped, resumable"
	case err != nil:
		return "ended early"
	}
	return "stopped at --limit, resumable"
}
