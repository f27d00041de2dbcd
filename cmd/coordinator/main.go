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
		config.Subcommand{Name: "run", Set: config.InRun, Harvest: p.lead,
			Short:   "Open a run, watch over its workers, and prove it complete in the end",
			Example: "coordinator run --corpus urls.txt --rate 50/s --contact ada@uni.edu --store postgres://shoal@db/shoal --redis redis://db:6379\n# and on each machine: worker --shard auto"},
		config.Subcommand{Name: "plan", Set: config.InPlan, Harvest: p.plan,
			Short:   "Say what a run would cost, without asking the upstream anything",
			Example: "coordinator plan --corpus urls.txt --rate 50/s"},
		config.Subcommand{Name: "enumerate", Set: config.InEnumerate, Harvest: p.enumerate,
			Short:   "Put a run's corpus into the store, once, so that every worker can read it there",
			Example: "coordinator enumerate --api https://wiki.example/w/api.php --corpus 'mediawiki:?prefix=Articles for deletion/&namespace=4' --contact ada@uni.edu"},
		config.Subcommand{Name: "status", Set: config.InStatus, Run: p.with(p.status),
			Short:   "Show how far a run is, who works on it, and what has no owner",
			Example: "coordinator status --watch"},
		config.Subcommand{Name: "runs", Set: config.InRuns, Run: p.with(p.runs),
			Short:   "List the runs in the store",
			Example: "coordinator runs"},
		config.Subcommand{Name: "show", Arg: "URL|ID|KEY", Set: config.InShow, Run: p.with(p.show),
			Short:   "Show the evidence for one item: its row, the last answer, its records",
			Example: "coordinator show 4711"},
		config.Subcommand{Name: "list", Set: config.InList, Run: p.with(p.list),
			Short:   "Count how items ended, by reason first, and list some of them",
			Example: "coordinator list --outcome dead,skipped --reason http_502"},
		config.Subcommand{Name: "pause", Arg: "[DURATION]", Set: config.InControl, Run: p.with(p.pause),
			Short:   "Leave the upstream alone, for a while or until resume",
			Example: "coordinator pause 10m"},
		config.Subcommand{Name: "resume", Set: config.InControl, Run: p.with(p.resume),
			Short:   "End a pause of the upstream, and a drain of the run",
			Example: "coordinator resume"},
		config.Subcommand{Name: "rate", Arg: "RATE", Set: config.InControl, Run: p.with(p.rate),
			Short:   "Set the budget of the upstream for all workers, while they work",
			Example: "coordinator rate 30/s"},
		config.Subcommand{Name: "drain", Set: config.InControl, Run: p.with(p.drain),
			Short:   "Let the run's workers land what is in flight and leave",
			Example: "coordinator drain --run 2026q4"},
		config.Subcommand{Name: "retry", Set: config.InRetry, Run: p.with(p.retry),
			Short:   "Put items that did not land back, to be fetched again",
			Example: "coordinator retry --outcome dead,skipped --reason http_502"},
		config.Subcommand{Name: "verify", Set: config.InVerify, Harvest: p.verify,
			Short:   "Compare the keys of a run's corpus with those in the store",
			Example: "coordinator verify --run 2026q4"},
		config.Subcommand{Name: "report", Set: config.InReport, Run: p.with(p.report),
			Short:   "Say what a run did: items, requests, retries, pauses, the worst second",
			Example: "coordinator report --json"},
		config.Subcommand{Name: "drop", Arg: "RUN", Set: config.InDrop, Run: p.with(p.drop),
			Short:   "Remove a run and all that belongs to it, after asking",
			Example: "coordinator drop 2025q4"},
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
