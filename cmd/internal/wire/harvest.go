package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/listing"
	"shoal/internal/pace"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/suspect"
	"shoal/internal/upstream"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// After the first signal there are 30 s before supervisors kill: what is in
// flight may take grace, its landing 8 s more, and each of two last words to the store lastWord.
const (
	grace    = 10 * time.Second
	lastWord = 4 * time.Second
)

// Env is the process around a worker.
type Env struct {
	Stdin   io.Reader
	Out     io.Writer
	Log     *slog.Logger
	Version string
	Stop    <-chan struct{} // closed by the first signal
	Backend pace.Backend    // shared by workers of one process; nil: by --redis, or one of its own
	// Watch is told of each worker that starts to drain, and of what follows to be said to a person.
	Watch func(progress func() harvest.Progress)
	Say   func(sentence string)
}

// Harvester is one worker and what it was built of.
type Harvester struct {
	Env
	set config.Worker

	truth     *store.Store
	source    source
	run       harvest.Run
	opened    bool
	redis     redis.UniversalClient
	lease     *store.Lease
	suspicion *suspect.Suspicion // nil while no crash of the shard's owners is suspected
	pacer     *pace.Pacer
	client    *fetch.Client
	kind      upstream.Open
	worker    *worker.Worker
	pages     *listing.Pages // in its place, where the answers of a listing are the pages
	tally     *exchange.Counters
	orders    *control.Orders
	tour      tour
	began     time.Time
	seeds     []string // of the chains that enumerate the corpus
	verify    bool     // the store alone is asked what has ended
	leads     bool     // it looks after the run rather than after a shard
	looks     bool     // it changes nothing, and makes no store

	leading atomic.Bool // it has the lead now

	closers []func() error
}

// Outcome is how a worker's pass ended.
type Outcome struct {
	Run      harvest.Run
	Drained  bool        // every item of the shard, or of all shards with --shard auto, has ended
	Finished bool        // every item of the run has ended
	Seen     status.Seen // what the run has met, for advice
	Ordered  string      // the operator who ordered the run's workers to stop; empty without an order
}

// Harvest runs one worker from its settings to its end. The first signal ends
// what comes before the first request, too.
func Harvest(ctx context.Context, env Env, set config.Worker) (Outcome, error) {
	h := newHarvester(env, set)
	life, end := context.WithCancel(ctx)
	defer h.close() // after end: what reads must have been told to stop
	defer end()
	out, err := Outcome{}, h.prepare(life)
	switch {
	case err == nil:
		out, err = h.drainAll(life)
		out.Seen = h.seen(life)
	case errors.Is(err, store.ErrNoShardLeft):
		h.Say(noShardLeft(h.run))
		out, err = Outcome{Drained: true, Finished: !h.run.FinishedAt.IsZero()}, nil
	}
	return h.ordered(out, err)
}

// seen is what the run has met, as far as the store can be asked now.
func (h *Harvester) seen(ctx context.Context) status.Seen {
	ctx, cancel := context.WithTimeout(ctx, lastWord/2)
	defer cancel()
	p, sum := h.progress(), h.tally.Sum()
	s := status.Seen{Refused: sum.Refused, Budget: p.Budget, Lowered: p.Lowered, Failing: sum.LastError}
	totals, err := h.truth.Totals(ctx, h.run.Name)
	if err != nil { // what this process knows
		totals = p.Counts
	}
	return h.examples(ctx, s, totals)
}

// noShardLeft is what a worker says that comes too late.
func noShardLeft(run harvest.Run) string {
	if run.FinishedAt.IsZero() {
		return "run " + run.Name + " has no shard left"
	}
	return fmt.Sprintf("run %s was finished %s ago and has no shard left; for a run that is not opened yet say --run NAME", run.Name, harvest.Ago(time.Since(run.FinishedAt)))
}

func newHarvester(env Env, set config.Worker) *Harvester { return newProcess(env, set, false) }

func newLeader(env Env, set config.Worker) *Harvester { return newProcess(env, set, true) }

func newProcess(env Env, set config.Worker, leads bool) *Harvester {
	h := &Harvester{Env: env, set: set, tally: exchange.NewCounters(), began: time.Now(), leads: leads}
	h.orders = control.New(env.Stop, leads)
	h.Stop = h.orders.Stop()
	return h
}

// prepare opens the parts in the order that an item meets them.
func (h *Harvester) prepare(ctx context.Context) error {
	steps := []func(context.Context) error{h.checkUpstream, h.openNamedCorpus, h.openStore}
	if h.storeExists() { // it may know what the corpus needs, such as the template
		steps = []func(context.Context) error{h.checkUpstream, h.openStore, h.adoptTemplate, h.openNamedCorpus}
	}
	steps = append(steps, h.openRunsCorpus, h.openRun, h.findSeeds, h.takeOrders, h.openRedis, h.claim, h.openUpstream, h.introduceOurselves, h.build)
	return h.interruptible(ctx, steps...)
}

