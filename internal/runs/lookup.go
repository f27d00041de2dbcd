package runs

import (
	"context"
	"time"

	"shoal/internal/harvest"
)

// Lister lists the runs of the store, the newest first. Its errors are passed on.
type Lister interface {
	ListRuns(ctx context.Context) ([]harvest.Run, error)
}

// Named also finds a run by its name. Its errors are passed on.
type Named interface {
	Lister
	FindRun(ctx context.Context, name string) (harvest.Run, error)
}

// Chains has how far the listing of a corpus has come. Its errors are passed on.
type Chains interface {
	Chain(ctx context.Context, run, corpus string) (harvest.Chain, error)
}

// Lookup finds the run of the store that the start means, as [Start.Find] does.
func (s Start) Lookup(ctx context.Context, store Lister, inputs harvest.Inputs) (harvest.Run, error) {
	all, err := store.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	return s.Find(all, inputs)
}

// Planned returns the run that a plan is about: the one of the store that the start means or, with
// no name, the one that it would open with its corpus.
func (s Start) Planned(ctx context.Context, store Lister) (harvest.Run, error) {
	all, err := store.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	if run, err := s.Find(all, harvest.Inputs{Corpus: s.Stored().Corpus}); err == nil {
		return run, nil
	}
	corpus := s.Merged.Corpus
	return harvest.Run{Base: Base(all, corpus, s.Kinds.SameListing), Inputs: harvest.Inputs{Corpus: corpus}}, nil
}

// Pick returns the run with this name or, without one, that which [Choose] returns.
func Pick(ctx context.Context, store Named, name string, now time.Time) (harvest.Run, error) {
	if name != "" {
		return store.FindRun(ctx, name)
	}
	all, err := store.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	return Choose(all, now)
}

// InTable reports whether workers read the corpus of the run from its table, although it is named
// as something else: its leader brings it there, or a command has begun to. lists reports that it
// is a listing, which is read from the table in any case.
func InTable(ctx context.Context, store Chains, run harvest.Run, lists bool) (bool, error) {
	if Enumerates(run) {
		return true, nil
	}
	chain, err := store.Chain(ctx, run.Name, run.Corpus)
	return chain.Step > 0 && !lists, err
}

// Resumes reports whether a start with this corpus, as it is given and as it is shown, is one of
// the run, whose template it may take.
func Resumes(run harvest.Run, given, shown string) bool {
	return run.Corpus == shown || given == harvest.StoreCorpus
}
