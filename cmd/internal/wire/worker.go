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
	runs   finder
	corpus corpora
	api    *api
	lease  *store.Lease
	worker *worker.Worker
	pages  *listing.Pages // in its place, where the answers of a listing are the pages
	verify bool           // only the store is asked what has ended
}

// Outcome is how a worker's pass ended.
type Outcome struct {
	worker.Ended

	Run     harvest.Run
	Seen    status.Seen // what the run has met, for advice
	Ordered string      // the operator who ordered the run's workers to stop; empty without an order
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
		out, err = Outcome{Ended: worker.Ended{Drained: true, Finished: !p.run.FinishedAt.IsZero()}}, nil
	}
	return p.ordered(out, err)
}

// seen returns what the run has met, as far as the store can be asked now.
func (s *shards) seen(ctx context.Context) status.Seen {
	ctx, cancel := context.WithTimeout(ctx, lastWord/2)
	defer cancel()
	p, sum := s.progress.Whole(), s.counters.Sum()
	seen := status.Seen{Refused: sum.Refused, Budget: p.Budget, Lowered: p.Lowered, Failing: sum.LastError, Nulls: s.counters.Nulls()}
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
	steps = append(steps, s.corpus.openOfRun, s.runs.open, s.corpus.findSeeds, s.takeOrders, s.api.openRedis, s.claimFirst, s.api.open, s.build)
	return worker.Interruptible(ctx, s.Stop, steps...)
}

// build puts the worker together.
func (s *shards) build(ctx context.Context) error {
	s.suspicion = suspect.New(s.lease.Suspects)
	totals, err := s.totals(ctx)
	if err != nil {
		return err
	}
	if s.listsPages() {
		s.pages = s.pagesOf(totals.Landed > 0)
		s.progress.Begin(s.run, s.pages.Progress)
		return nil
	}
	if err := s.fillTable(ctx); err != nil {
		return err
	}
	parts := worker.Parts{
		Corpus: s.source, Store: s.store, Pace: adapt.Pacing{Pacer: s.api.pacer}, Fetch: s.api.fetching(),
		Upstream: s.api.kind, Lease: s.lease, Suspects: s.suspicion, Counters: s.counters, Tracer: s.Tracer, Log: s.Log, Temporary: unavailable, Full: func(err error) bool { return errors.Is(err, store.ErrStoreFull) },
	}
	if s.api.redis != nil {
		parts.Ledger = ledger.New(s.api.redis, s.run.Name, s.run.BucketBits)
	}
	s.worker = worker.New(worker.Config{
		Run: s.run, Shard: s.set.Shard, Concurrency: s.set.Concurrency, Pack: s.api.kind.MaxItems, Batch: s.set.Batch, BatchBytes: int(s.set.BatchBytes), Flush: s.set.Flush,
		Retry:    exchange.NewPolicy(exchange.Settings(s.set.Answers)),
		Patience: s.set.Patience, MaxSilence: s.set.MaxSilence, Limit: s.progress.Left(s.set.Limit), Canary: !s.set.NoCanary, Fresh: totals.Landed == 0, Grace: grace,
		Verify: s.verify || s.set.Corpus == "-", // what is read once cannot be gone through once more
	}, parts)
	s.reading = s.worker.Reading
	s.progress.Begin(s.run, s.worker.Progress)
	return nil
}

// fillTable finds what fills the corpus table, where that is the corpus: this worker or a
// coordinator.
func (s *shards) fillTable(ctx context.Context) (err error) {
	pass, ok := s.source.(*listing.Pass)
	if !ok {
		return nil
	}
	pass.Ctx, pass.Table = ctx, s.corpus.table()
	if runs.FilledByWorker(s.run, s.set.Shard, s.set.Kinds().IsListing(s.run.Corpus)) {
		pass.Table.Lister, err = s.api.lister()
	}
	return err
}