// interruptible takes the steps one after the other; the first signal ends them.
// What they open lives on with ctx.
func (h *Harvester) interruptible(ctx context.Context, steps ...func(context.Context) error) error {
	life, end := context.WithCancelCause(ctx)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-h.Stop:
			end(worker.ErrStopped)
		case <-done: // from here on it is ended with its parent
		}
	}()
	for _, step := range steps {
		if err := step(life); err != nil {
			if cause := context.Cause(life); cause != nil {
				return cause
			}
			return err
		}
	}
	return nil
}

// shardText names the part of the corpus that this worker was told to take.
func (h *Harvester) shardText() string {
	if h.set.AutoShard {
		return "auto"
	}
	return h.set.Shard.String()
}

// storeExists tells whether the store may hold runs already.
func (h *Harvester) storeExists() bool {
	file, ok := kinds.Path(h.set.Store)
	if !ok {
		return true
	}
	_, err := os.Stat(file)
	return err == nil
}

func (h *Harvester) onClose(do func() error) { h.closers = append(h.closers, do) }

// close gives everything back, what was opened last first.
func (h *Harvester) close() {
	for _, do := range slices.Backward(h.closers) {
		if err := do(); err != nil {
			h.Log.Warn("closing", "error", err)
		}
	}
	h.orders.Close() // nothing listens for a signal any more
}

// openUpstream makes what talks to the upstream, and when.
func (h *Harvester) openUpstream(ctx context.Context) (err error) {
	jobs, err := newJobs()
	if err != nil {
		return err
	}
	h.onClose(jobs.pool.Close)
	if h.kind, err = openKind(h.set, jobs); err != nil {
		return err
	}
	h.limitStages()
	h.client, err = fetch.New(fetchConfig(h.set, h.run.Host, h.run.Corpus), h.Log)
	if err != nil {
		return config.Usagef("%v", err)
	}
	h.onClose(h.client.Close)
	backend := h.Backend
	switch {
	case backend != nil:
	case h.redis != nil:
		backend = pace.NewRedis(h.redis)
	default:
		backend = pace.NewLocal()
	}
	h.pacer = pace.New(pace.Settings{
		Host: h.run.Host, Rate: h.set.Rate.PerSecond, Headroom: h.set.Headroom, Worker: fmt.Sprintf("%s:%s:%s", owner(), h.run.Name, h.shardText()), Workers: h.set.Workers, Log: h.Log,
		MaxSilence: h.set.MaxSilence, Keep: h.keepSilence,
	}, backend)
	setter, _ := backend.(control.RateSetter)
	h.orders.Attach(ctx, h.run.Host, confirming{h.pacer}, setter)
	h.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return h.pacer.Close(ctx)
	})
	return nil
}

// limitStages says what one passage through a stage may take, for /healthz. An answer to a pack has expressions run on each
// of its parts.
func (h *Harvester) limitStages() {
	h.tally.Limit(harvest.StageFetch, h.set.Timeout)
	h.tally.Limit(harvest.StageDecode, time.Duration(3+2*h.kind.Most)*plain.DefaultLimit)
	h.tally.Limit(harvest.StageLand, time.Minute)
}

// build puts the worker together.
func (h *Harvester) build(ctx context.Context) error {
	h.suspicion = suspect.New(h.lease.Suspects)
	if h.listsPages() {
		totals, err := h.totals(ctx)
		if err != nil {
			return err
		}
		h.pages = h.pagesOf(totals.Landed > 0)
		h.tour.next(h.pages.Progress)
		return nil
	}
	if err := h.fillTable(ctx); err != nil {
		return err
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	parts := worker.Parts{
		Corpus: h.source, Store: h.truth, Pace: pacing{h.pacer}, Fetch: h.fetching(),
		Upstream: reading{h.kind, h.client}, Lease: h.lease, Suspects: h.suspicion, Counters: h.tally, Log: h.Log, Temporary: unavailable, Full: func(err error) bool { return errors.Is(err, store.ErrStoreFull) },
	}
	if h.redis != nil {
		parts.Ledger = ledger.New(h.redis, h.run.Name, h.run.BucketBits)
	}
	h.worker = worker.New(worker.Config{
		Run: h.run, Shard: h.set.Shard, Concurrency: h.set.Concurrency, Pack: h.kind.Most, Batch: h.set.Batch, BatchBytes: int(h.set.BatchBytes), Flush: h.set.Flush,
		Retry:    retryPolicy(h.set),
		Patience: h.set.Patience, MaxSilence: h.set.MaxSilence, Limit: h.tour.limit(h.set.Limit), Canary: !h.set.NoCanary, Fresh: totals.Landed == 0, Grace: grace,
		Verify: h.verify || h.set.Corpus == "-", // what is read once cannot be gone through once more
	}, parts)
	h.tour.next(h.worker.Progress)
	return nil
}
