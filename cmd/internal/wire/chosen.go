package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
)

// ChosenRun is the named run, or the only one there is.
func ChosenRun(ctx context.Context, truth *store.Store, name string) (harvest.Run, error) {
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
	list := &harvest.Detailed{Err: errors.New("which run? Say --run with one of these")}
	for _, run := range runs {
		list.Below = append(list.Below, fmt.Sprintf("%s  opened %s ago at %s", run.Name, harvest.Ago(time.Since(run.OpenedAt)), run.Host))
	}
	return harvest.Run{}, config.Usagef("%v", list)
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
