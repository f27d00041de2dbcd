package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
)

// program is one call of the coordinator.
type program struct {
	environ        []string
	stdout, stderr *os.File
	signals        *wire.Signals
	console        *wire.Console
	gentle         atomic.Bool // the command ends itself after the first signal
}

// with gives a command its console.
func (p *program) with(do func(context.Context, config.Coordinator) error) func(context.Context, config.Coordinator) error {
	return func(ctx context.Context, set config.Coordinator) error {
		p.console = wire.NewConsole(p.stdout, p.stderr, set.LogLevel, set.Progress)
		defer p.console.Close()
		for _, sentence := range set.Warnings {
			p.console.Say("warning: " + sentence)
		}
		return do(ctx, set)
	}
}

// open opens the store and finds the run that is meant.
func (p *program) open(ctx context.Context, set config.Coordinator, readOnly bool) (store.Store, harvest.Run, error) {
	truth, err := store.Open(ctx, set.Store, store.Options{Application: "shoal coordinator", Version: wire.Version(), ReadOnly: readOnly})
	if err != nil {
		return nil, harvest.Run{}, err
	}
	run, err := chosen(ctx, truth, set.Run)
	if err != nil {
		_ = truth.Close()
		return nil, harvest.Run{}, err
	}
	return truth, run, nil
}

// chosen is the named run, or the only one there is.
func chosen(ctx context.Context, truth store.Store, name string) (harvest.Run, error) {
	if name != "" {
		return truth.FindRun(ctx, name)
	}
	runs, err := truth.ListRuns(ctx)
	switch {
	case err != nil:
		return harvest.Run{}, err
	case len(runs) == 1:
		return runs[0], nil
	case len(runs) > 1:
		if run, ok := meant(runs, time.Now()); ok {
			return run, nil
		}
	default:
		return harvest.Run{}, config.Usagef("the store holds no run yet: harvest one with worker --corpus FILE, or say --store")
	}
	list := ""
	for _, run := range runs {
		list += fmt.Sprintf("\n  %s  opened %s ago at %s", run.Name, wire.Ago(time.Since(run.OpenedAt)), run.Host)
	}
	return harvest.Run{}, config.Usagef("which run? Say --run with one of these:%s", list)
}

// meant is the one unfinished run, else that of this quarter.
func meant(runs []harvest.Run, now time.Time) (harvest.Run, bool) {
	unfinished := slices.DeleteFunc(slices.Clone(runs), func(run harvest.Run) bool { return !run.FinishedAt.IsZero() })
	if len(unfinished) == 1 {
		return unfinished[0], true
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == harvest.QuarterName(now) })
	if len(unfinished) > 1 || at < 0 {
		return harvest.Run{}, false
	}
	return runs[at], true
}

func (p *program) schema(_ context.Context, set config.Coordinator) error {
	kind := store.KindPostgres
	if strings.HasPrefix(set.Store, "sqlite:") || set.Store == store.KindSQLite {
		kind = store.KindSQLite
	}
	_, err := io.WriteString(p.stdout, store.Schema(kind))
	return err
}
