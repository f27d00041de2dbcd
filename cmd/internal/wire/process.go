package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/pace"
	"shoal/internal/runs"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/suspect"
	"shoal/internal/worker"
)

// After the first signal there are 30 s before supervisors kill: what is in flight may take grace,
// its landing 8 s more, and each of two last reports to the store lastWord.
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
	// Watch is called with the progress function of each worker that starts.
	Watch func(progress func() harvest.Progress)
	Timer exchange.Timer // of the stages; nil for none
	Say   func(sentence string)
}

// process is what all parts of one program share: its settings, its store, its run, and what it
// closes in the end.
type process struct {
	Env
	set       config.Worker
	store     *store.Store
	source    source
	run       harvest.Run
	opened    bool
	seeds     []string // of the chains that enumerate the corpus
	counters  *exchange.Counters
	progress  *worker.ProcessProgress
	orders    *control.Orders
	began     time.Time
	reading   func() <-chan struct{} // closed when no worker reads the corpus; nil before there is a worker
	suspicion *suspect.Suspicion     // nil while no crash of the shard's owners is suspected
	leads     bool                   // it looks after the run rather than after a shard
	looks     bool                   // it changes nothing, and makes no store
	listsOnly bool                   // it fetches no item

	closers []func() error
}

func newProcess(env Env, set config.Worker, leads bool) *process {
	p := &process{Env: env, set: set, counters: exchange.NewTimed(env.Timer), began: time.Now(), leads: leads}
	p.progress = &worker.ProcessProgress{Counters: p.counters, Part: p.shardText()}
	p.orders = control.New(env.Stop, leads)
	p.Stop = p.orders.Stop()
	return p
}

// interruptible takes the steps one after the other; the first signal ends them.
func (p *process) interruptible(ctx context.Context, steps ...func(context.Context) error) error {
	return worker.Interruptible(ctx, p.Stop, steps...)
}

// untilStopped returns a context that ends this long after the first signal.
func (p *process) untilStopped(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	return worker.UntilStopped(ctx, p.Stop, after)
}

// shardText names the part of the corpus that this worker takes.
func (p *process) shardText() string {
	if p.set.AutoShard {
		return "auto"
	}
	return p.set.Shard.String()
}

func (p *process) onClose(do func() error) { p.closers = append(p.closers, do) }

// close closes everything, in reverse order of opening.
func (p *process) close() {
	for _, do := range slices.Backward(p.closers) {
		if err := do(); err != nil {
			p.Log.Warn("closing", "error", err)
		}
	}
	p.orders.Close() // nothing listens for a signal any more
}

// retryUnavailable repeats what a dependency that is away makes fail.
func (p *process) retryUnavailable(ctx context.Context, what string, temporary func(error) bool, do func() error) error {
	return p.patience().Retry(ctx, what, temporary, do)
}

func (p *process) patience() worker.Patience {
	return worker.Patience{Limit: p.set.Patience, Say: p.Say}
}

func unavailable(err error) bool { return errors.Is(err, store.ErrUnavailable) }

// again repeats do while the store is unreachable.
func (p *process) again(ctx context.Context, do func() error) error {
	return p.retryUnavailable(ctx, "the store", unavailable, do)
}

// asked is what the store answers, once it is reachable.
func asked[T any](ctx context.Context, p *process, ask func() (T, error)) (answer T, err error) {
	err = p.again(ctx, func() (err error) {
		answer, err = ask()
		return err
	})
	return answer, err
}

func (p *process) openStore(ctx context.Context) error {
	options := store.Options{Application: "shoal worker " + p.shardText(), Version: p.Version, Existing: p.looks}
	if p.leads {
		options.Application = "shoal coordinator"
	}
	return p.again(ctx, func() (err error) {
		p.store, err = stores.Open(ctx, p.set.Store, options)
		if err != nil {
			return err
		}
		p.onClose(p.store.Close)
		for _, sentence := range p.store.Warnings {
			p.Say("warning: " + sentence)
		}
		return nil
	})
}

// totals are the items of the run by how they ended.
func (p *process) totals(ctx context.Context) (harvest.Counts, error) {
	return asked(ctx, p, func() (harvest.Counts, error) { return p.store.Totals(ctx, p.run.Name) })
}

// refresh takes what a run gains while it lasts. The rest of it stays as it is: others read it at
// the same time.
func (p *process) refresh(run harvest.Run) {
	p.run.CorpusItems, p.run.CorpusSum, p.run.FinishedAt = run.CorpusItems, run.CorpusSum, run.FinishedAt
}

// takeOrders takes the first orders of operators and waits for more until the end.
func (p *process) takeOrders(ctx context.Context) error {
	end, err := p.orders.Take(ctx, p.store, p.run, unavailable, p.retryUnavailable, p.Say)
	if err == nil {
		p.onClose(func() error { end(); return nil })
	}
	return err
}

// ordered distinguishes an order to stop from a signal.
func (p *process) ordered(out Outcome, err error) (Outcome, error) {
	out.Run = p.run
	if by := p.orders.StoppedBy(); by != "" && errors.Is(err, worker.ErrStopped) {
		out.Ordered = by
		return out, nil
	}
	return out, err
}

// reports records in the store what this process does.
func (p *process) reports() worker.Reports {
	return worker.Reports{
		Store: p.store, Run: p.run.Name, Worker: fmt.Sprintf("%s@%d", owner(), p.began.UnixMicro()), Began: p.began, Auto: p.set.AutoShard, Progress: p.progress, Log: p.Log,
	}
}

// startReports reports until the end.
func (p *process) startReports(ctx context.Context) {
	stop := p.reports().Start(ctx, lastWord/2)
	p.onClose(func() error { stop(); return nil })
}

// acceptCorpus accepts the corpus of a pass as the run's, or refuses it. before is how many items
// the run had.
func (p *process) acceptCorpus(ctx context.Context, before int64, digest harvest.Digest, prefix string) error {
	pass := runs.Pass{Count: digest.Count, Sum: digest.Sum(), Prefix: prefix, Before: before}
	run, grew, err := runs.RecordCorpus(ctx, p.store, p.run.Name, pass)
	if err == nil && grew {
		p.Say(runs.Grown(run, pass.Count, p.set.Shard.Of == 1))
	}
	return err
}

// allowed are the losses that the settings allow.
func allowed(set config.Worker) runs.Allowed {
	return runs.Allowed{Dead: set.MaxDead, Skipped: set.MaxSkipped, Rejected: set.MaxRejected, Missing: set.MaxMissing}
}

// storeFlag returns the flag that names this store to another command; a password stays where it
// is.
func (p *process) storeFlag() string {
	if p.set.Source("store").Kind == config.FromFlag {
		return " --store " + status.ShellWord(p.set.Store)
	}
	return ""
}

// isListing reports whether a corpus is what an upstream lists.
func (p *process) isListing(uri string) bool {
	_, ok := p.set.Kinds().Lists(uri)
	return ok
}

// isChained reports whether a corpus is a listing in which --next finds where it continues.
func (p *process) isChained(uri string) bool {
	_, ok := p.set.Kinds().Chained(uri)
	return ok
}

// listsPages reports whether the answers of a listing are the pages themselves.
func (p *process) listsPages() bool { return finder{p}.start().ListsPages(p.run) }

// owner leads a person to the process: host and process id.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}
