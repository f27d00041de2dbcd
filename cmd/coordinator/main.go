// The coordinator is the tool for runs: see coordinator --help.
package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
)

func main() {
	code, done, err := wire.Begin()
	if err != nil {
		fmt.Fprintf(os.Stderr, "coordinator: %v\n", err)
	}
	if done {
		os.Exit(code)
	}
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it.
func run(args, environ []string, stdout, stderr *os.File) int {
	signals := wire.CatchSignals(func() { fmt.Fprintln(stderr, "stopping; once more to leave at once") })
	env := config.Env{Environ: environ, Terminal: term.IsTerminal(int(stderr.Fd())), Version: wire.Version()}
	p := program{environ: environ, stdout: stdout, out: harvest.NewVisible(stdout), stderr: stderr, signals: signals}
	cmd := config.CoordinatorCommand(env, p.commands()...)
	cmd.SetArgs(args)
	cmd.SetOut(p.out)
	cmd.SetErr(harvest.NewVisible(stderr))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-signals.Stop
		if !p.gentle.Load() {
			cancel()
		}
	}()
	err := cmd.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "coordinator: %s\n", harvest.ErrorText(err))
	}
	return wire.ExitCode(err, signals.Code())
}
