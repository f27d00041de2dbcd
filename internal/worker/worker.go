// Package worker drains one shard of a corpus from its first item to its last.
//
// In go a corpus, a lease on the shard and the parts that talk to the upstream; out come committed
// pages, and a [harvest.Progress] at any moment. The package never decides when to send (pace does)
// or what an answer means (upstream and retry do), and it never talks to a network or a database
// itself.
//
// The way of an item, each stage bounded, so that a slow one stops those before it:
//
//	corpus ─► feed ─► pack ─► permit ─► fetch ─► decode ─► decide ─► batch ─► land ─► mark
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"shoal/internal/canary"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
	"shoal/internal/suspect"
)

// Config is how a worker works.
type Config struct {
	Run         harvest.Run
	Shard       harvest.Shard
	Concurrency int
	Pack        int           // items of the largest request
	Batch       int           // rows of a batch
	BatchBytes  int           // bytes of a batch
	Flush       time.Duration // a batch lands when its first page is this old
	Retry       retry.Policy
	Patience    time.Duration // 0 waits for ever
	MaxSilence  time.Duration // a silence that the upstream asks for and is longer ends the work; 0: none is
	Limit       int           // stop after this many new items; 0 for none
	Canary      bool          // stop when the first items of the run all fail
	Fresh       bool          // nothing of the run has landed so far
	Verify      bool          // only the store is asked what has ended
	Grace       time.Duration // what is in flight may take so long after the first signal
}

// Parts are what a worker calls, in the order that an item meets them.
type Parts struct {
	Corpus   Corpus
	Ledger   Ledger // nil without Redis
	Store    Store
	Pace     exchange.Pace
	Fetch    exchange.Fetcher
	Upstream Upstream
	Lease    Lease
	Suspects *suspect.Suspicion // nil while no crash is suspected
	Counters *exchange.Counters // may be nil
	Tracer   Tracer             // nil for none
	Log      *slog.Logger
	// Temporary reports whether an error of Store or Lease is worth another try.
	Temporary func(error) bool
	// Full reports whether such an error is of a store that has no room.
	Full func(error) bool
}

// Worker is one drain of one shard. It runs once.
type Worker struct {
	config Config
	parts  Parts
	meter

	feeding     context.Context // ends when nothing new is to be started
	sending     context.Context // ends when no answer is needed any more
	landing     context.Context // ends when the store is not waited for any more
	stopFeeding context.CancelCauseFunc
	stopSending,
	stopLanding context.CancelFunc

	client     *exchange.Client
	reader     exchange.Reader
	feeder     feeder
	packer     packer
	queue      *queue
	aside      *queue // tasks that have a connection of their own, one at a time
	open       openTasks
	connecting liveSemaphore
	canary     *canary.Canary
	silences   silences

	neighbours neighbours
	witnesses  *exchange.Witnesses
	vouching   *semaphore.Weighted

	finished    chan harvest.Page
	over        chan struct{} // closed when nothing more will end; whatever still does is fetched again
	enough      chan struct{} // closed when nothing waits any more for what still runs
	dialBackoff dialBackoff

	suspicion suspicion

	generation string // of the store when the work began
}

// New makes a worker.
func New(config Config, parts Parts) *Worker {
	w := &Worker{config: config, parts: parts, queue: newQueue(), aside: newQueue(), finished: make(chan harvest.Page), over: make(chan struct{}), enough: make(chan struct{})}
	w.client = &exchange.Client{Pace: parts.Pace, Fetch: parts.Fetch, Policy: config.Retry, Counters: parts.Counters, Timed: parts.Tracer != nil, Waiting: w.queue.waiting}
	// Two packs more than there are fetchers: one that fills, one that waits.
	w.canary = canary.New(canary.Settings{Off: !config.Canary, Fresh: config.Fresh})
	w.open.init(max(256, 8*config.Concurrency, (config.Concurrency+2)*config.Pack), w.canary.First())
	w.packer.init()
	w.witnesses = exchange.NewWitnesses(w.landedItems)
	w.vouching = semaphore.NewWeighted(1)
	w.feeder.init()
	w.suspicion.init()
	w.started = time.Now()
	return w
}

