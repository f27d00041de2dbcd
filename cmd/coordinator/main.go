// The coordinator is the tool for runs: see coordinator --help.
package main

import (
	"context"
	"fmt"
	"os"
	"shoal/cmd/internal/console"
	"shoal/cmd/internal/exits"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/upstream/all"
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

// run is the whole program except for the process around it.
func run(args, environ []string, stdout, stderr *os.File) int {
	screen := status.OpenTerminal(stderr, environ).Screen()
	signals := console.CatchSignals(screen, "stopping; once more to leave at once")
	env := config.Env{Environ: environ, Terminal: screen.Is(), Version: console.Version(), Kinds: all.Kinds()}
	p := program{environ: environ, stdout: stdout, out: harvest.NewVisible(stdout), paper: status.OpenTerminal(stdout, environ), talk: screen, signals: signals}
	cmd := config.CoordinatorCommand(env, p.commands()...)
	cmd.SetArgs(args)
	cmd.SetOut(p.out)
	cmd.SetErr(screen)
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
		fmt.Fprintf(screen, "coordinator: %s\n%s", harvest.ErrorText(err), exits.Hint(err, signals.Code(), wire.Program("coordinator")))
	}
	return exits.Code(err, signals.Code())
}
