package config

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shoal/internal/upstream"
)

// flagValue is a flag's value: the text as typed, checked later by the reader.
type flagValue struct {
	kind string
	list bool
	text string
	set  bool
}

func (f *flagValue) String() string { return f.text }
func (f *flagValue) Type() string   { return f.kind }
func (f *flagValue) isSet() bool    { return f != nil && f.set }

func (f *flagValue) Set(text string) error {
	if f.list && f.set {
		text = f.text + "," + text
	}
	f.text, f.set = text, true
	return nil
}

// bind gives a command its flags from the table.
func bind(flags *pflag.FlagSet, set Set, kinds upstream.Table) map[string]*flagValue {
	bound := map[string]*flagValue{}
	for _, s := range Settings() {
		if !s.takenBy(set) {
			continue
		}
		f := &flagValue{kind: "text", list: s.List}
		bound[s.Name] = f
		added := flags.VarPF(f, s.Name, "", withKinds(s.Help, kinds))
		added.NoOptDefVal = s.Bare
		if s.Arg == "" && s.Bare == "" {
			f.kind, added.NoOptDefVal = "bool", "true"
		}
		added.Hidden = s.In&set == 0
	}
	return bound
}

// WorkerCommand returns the worker's command line. Its error matches [ErrUsage] if the operator has
// to fix something; run is called with consistent settings.
func WorkerCommand(env Env, run func(ctx context.Context, w Worker) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "worker --corpus URI [flags]",
		Short:   "Harvest a corpus of URLs from one rate-limited HTTP API, each exactly once",
		Example: workerExamples,
		Version: env.Version,
	}
	flags := bind(cmd.Flags(), InWorker, env.Kinds)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := newLayers(env, InWorker, flags)
		if err != nil {
			return err
		}
		return l.harvest(cmd, run)
	}
	finish(cmd, InWorker, env.Kinds, flags["try"])
	addManual(cmd)
	return cmd
}

// harvest calls run with consistent settings.
func (l *layers) harvest(cmd *cobra.Command, run func(ctx context.Context, w Worker) error) error {
	w, err := readWorker(l)
	if err == nil {
		err = w.check()
	}
	if printing, printErr := l.maybePrint(cmd.OutOrStdout()); printing {
		return firstError(err, printErr)
	}
	if err != nil {
		return err
	}
	return run(cmd.Context(), w)
}

// Subcommand is one command of the coordinator.
type Subcommand struct {
	Name    string
	Short   string
	Example string
	Set     Set    // its own, such as InExport
	Arg     string // what it takes besides flags: RUN, or [DURATION] where it may be left out
	Run     func(ctx context.Context, c Coordinator) error
	Harvest func(ctx context.Context, w Worker) error // instead of Run, for a command that sends requests to the upstream
	// Inspect comes instead of both, for a command that looks at settings that may be wrong.
	Inspect func(ctx context.Context, i Inspection) error
	// Print comes instead of all, for a command that reads no setting, since one may be wrong.
	Print func(arg string, asJSON bool) error
}

// CoordinatorCommand returns the coordinator's command line, with its commands in the given order.
func CoordinatorCommand(env Env, commands ...Subcommand) *cobra.Command {
	root := &cobra.Command{
		Use:     "coordinator COMMAND",
		Short:   "The tool for runs; most commands need only --store",
		Version: env.Version,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
		root.AddCommand(c.command(env))
	}
	finish(root, 0, env.Kinds, nil)
	root.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return Usagef("coordinator has no command %s%s; see coordinator --help", quoteName(args[0]), suggest(args[0], names))
	}
	addManual(root)
	return root
}

func (c Subcommand) command(env Env) *cobra.Command {
	cmd := &cobra.Command{Use: strings.Join(strings.Fields(c.Name+" "+c.Arg+" [flags]"), " "), Short: c.Short, Example: c.Example}
	flags := bind(cmd.Flags(), c.Set, env.Kinds)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if c.Print != nil {
			return c.Print(strings.Join(args, " "), flags["json"].isSet() && flags["json"].text == "true")
		}
		l, err := newLayers(env, c.Set, flags)
		if c.Inspect != nil {
			return inspect(cmd, l, err, flags["json"], c.Inspect)
		}
		if err != nil {
			return err
		}
		if c.Harvest != nil {
			return l.harvest(cmd, c.Harvest)
		}
		settings, err := readCoordinator(l)
		if printing, printErr := l.maybePrint(cmd.OutOrStdout()); printing {
			return firstError(err, printErr)
		}
		if err != nil {
			return err
		}
		if len(args) > 0 {
			settings.Arg = args[0]
		}
		return c.Run(cmd.Context(), settings)
	}
	finish(cmd, c.Set, env.Kinds, nil)
	if c.Arg != "" {
		cmd.Args = c.checkArg
	}
	return cmd
}

// checkArg requires the one argument, unless it may be left out.
func (c Subcommand) checkArg(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 1, len(args) == 0 && strings.HasPrefix(c.Arg, "["):
		return nil
	case len(args) == 0:
		return Usagef("coordinator %s needs its %s, such as: %s", c.Name, c.Arg, c.Example)
	}
	return Usagef("coordinator %s takes one argument, %s: what is %s?", c.Name, c.Arg, quoteName(args[1]))
}

// finish gives a command our errors and our help.
func finish(cmd *cobra.Command, set Set, kinds upstream.Table, try *flagValue) {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	completeFlags(cmd, kinds)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err, set) })
	cmd.SetHelpFunc(func(of *cobra.Command, _ []string) {
		if of == cmd {
			writeHelp(of.OutOrStdout(), of, set, kinds)
			return
		}
		writeHelp(of.OutOrStdout(), of, 0, kinds) // cobra's own, such as completion
	})
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		// pflag takes the N of `--try N` for an argument, because N may be left out.
		if try.isSet() && len(args) == 1 {
			if _, err := strconv.Atoi(args[0]); err == nil {
				try.text = args[0]
				return nil
			}
		}
		if len(args) > 0 {
			return Usagef("%s takes no arguments, only flags: what is %s? A list of URLs goes to --corpus", cmd.Name(), quoteName(args[0]))
		}
		return nil
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *layers) maybePrint(w io.Writer) (bool, error) {
	r := reader{layers: l}
	on := r.flag("print-config")
	switch {
	case r.err != nil:
		return true, r.err
	case on:
		return true, l.print(w)
	}
	return false, nil
}