// Drain runs the worker. It returns nil when every item of the shard was committed, and the corpus'
// digest with it. When stop is closed it starts nothing new, lands what is in flight and returns
// [ErrStopped]; when ctx ends it leaves at once.
func (w *Worker) Drain(ctx context.Context, stop <-chan struct{}) (Result, error) {
	w.feeding, w.stopFeeding = context.WithCancelCause(ctx)
	w.sending, w.stopSending = context.WithCancel(ctx)
	w.landing, w.stopLanding = context.WithCancel(context.WithoutCancel(ctx))
	defer w.stopFeeding(nil)
	defer w.stopSending()
	defer w.stopLanding()
	w.generation = w.parts.Lease.Fingerprint()
	w.reader = failIfLeftOpen{w.parts.Upstream}
	done := make(chan struct{})
	defer close(done)
	go w.watch(stop, done)
	go w.watchPatience(done)

	var fetchers, store sync.WaitGroup
	batches := make(chan batch)
	fed := make(chan struct{})
	go func() { // corpus, feed, pack
		defer close(fed)
		w.feed()
		w.packer.corpusDone()
		w.closePack(anyPack)
		w.open.wait(w.feeding)
		w.queue.close()
		w.aside.close()
	}()
	for range w.config.Concurrency { // permit, fetch, decode, decide
		fetchers.Go(func() { w.fetchLoop(w.queue) })
	}
	fetchers.Go(func() { w.fetchLoop(w.aside) })
	store.Go(func() { w.collect(batches) })
	store.Go(func() { w.landAll(batches) }) // land, mark

	<-fed
	w.dismissFetchers(&fetchers)
	w.conclude()
	close(w.over)
	store.Wait()
	return w.result()
}

// Result is what a pass over the corpus saw.
type Result struct {
	Digest   harvest.Digest // of the whole corpus, all shards
	Prefix   string         // Digest.Sum after as many keys as the run's corpus had before
	Rejected int64          // lines of this shard that are not items
	Complete bool           // the pass reached the corpus' end, undamaged
}

func (w *Worker) result() (Result, error) {
	result := w.feeder.result()
	switch cause := context.Cause(w.feeding); {
	case cause != nil:
		return result, cause
	case w.feeder.damage != nil:
		return result, fmt.Errorf("%w: %w", ErrIncomplete, w.feeder.damage)
	case w.handed.Load() != w.committed.Load():
		return result, fmt.Errorf("%w: %d items were handed out and %d committed; start again, and please report it", ErrIncomplete, w.handed.Load(), w.committed.Load())
	case w.parts.Lease.Fingerprint() != w.generation:
		// A failover or a restore may have lost what was committed before it.
		return result, ErrAnother
	}
	return result, w.doubts()
}

// fail ends the work for a reason; what is in flight still lands. Only the first reason counts.
func (w *Worker) fail(err error) { w.stopFeeding(err) }

// landGrace is what the store may take, after the wait for the last answer, when the work ends
// early.
const landGrace = 8 * time.Second

// lastGrace is what an attempt may take to end once its answer is not needed any more. An attempt
// that is stuck is left behind.
const lastGrace = 2 * time.Second

// dismissFetchers waits for the attempts that are under way.
func (w *Worker) dismissFetchers(fetchers *sync.WaitGroup) {
	gone := make(chan struct{})
	go func() {
		fetchers.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-w.enough:
		w.parts.Log.Warn("an attempt does not end and is left behind; its items will be fetched again", "stuck", w.parts.Counters.Stuck(time.Now(), false))
	}
}

