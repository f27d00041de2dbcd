package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/runs"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// finder finds, opens and resumes the run of a process.
type finder struct{ *process }

// start is what this process was given about its run. An empty host is that of the stored run.
func (f finder) start(host string) runs.Start {
	set := f.set
	s := runs.Start{
		Leads: f.leads, AutoShard: set.AutoShard, Shards: set.Shards, ShardsOfKind: set.Kind().Shards(set.UpstreamSettings()), SameListing: set.Kinds().SameListing, Scheduled: set.Scheduled, Now: time.Now(),
		Defaults: runs.Defaults{
			Upstream: !set.Given("upstream"), Body: !set.Given("body"), Rate: !set.Given("rate"),
			Absent: set.Source("absent").Kind == config.FromDefault, Pack: set.Source("pack").Kind == config.FromDefault,
		},
		Merged: harvest.Run{Name: set.Run, Rate: set.Rate.String(), Check: set.Check, Wait: set.Wait, Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{
			Upstream: set.Upstream, API: set.URL + set.API, Host: host, Extract: set.Extract, Body: set.Body, Corpus: f.shown(set.Corpus),
		}},
	}
	if f.isChained(set.Corpus) { // elsewhere they have no meaning, though a profile may give them
		s.Merged.Next, s.Merged.Items = set.Next, set.Items
	}
	if plain.Packed(set.UpstreamSettings()) > 0 {
		s.Merged.Split, s.Merged.ID, s.Merged.Absent, s.Merged.Pack = set.Split, set.ID, set.Absent, set.Pack
	}
	return s
}

// shown is the corpus as it is stored with the run and may be printed.
func (f finder) shown(uri string) string { return runs.Shown(uri, f.set.Kinds().Filters(uri)) }

func readingOf(set config.Worker) runs.Reading {
	return runs.Reading{
		Upstream: set.Upstream, API: set.URL + set.API, Next: set.Next, Items: set.Items, Split: set.Split, ID: set.ID, Absent: set.Absent,
		Check: set.Check, Wait: set.Wait, Pack: set.Pack,
	}
}

func withReading(set config.Worker, r runs.Reading) config.Worker {
	kind, _ := set.Kinds().Find(r.Upstream)
	switch {
	case set.URL+set.API != "":
	case kind.API != "":
		set.API = r.API
	default:
		set.URL = r.API
	}
	set.Upstream, set.Next, set.Items, set.Split, set.ID, set.Absent = r.Upstream, r.Next, r.Items, r.Split, r.ID, r.Absent
	set.Check, set.Wait, set.Pack = r.Check, r.Wait, r.Pack
	return set
}

// adopt takes from the run what this process was not given.
func (f finder) adopt(run harvest.Run) {
	f.set = withReading(f.set, readingOf(f.set).Adopt(run, f.start("").Defaults))
}

// readAs reads answers as the opened run does.
func (f finder) readAs(run harvest.Run) {
	f.set = withReading(f.set, readingOf(f.set).As(run))
}

// adoptTemplate takes the template of the run that is resumed, if none was given.
func (f finder) adoptTemplate(ctx context.Context) error {
	if f.set.Corpus == "" || f.set.URL+f.set.API != "" {
		return nil
	}
	run, err := f.find(ctx, harvest.Inputs{Corpus: f.shown(f.set.Corpus)})
	if errors.Is(err, runs.ErrNone) {
		return nil
	}
	if err == nil && runs.Resumes(run, f.set.Corpus, f.shown(f.set.Corpus)) {
		f.adopt(run)
	}
	return err
}

// waitsForRun reports whether another process may open the run that this worker continues: the
// store is shared.
func (f finder) waitsForRun() bool {
	kind, _ := kinds.Of(f.set.Store)
	return f.start("").Waits(!kind.File)
}

// adoptRun takes the inputs of the run that is meant when no corpus is named, or the run's own
// table. In a store that others share it waits until another process opens one.
func (f finder) adoptRun(ctx context.Context) error {
	run, err := f.await(ctx)
	if err != nil {
		return err
	}
	if f.start("").Late(run) && !f.contradicts(run) { // else the opening of the run reports it
		f.run = run
		return store.ErrNoShardLeft
	}
	if runs.Replaces(run, f.set.Corpus) {
		return &store.Contradiction{Run: run.Name, Field: "--corpus", Stored: run.Corpus, Given: f.set.Corpus}
	}
	var enumerated bool
	err = f.again(ctx, func() (err error) {
		enumerated, err = runs.InTable(ctx, f.store, run, f.isListing(run.Corpus))
		return err
	})
	if err != nil {
		return err
	}
	corpus, err := f.start("").Corpus(run, f.set.Corpus, enumerated)
	if err != nil {
		return err
	}
	f.set.Run, f.set.Corpus = run.Name, corpus
	f.adopt(run)
	return nil
}

// await finds the run that is meant, once it is there.
func (f finder) await(ctx context.Context) (run harvest.Run, err error) {
	waiting := func(err error) bool {
		return unavailable(err) || f.waitsForRun() && errors.Is(err, runs.ErrNone)
	}
	err = f.retryUnavailable(ctx, "a run to be opened", waiting, func() (err error) {
		run, err = f.find(ctx, harvest.Inputs{})
		return err
	})
	if errors.Is(err, runs.ErrNone) && !errors.Is(err, worker.ErrPatience) {
		err = config.Usagef("what shall be harvested? The store has no run to continue: add --corpus FILE")
	}
	return run, err
}

// contradicts reports whether an input given now differs from what the finished run was opened
// with.
func (f finder) contradicts(run harvest.Run) bool {
	probe := *f.process
	if probe.set.Corpus == "" {
		probe.set.Corpus = run.Corpus
	}
	f = finder{&probe}
	f.adopt(run)
	return store.Contradicts(run, f.start("").Explicit()) != nil
}

// find returns the run of the store that is meant.
func (f finder) find(ctx context.Context, inputs harvest.Inputs) (harvest.Run, error) {
	return f.start("").Lookup(ctx, f.store, inputs)
}

// open opens or resumes the run.
func (f finder) open(ctx context.Context) error {
	err := f.again(ctx, func() error {
		all, err := f.store.ListRuns(ctx)
		if err != nil {
			return err
		}
		run, err := f.start(f.source.Host()).Open(all)
		if err != nil {
			return err
		}
		f.run, f.opened, err = f.store.OpenRun(ctx, run)
		return err
	})
	if err != nil {
		return err
	}
	if kept, err := config.ParseRate(f.run.Rate); err == nil && !f.opened && !f.set.Given("rate") {
		f.set.Rate = kept
	}
	if explicit := f.set.Extract; explicit != "" && explicit != f.run.Extract {
		f.Say(fmt.Sprintf("records of run %s were made again since by --extract %s, which stays", f.run.Name, harvest.Quote(f.run.Extract)))
	}
	f.set.Extract, f.set.Body = f.run.Extract, f.run.Body
	f.readAs(f.run)
	totals, err := f.totals(ctx)
	if err == nil {
		f.Say(runs.Introduce(f.run, f.opened, f.set.Rate.String(), totals, time.Now()))
	}
	return err
}
