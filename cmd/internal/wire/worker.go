package wire

import (
	"context"
	"errors"
	"time"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/listing"
	"shoal/internal/runs"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/suspect"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// shards are the shards that a worker works on, one after the other.
type shards struct {
	*process
	runs     finder
	corpus   corpora
	api      *api
	lease    *store.Lease
	worker   *worker.Worker
	pages    *listing.Pages // in its place, where the answers of a listing are the pages
	verify   bool           // only the store is asked what has ended
	finished bool           // the run is, by the shard that was closed last
}

// Outcome is how a worker's pass ended.
type Outcome struct {
	Run      harvest.Run
	Drained  bool        // every item of the shard, or of all shards with --shard auto, has ended
	Finished bool        // every item of the run has ended
	Seen     status.Seen // what the run has met, for advice
	Ordered  string      // the operator who ordered the run's workers to stop; empty without an order
}

// Harvest runs one worker from its settings to its end. The first signal also ends what comes
// before the first request.
func Harvest(ctx context.Context, env Env, set config.Worker) (Outcome, error) {
	p := newProcess(env, set, false)
	s := &shards{process: p, runs: finder{p}, corpus: corpora{p, finder{p}}, api: &api{process: p}}
	life, end := context.WithCancel(ctx)
	defer p.close() // after end: readers must have been asked to stop
	defer end()
	out, err := Outcome{}, s.prepare(life)
	switch {
	case err == nil:
		out, err = s.drainAll(life)
		out.Seen = s.seen(life)
	case errors.Is(err, store.ErrNoShardLeft):
		p.Say(runs.NoShardLeft(p.run, time.Now()))
		out, err = Outcome{Drained: true, Finished: !p.run.FinishedAt.IsZero()}, nil
	}
	return p.ordered(out, err)
}

// seen returns what the run has met, as far as the store can be asked now.
func (s *shards) seen(ctx context.Context) status.Seen {
	ctx, cancel := context.WithTimeout(ctx, lastWord/2)
	defer cancel()
	p, sum := s.progress.Whole(), s.counters.Sum()
	seen := status.Seen{Refused: sum.Refused, Budget: p.Budget, Lowered: p.Lowered, Failing: sum.LastError}
	totals, err := s.store.Totals(ctx, s.run.Name)
	if err != nil { // what this process knows
		totals = p.Counts
	}
	return s.ended(ctx, seen, totals)
}

// prepare opens the parts in the order in which an item meets them.
func (s *shards) prepare(ctx context.Context) error {
	steps := []func(context.Context) error{s.api.check, s.corpus.openNamed, s.openStore}
	if stores.MayExist(s.set.Store) { // it may know what the corpus needs, such as the template
		steps = []func(context.Context) error{s.api.check, s.openStore, s.runs.adoptTemplate, s.corpus.openNamed}
	}
	steps = append(steps, s.corpus.openOfRun, s.runs.open, s.corpus.findSeeds, s.takeOrders, s.api.openRedis, s.claim, s.api.open, s.api.introduce, s.build)
	return worker.Interruptible(ctx, s.Stop, steps...)
}

// build puts the worker together.
func (s *shards) build(ctx context.Context) error {
	s.suspicion = suspect.New(s.lease.Suspects)
	if s.listsPages() {
		totals, err := s.totals(ctx)
		if err != nil {
			return err
		}
		s.pages = s.pagesOf(totals.Landed > 0)
		s.progress.Begin(s.run, s.pages.Progress)
		return nil
	}
	if err := s.fillTable(ctx); err != nil {
		return err
	}
	totals, err := s.totals(ctx)
	if err != nil {
		return err
	}
	parts := worker.Parts{
		Corpus: s.source, Store: s.store, Pace: adapt.Pacing{Pacer: s.api.pacer}, Fetch: s.api.fetching(),
		Upstream: s.api.kind, Lease: s.lease, Suspects: s.suspicion, Counters: s.counters, Log: s.Log, Temporary: unavailable, Full: func(err error) bool { return errors.Is(err, store.ErrStoreFull) },
	}
	if s.api.redis != nil {
		parts.Ledger = ledger.New(s.api.redis, s.run.Name, s.run.BucketBits)
	}
	s.worker = worker.New(worker.Config{
		Run: s.run, Shard: s.set.Shard, Concurrency: s.set.Concurrency, Pack: s.api.kind.MaxItems, Batch: s.set.Batch, BatchBytes: int(s.set.BatchBytes), Flush: s.set.Flush,
		Retry:    exchange.NewPolicy(adapt.PolicySettings(s.set)),
		Patience: s.set.Patience, MaxSilence: s.set.MaxSilence, Limit: s.progress.Left(s.set.Limit), Canary: !s.set.NoCanary, Fresh: totals.Landed == 0, Grace: grace,
		Verify: s.verify || s.set.Corpus == "-", // what is read once cannot be gone through once more
	}, parts)
	s.reading = s.worker.Reading
	s.progress.Begin(s.run, s.worker.Progress)
	return nil
}

// fillTable finds what fills the corpus table: this worker, if it has the whole run, else
// coordinator enumerate.
func (s *shards) fillTable(ctx context.Context) (err error) {
	e, ok := s.source.(*listing.Pass)
	if !ok {
		return nil
	}
	e.Ctx = ctx
	e.Table = s.corpus.table()
	if s.set.Kinds().IsListing(s.run.Corpus) && s.set.Shard.Of == 1 && s.run.Shards == 0 { // else the leader of the run does
		e.Table.Lister, err = s.api.lister()
	}
	return err
}

// pagesOf returns the walk of a listing whose answers are the pages.
func (s *shards) pagesOf(landed bool) *listing.Pages {
	caller := s.api.caller()
	caller.Witnesses, caller.Detail = s.api.witnesses(), s.api.kind.Detail
	return listing.NewPages(listing.Settings{
		Run: s.run.Name, Shard: s.set.Shard, Seeds: s.seeds, Abreast: s.set.Concurrency, Limit: s.progress.Left(s.set.Limit), NoCanary: s.set.NoCanary, Landed: landed, Short: plain.Short(s.set.Next),
	}, listing.Parts{
		API: s.api.listings(), Caller: caller, Steps: s.store, Longest: s.store, Lease: s.lease, Again: s.again, Suspects: s.suspicion, Counters: s.counters, Log: s.Log, Say: s.Say,
	})
}

// claim takes the shard. It may wait for its owner for hours.
func (s *shards) claim(ctx context.Context) error {
	return s.patience().RetryAnew(ctx, s.takeShard)
}

func (s *shards) takeShard(ctx context.Context) error {
	return s.again(ctx, func() (err error) {
		claim := store.Claim{Run: s.run.Name, Shard: s.set.Shard, Owner: worker.Owner(), NoWait: s.set.NoWait, Waiting: s.Say}
		var lease *store.Lease
		if s.set.AutoShard {
			claim.Shard.Of = s.run.Shards
			lease, s.set.Shard, err = s.store.ClaimAny(ctx, claim)
		} else {
			lease, err = s.store.Claim(ctx, claim)
		}
		if err == nil {
			s.lease = lease
			s.onClose(func() error {
				ctx, cancel := context.WithTimeout(context.Background(), lastWord)
				defer cancel()
				return lease.Release(ctx)
			})
		}
		return err
	})
}

// drainAll drains the shard, or with --shard auto one free shard after the other.
func (s *shards) drainAll(ctx context.Context) (Outcome, error) {
	s.startReports(ctx)
	if s.Watch != nil {
		s.Watch(s.progress.Whole)
	}
	process := worker.Process{Shards: s, Progress: s.progress, Auto: s.set.AutoShard, Once: s.set.Corpus == runs.Stdin, Limit: s.set.Limit, Say: s.Say}
	drained, err := process.Drain(ctx)
	return Outcome{Drained: drained, Finished: drained && s.finished}, err
}

// Drain implements worker.Shards.
func (s *shards) Drain(ctx context.Context) (complete bool, err error) {
	if s.listsPages() {
		return s.walk(ctx)
	}
	result, err := s.worker.Drain(ctx, s.Stop)
	if err != nil || !result.Complete {
		return false, err
	}
	return s.close(ctx, result)
}

// walk walks the chains of the shard to their ends.
func (s *shards) walk(ctx context.Context) (complete bool, err error) {
	life, end := worker.UntilStopped(ctx, s.Stop, 0)
	defer end()
	switch err := s.pages.Walk(life); {
	case errors.Is(err, store.ErrFenced):
		return false, worker.ErrFenced
	case errors.Is(err, listing.ErrLimit):
		return false, nil
	case err != nil:
		return false, err
	}
	return s.close(ctx, worker.Result{Complete: true})
}

// close closes the shard. A signal that comes meanwhile leaves the store a last word.
func (s *shards) close(ctx context.Context, result worker.Result) (closed bool, err error) {
	ctx, end := worker.UntilStopped(ctx, s.Stop, lastWord)
	defer end()
	s.reports().Save(ctx, lastWord/2, false) // before the shard is closed: the process that finishes the run then adds everything up
	c := worker.Closing{
		Again:    s.again,
		Complete: func(ctx context.Context) (bool, error) { return s.lease.Complete(ctx, result.Rejected) },
	}
	if !s.listsPages() { // what a listing holds shows only when all of it is walked
		c.Accept = func(ctx context.Context) error {
			return runs.PassOf(result.Digest, result.Prefix, s.run.CorpusItems).Accept(ctx, s.store, s.run.Name, s.set.Shard.Of == 1, s.Say)
		}
	}
	if !s.set.AutoShard { // else the leader of the run judges all of it in the end
		c.Judge = func(ctx context.Context) error { return adapt.Allowed(s.set).Judge(ctx, s.store, s.run.Name) }
	}
	closed, s.finished, err = c.Close(ctx)
	return closed, err
}

// Again implements worker.Shards.
func (s *shards) Again(ctx context.Context, verify bool) error {
	s.verify = verify
	return worker.Interruptible(ctx, s.Stop, s.corpus.openNext, s.build)
}

// Next implements worker.Shards.
func (s *shards) Next(ctx context.Context) error {
	if err := s.lease.Release(ctx); err != nil {
		s.Log.Warn("giving a drained shard back", "error", err)
	}
	s.verify = false
	err := worker.Interruptible(ctx, s.Stop, s.claim, s.corpus.openNext, s.build)
	if errors.Is(err, store.ErrNoShardLeft) {
		return worker.ErrNoShardLeft
	}
	return err
}
