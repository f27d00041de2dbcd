// The coordinator is the tool for runs: see coordinator --help.
package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
)

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run is the whole program but for the process around it.
func run(args, environ []string, stdout, stderr *os.File) int {
	signals := wire.CatchSignals(func() { fmt.Fprintln(stderr, "stopping; once more to leave at once") })
	env := config.Env{Environ: environ, Terminal: term.IsTerminal(int(stderr.Fd())), Version: wire.Version()}
	p := program{environ: environ, stdout: stdout, stderr: stderr, signals: signals}
	cmd := config.CoordinatorCommand(env,
		config.Subcommand{Name: "enumerate", Set: config.InEnumerate, Harvest: p.enumerate,
			Short:   "Put a run's corpus into the store, once, so that every worker can read it there",
			Example: "coordinator enumerate --api https://wiki.example/w/api.php --corpus 'mediawiki:?prefix=Articles for deletion/&namespace=4' --contact ada@uni.edu"},
		config.Subcommand{Name: "export", Set: config.InExport, Run: p.with(p.export),
			Short:   "Stream a run's records or pages into a file, in a stable order",
			Example: "coordinator export --run 2026q4 --to 2026q4.jsonl.zst\ncoordinator export --run 2026q4 --table pages --to -"},
		config.Subcommand{Name: "extract", Set: config.InExtract, Run: p.with(p.extract),
			Short:   "Make a run's records again from the stored bodies, without a request",
			Example: "coordinator extract --run 2026q4 --extract '.items[] | {id, title}'"},
		config.Subcommand{Name: "rebuild", Set: config.InRebuild, Run: p.with(p.rebuild),
			Short:   "Refill Redis' set of completed keys from the store",
			Example: "coordinator rebuild --run 2026q4"},
		config.Subcommand{Name: "schema", Set: config.InSchema, Run: p.with(p.schema),
			Short:   "Print the tables as SQL",
			Example: "coordinator schema --store postgres://localhost/shoal"},
		config.Subcommand{Name: "demo", Set: config.InDemo, Run: p.with(p.demo),
			Short:   "Harvest a bundled upstream on this machine, with faults, in under a minute",
			Example: "coordinator demo"},
	)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
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
		fmt.Fprintf(stderr, "coordinator: %v\n", err)
	}
	return wire.ExitCode(err, signals.Code())
}
