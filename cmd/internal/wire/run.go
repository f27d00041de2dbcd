package wire

import (
	"context"

	"shoal/cmd/internal/adapt"
	"shoal/internal/harvest"
	"shoal/internal/runs"
	"shoal/internal/store"
)

// finder finds, opens and resumes the run of a process.
type finder struct{ *process }

// start is what this process was given about its run.
func (f finder) start() runs.Start { return adapt.Start(f.set, f.leads) }

// inStore looks for the run in the store, if there is one.
func (f finder) inStore() runs.Finder {
	finder := runs.Finder{Start: f.start(), Retry: f.patience().Retry, Away: unavailable, Say: f.Say}
	if f.store != nil {
		finder.Store = f.store
	}
	return finder
}

// readAs reads answers as the opened run does.
func (f finder) readAs(run harvest.Run) { f.set = f.set.WithRun(f.start().As(run)) }

// adoptTemplate takes the template of the run that is resumed, if none was given.
func (f finder) adoptTemplate(ctx context.Context) error {
	merged, err := f.inStore().Template(ctx)
	f.set = f.set.WithRun(merged)
	return err
}

// adoptRun takes the inputs of the run that is meant when no corpus is named, or the run's own
// table.
func (f finder) adoptRun(ctx context.Context) error {
	meant, err := f.inStore().Await(ctx)
	switch {
	case err != nil:
		return err
	case meant.Late:
		f.run = meant.Run
		return store.ErrNoShardLeft
	}
	f.set = f.set.WithRun(meant.Merged)
	return nil
}

// open opens or resumes the run.
func (f finder) open(ctx context.Context) error {
	opened, err := f.inStore().Open(ctx, f.source.Host())
	f.run, f.opened = opened.Run, opened.New
	if err != nil {
		return err
	}
	f.set = f.set.WithRun(opened.Merged)
	return nil
}
