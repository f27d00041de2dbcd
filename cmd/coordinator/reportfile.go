package main

import (
	"context"
	"errors"
	"fmt"

	"shoal/cmd/internal/observe"
	"shoal/internal/config"
	"shoal/internal/dataset"
	"shoal/internal/store"
)

// reportFile writes a run's report as a page of HTML, which appears under its name when it is
// complete.
func (p *program) reportFile(ctx context.Context, set config.Coordinator, db *store.Store, run string) error {
	if set.JSON && dataset.IsStdout(set.HTML) {
		return config.Usagef("--html - and --json both write to stdout: give --html a file, or leave one of them out")
	}
	out, err := dataset.Create(ctx, set.HTML, p.screen(), set.Force)
	if errors.Is(err, dataset.ErrExists) || errors.Is(err, dataset.ErrTarget) {
		return config.Usagef("--html %v", err)
	}
	if err != nil {
		return err
	}
	if err := observe.WriteReport(ctx, out, db, set.Store, run); err != nil {
		return errors.Join(fmt.Errorf("report of run %s: %w", run, err), out.Abandon())
	}
	if err := out.Commit(); errors.Is(err, dataset.ErrExists) {
		return config.Usagef("--html %v", err)
	} else if err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("the report of run %s is in %s", run, out.Name))
	return nil
}