// pagesOf returns the walk of a listing whose answers are the pages.
func (s *shards) pagesOf(landed bool) *listing.Pages {
	caller := s.api.caller()
	caller.Witnesses, caller.Detail = exchange.WitnessesOf(s.store, s.run.Name, s.Log), s.api.kind.Detail
	return listing.NewPages(listing.Settings{
		Run: s.run.Name, Shard: s.set.Shard, Seeds: s.seeds, Abreast: s.set.Concurrency, Limit: s.progress.Left(s.set.Limit), NoCanary: s.set.NoCanary, Landed: landed, Short: plain.Short(s.set.Next),
	}, listing.Parts{
		API: s.api.listings(), Caller: caller, Steps: s.store, Longest: s.store, Lease: s.lease, Again: s.again, Suspects: s.suspicion, Counters: s.counters, Log: s.Log, Say: s.Say,
	})
}

// Claim implements [worker.Shards]. It may wait for the shard's owner for hours.
func (s *shards) Claim(ctx context.Context) error {
	claim := store.Claim{Run: s.run.Name, Shard: s.set.Shard, Owner: worker.Owner(), NoWait: s.set.NoWait, Waiting: s.Say, Next: s.lease != nil}
	if s.set.AutoShard {
		claim.Shard.Of = s.run.Shards
	}
	return s.patience().RetryAnew(ctx, func(ctx context.Context) error {
		return s.again(ctx, func() error {
			lease, shard, err := store.Take(ctx, s.store, claim, s.set.AutoShard)
			if err == nil {
				s.lease, s.set.Shard = lease, shard
			}
			return err
		})
	})
}

// claimFirst takes the first shard, and gives back in the end the one that is at hand then.
func (s *shards) claimFirst(ctx context.Context) error {
	if err := s.Claim(ctx); err != nil {
		return err
	}
	s.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), lastWord)
		defer cancel()
		return s.Release(ctx)
	})
	return nil
}

// Release implements [worker.Shards].
func (s *shards) Release(ctx context.Context) error { return s.lease.Release(ctx) }

// drainAll drains the shard, or with --shard auto one free shard after the other.
func (s *shards) drainAll(ctx context.Context) (Outcome, error) {
	s.startReports(ctx)
	if s.Watch != nil {
		s.Watch(s.progress.Whole)
	}
	ended, err := worker.Process{
		Shards: s, Closer: s, Progress: s.progress, Reports: s.reports(), Again: s.again, Stop: s.Stop, LastWord: lastWord,
		Auto: s.set.AutoShard, Once: s.set.Corpus == runs.Stdin, Steps: s.listsPages(), Limit: s.set.Limit, Say: s.Say, Log: s.Log,
	}.Drain(ctx)
	return Outcome{Ended: ended}, err
}

// Work implements [worker.Shards].
func (s *shards) Work(ctx context.Context) (worker.Result, error) {
	if !s.listsPages() {
		return s.worker.Drain(ctx, s.Stop)
	}
	life, end := worker.UntilStopped(ctx, s.Stop, 0)
	defer end()
	complete, err := s.pages.Drain(life)
	return worker.Result{Complete: complete}, err
}

// Open implements [worker.Shards].
func (s *shards) Open(ctx context.Context, verify bool) error {
	s.verify = verify
	if err := s.corpus.openNext(ctx); err != nil {
		return err
	}
	return s.build(ctx)
}

// Accept implements [worker.Closer].
func (s *shards) Accept(ctx context.Context, pass worker.Result) error {
	return runs.PassOf(pass.Digest, pass.Prefix, s.run.CorpusItems).Accept(ctx, s.store, s.run.Name, s.set.Shard.Of == 1, s.Say)
}

// Complete implements [worker.Closer].
func (s *shards) Complete(ctx context.Context, pass worker.Result) (finished bool, err error) {
	return s.lease.Complete(ctx, pass.Rejected)
}

// Judge implements [worker.Closer].
func (s *shards) Judge(ctx context.Context) error {
	return adapt.Allowed(s.set).Judge(ctx, s.store, s.run.Name)
}
