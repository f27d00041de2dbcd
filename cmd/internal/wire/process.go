package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/pace"
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
	Stop    <-chan struct{}                        // closed by the first signal
	Backend pace.Backend                           // shared by workers of one process; nil: by --redis, or one of its own
	Watch   func(progress func() harvest.Progress) // called with that of each worker that starts
	Timer   exchange.Timer                         // of the stages; nil for none
	Tracer  worker.Tracer                          // of items; nil for none
	Say     func(sentence string)
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
	p.progress = &worker.ProcessProgress{Counters: p.counters, Part: p.set.Part()}
	p.orders = control.New(env.Stop, leads)
	p.Stop = p.orders.Stop()
	return p
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

func (p *process) patience() worker.Patience {
	return worker.Patience{Limit: p.set.Patience, Say: p.Say}
}

func unavailable(err error) bool { return errors.Is(err, store.ErrUnavailable) }

// again repeats do while the store is unreachable.
func (p *process) again(ctx context.Context, do func() error) error {
	return p.patience().Retry(ctx, "the store", unavailable, do)
}

func (p *process) openStore(ctx context.Context) error {
	options := store.Options{Application: "shoal worker " + p.set.Part(), Version: p.Version, Existing: p.looks}
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

// stored returns the roles of the store, none of which is there where nothing is stored.
func (p *process) stored() store.Store {
	if p.store == nil {
		return store.Store{}
	}
	return *p.store
}

// totals are the items of the run by how they ended; none where nothing is stored.
func (p *process) totals(ctx context.Context) (harvest.Counts, error) {
	if p.store == nil {
		return harvest.Counts{}, nil
	}
	return worker.Ask(ctx, p.again, func() (harvest.Counts, error) { return p.store.Totals(ctx, p.run.Name) })
}

// takeOrders takes the first orders of operators and waits for more until the end.
func (p *process) takeOrders(ctx context.Context) error {
	end, err := p.orders.Take(ctx, p.store, p.run, unavailable, p.patience().Retry, p.Say)
	if err == nil {
		p.onClose(func() error { end(); return nil })
	}
	return err
}

// ordered adds the run, and the order that stopped this process if one did.
func (p *process) ordered(out Outcome, err error) (Outcome, error) {
	out.Run = p.run
	out.Ordered, err = p.orders.Excuse(err, worker.ErrStopped)
	return out, err
}

// reports records in the store what this process does.
func (p *process) reports() worker.Reports {
	return worker.Reports{
		Store: p.store, Run: p.run.Name, Worker: worker.ProcessName(p.began), Began: p.began, Auto: p.set.AutoShard, Progress: p.progress, Log: p.Log,
	}
}

// startReports reports until the end.
func (p *process) startReports(ctx context.Context) {
	stop := p.reports().Start(ctx, lastWord/2)
	p.onClose(func() error { stop(); return nil })
}

// listsPages reports whether the answers of a listing are the pages themselves.
func (p *process) listsPages() bool { return finder{p}.start().ListsPages(p.run) }