// watch turns events outside into the steps of an end.
func (w *Worker) watch(stop, done <-chan struct{}) {
	select {
	case <-done:
		return
	case <-stop:
		w.fail(ErrStopped)
	case <-w.parts.Lease.Lost():
		w.fail(ErrFenced)
	case <-w.feeding.Done(): // failed inside, or the caller's context ended
	}
	answers := time.NewTimer(w.config.Grace)
	defer answers.Stop()
	select {
	case <-done:
		return
	case <-w.sending.Done():
	case <-w.parts.Lease.Lost():
	case <-answers.C:
	}
	w.stopSending()
	last := time.AfterFunc(lastGrace, func() { close(w.enough) })
	defer last.Stop()
	rows := time.NewTimer(landGrace)
	defer rows.Stop()
	select {
	case <-done:
	case <-rows.C:
		w.stopLanding()
	}
}

// fetchLoop is one fetcher: it takes what is due in its queue and makes one attempt at it.
func (w *Worker) fetchLoop(from *queue) {
	for {
		t, ok := from.pop(w.feeding)
		if !ok {
			return
		}
		w.attempt(t)
	}
}

// attempt makes at most one exchange for a task.
func (w *Worker) attempt(t *task) {
	ready, ok := w.ready(t)
	if !ok || w.probe(t, ready) {
		return
	}
	t, ready = w.fresher(t, ready)
	x := ready.Send(w.sending, w.reader, &history{w, t}) // fetch, decode, decide
	if !x.Made {
		w.requeueUnsent(t)
		return
	}
	w.trace(t, &x)
	if x.Sent && w.dialBackoff.over() {
		w.notes.clear(noteUpstream)
	}
	w.act(t, &x)
}

// trace gives an attempt to who follows items on their way.
func (w *Worker) trace(t *task, x *exchange.Exchange) {
	if w.parts.Tracer == nil || !x.Sent {
		return
	}
	a := harvest.Attempt{Times: x.Times, Request: t.request}
	if x.Answer != nil {
		a.Status = x.Answer.Status
	}
	if x.Redirected() == nil && x.Decision.Verb != retry.Accept {
		a.Reason = x.Decision.Source
	}
	w.parts.Tracer.Attempted(a)
}

// ready waits for all that an attempt needs; without it the task is where it
// belongs already.
func (w *Worker) ready(t *task) (ready exchange.Ready, ok bool) {
	if !w.noted(t) || w.connecting.acquire(w.feeding, w.mayWait()) != nil {
		w.abandon(t)
		return ready, false
	}
	defer w.connecting.release()
	if wait, ok := w.dialBackoff.tryProbe(time.Now()); !ok {
		t.ready = wait
		w.requeue(t)
		return ready, false
	}
	ready, err := w.client.Ready(w.feeding, t.request, t.isolated)
	unreached, away := errors.AsType[*exchange.Unreached](err)
	switch {
	case err == nil:
		return ready, true
	case away:
		w.requeueUnconnected(t, unreached.Err)
	case errors.Is(err, harvest.ErrLate):
		w.requeue(t)
	default:
		w.abandon(t)
		if w.feeding.Err() == nil { // there is no permit for anything any more
			w.fail(err)
		}
	}
	return ready, false
}

// probe uses a permit that was drawn in an outage for an item that once landed, in place of the
// task, which goes back. It returns false if the task itself is to be tried.
func (w *Worker) probe(t *task, ready exchange.Ready) bool {
	if w.parts.Pace.State().Limit != harvest.LimitOutage && !t.refusals.needsWitness(w.accepted(), w.silences.row()) {
		return false
	}
	x, probed := w.witnesses.Probe(w.feeding, w.sending, ready, w.question, w.parts.Upstream, w.asked())
	if probed {
		w.learn(x)
		w.requeue(t)
	}
	return probed
}

// mayWait returns how many fetchers may hold a connection while they wait for a permit: as many as
// get one within half a second. A server closes connections on which it sees no request, and then
// the permit would be wasted.
func (w *Worker) mayWait() int {
	pace := w.parts.Pace.State()
	return max(1, min(w.config.Concurrency, int(math.Ceil(pace.Share/2))))
}
