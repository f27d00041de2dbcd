package wire

import (
	"context"
	"os"
	"path/filepath"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
)

// Next returns the lines that lead from a harvest to its data.
func Next(set config.Worker, out Outcome) []string {
	out.Seen.Run = out.Run.Name
	from, env := set.Source("store"), ""
	if from.Kind == config.FromEnv {
		env = from.Name
	}
	kind, _ := kinds.Of(set.Store)
	file, _ := kinds.Path(set.Store)
	return status.Next(out.Seen, status.Place{
		Program: Program("coordinator"), Records: out.Run.Extract != "", Store: set.Store, File: file, ByFlag: from.Kind == config.FromFlag, ByEnv: env,
		Secret: from.Kind == config.FromFile, Look: kind.Look,
	})
}

// ended adds how the run's items ended, and names some of those that did not land.
func (p *process) ended(ctx context.Context, s status.Seen, totals harvest.Counts) status.Seen {
	return s.With(totals, func(outcome harvest.Outcome, most int) []harvest.Page {
		pages, err := store.Some(ctx, p.store, p.run.Name, outcome, most)
		if err != nil {
			p.Log.Debug("no examples of items", "outcome", outcome, "error", err)
		}
		return pages
	})
}

// Program returns how to call a program that is beside this one.
func Program(name string) string {
	dir, _ := filepath.Split(os.Args[0])
	return dir + name
}
