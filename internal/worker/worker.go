// Package worker drains one shard of a corpus from its first item to its last.
//
// In go a corpus, a lease on the shard and the parts that talk to the upstream;
// out come committed pages, and a Progress at any moment. It decides nothing
// about when to send (pace) or what an answer means (upstream, retry), and it
// never talks to a network or a database itself.
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
	"math/rand/v2"
	"sync"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Config says how a worker works.
type Config struct {
	Run         harvest.Run
	Shard       harvest.Shard
	Concurrency int
	Batch       int           // rows of a batch
	BatchBytes  int           // bytes of a batch
	Flush       time.Duration // a batch lands when its first page is this old
	Retry       retry.Policy
	Patience    time.Duration // 0 waits for ever
	Limit       int           // stop after so many new items; 0 for none
	Canary      bool          // stop when the first items of the run all fail
	Fresh       bool          // nothing of the run has landed so far
	Grace       time.Duration // what is in flight may take so long after the first signal
}

// Parts are what a worker calls, in the order that an item meets them.
type Parts struct {
	Corpus   Corpus
	Ledger   Ledger // nil without Redis
	Store    Store
	Pace     Pace
	Fetch    Fetcher
	Upstream Upstream
	Lease    Lease
	Log      *slog.Logger
	// Temporary tells whether an error of Store or Lease is worth another try.
	Temporary func(error) bool
}

// Worker is one drain of one shard. It runs once.
type Worker struct {
	Config
	Parts
	meter

	feeding context.Context // ends when nothing new is to be started
	sending context.Context // ends when no answer is waited for any more
	landing context.Context // ends when the store is not waited for any more
	stopFeeding,
	stopSending,
	stopLanding context.CancelFunc

	once    sync.Once
	failure error // why it ends before the corpus does

	feeder feeder
	queue  *queue
	open   openTasks
	proof  *probation
	ended  chan harvest.Page
	away   outages
}

// New makes a worker.
func New(config Config, parts Parts) *Worker {
	w := &Worker{Config: config, Parts: parts, queue: newQueue(), ended: make(chan harvest.Page)}
	w.open.init(max(256, 8*config.Concurrency))
	w.proof = newProbation(config.Canary && config.Fresh)
	w.feeder.claimed = make(map[harvest.Key]struct{})
	w.started = time.Now()
	return w
}

// Drain runs the worker. It returns nil when every item of the shard was
// committed, and the corpus' digest with it. When stop is closed it starts
// nothing new, lands what is in flight and returns ErrStopped; when ctx ends it
// leaves at once.
func (w *Worker) Drain(ctx context.Context, stop <-chan struct{}) (Result, error) {
	w.feeding, w.stopFeeding = context.WithCancel(ctx)
	w.sending, w.stopSending = context.WithCancel(ctx)
	w.landing, w.stopLanding = context.WithCancel(context.WithoutCancel(ctx))
	defer w.stopFeeding()
	defer w.stopSending()
	defer w.stopLanding()
	done := make(chan struct{})
	defer close(done)
	go w.watch(ctx, stop, done)
	go w.watchPatience(done)

	var crew, store sync.WaitGroup
	batches := make(chan batch)
	fed := make(chan struct{})
	go func() { // corpus, feed, pack
		defer close(fed)
		w.feed()
		w.open.wait(w.feeding)
		w.queue.close()
	}()
	for range w.Concurrency { // permit, fetch, decode, decide
		crew.Go(w.crew)
	}
	store.Go(func() { w.collect(batches) })
	store.Go(func() { w.landAll(batches) }) // land, mark

	<-fed
	crew.Wait()
	w.conclude()
	close(w.ended)
	store.Wait()
	return w.result()
}

// Result is what a pass over the corpus saw.
type Result struct {
	Digest   harvest.Digest // of the whole corpus, all shards
	Prefix   string         // Digest.Sum after as many keys as the run's corpus had before
	Rejected int64          // lines of this shard that are no items
	Complete bool           // the pass reached the corpus' end, undamaged
}

func (w *Worker) result() (Result, error) {
	result := w.feeder.result()
	switch {
	case w.failure != nil:
		return result, w.failure
	case w.feeder.damage != nil:
		return result, fmt.Errorf("%w: %w", ErrIncomplete, w.feeder.damage)
	case w.handed.Load() != w.committed.Load():
		return result, fmt.Errorf("%w: %d items were handed out and %d committed; start again, and please report it", ErrIncomplete, w.handed.Load(), w.committed.Load())
	}
	return result, nil
}

// fail ends the work for a reason; what is in flight still lands. Only the first reason counts.
func (w *Worker) fail(err error) {
	w.once.Do(func() {
		w.failure = err
		w.stopFeeding()
	})
}

// landGrace is what the store may take, after the last answer was waited for,
// when the work ends early.
const landGrace = 8 * time.Second

// watch turns what happens outside into the steps of an end.
func (w *Worker) watch(ctx context.Context, stop, done <-chan struct{}) {
	select {
	case <-done:
		return
	case <-ctx.Done():
		w.fail(context.Cause(ctx))
	case <-stop:
		w.fail(ErrStopped)
	case <-w.Lease.Lost():
		w.fail(ErrFenced)
		w.stopSending()
	case <-w.feeding.Done(): // failed inside
	}
	answers := time.NewTimer(w.Grace)
	defer answers.Stop()
	select {
	case <-done:
		return
	case <-w.sending.Done():
	case <-answers.C:
		w.stopSending()
	}
	rows := time.NewTimer(landGrace)
	defer rows.Stop()
	select {
	case <-done:
	case <-rows.C:
		w.stopLanding()
	}
}

// crew is one fetcher: it takes what is due and makes one attempt at it.
func (w *Worker) crew() {
	for {
		t, ok := w.queue.pop(w.feeding)
		if !ok {
			return
		}
		w.attempt(t)
	}
}

// attempt makes at most one exchange for a task. The stream of a live
// connection comes first and the permit last: nothing may wait between the
// permit and the first byte.
func (w *Worker) attempt(t *task) {
	slot, err := w.Fetch.Reserve(w.feeding, t.request.URL)
	if err != nil && !calmed(err) {
		w.unconnected(t, err)
		return
	}
	permit, waitErr := w.Pace.Wait(w.feeding)
	if waitErr != nil {
		if slot != nil {
			slot.Release()
		}
		w.open.drop(len(t.items))
		return
	}
	if err != nil { // its slot is spent on the news
		w.decide(t, permit, nil, w.decode(t, nil, err), time.Now())
		return
	}
	if !slot.Alive() || !permit.Usable() {
		slot.Release()
		permit.Unused()
		w.queue.push(t)
		return
	}
	w.requests.Add(1)
	w.inFlight.Add(1)
	answer, err := slot.Send(w.sending, t.request) // fetch
	w.inFlight.Add(-1)
	now := time.Now()
	if w.sending.Err() != nil {
		answer.Release()
		w.open.drop(len(t.items))
		return
	}
	w.away.over()
	w.meter.received(answer)
	reading := w.decode(t, answer, err)
	w.decide(t, permit, answer, reading, now)
}

// decode makes an answer of a failed exchange too: a Reading with its fault.
func (w *Worker) decode(t *task, answer *harvest.Answer, err error) harvest.Reading {
	var failure *harvest.Failure
	switch {
	case errors.As(err, &failure):
		return harvest.Reading{Fault: failure.Fault, Reason: string(failure.Fault)}
	case err != nil:
		return harvest.Reading{Fault: harvest.FaultReset, Reason: err.Error()}
	case answer.Status >= 200 && answer.Status < 300 && answer.Status != 202:
		return w.Upstream.Read(t.request, answer)
	case answer.Status >= 300 && answer.Status < 400 && answer.Status != 304:
		next, err := w.Fetch.Redirect(t.request, answer)
		if errors.As(err, &failure) {
			return harvest.Reading{Fault: failure.Fault, Reason: string(failure.Fault)}
		}
		if err == nil {
			return harvest.Reading{Next: next}
		}
	}
	return harvest.Reading{}
}

// decide asks the policy what the attempt means, and does it.
func (w *Worker) decide(t *task, permit Permit, answer *harvest.Answer, reading harvest.Reading, now time.Time) {
	t.total++
	if reading.Next != nil && reading.Fault == harvest.FaultNone {
		permit.Done(w.sending, true)
		answer.Release()
		t.request, t.ready = reading.Next, now
		w.queue.push(t)
		return
	}
	decision := retry.Decide(w.facts(t, answer, reading, now), w.Retry)
	permit.Done(w.sending, healthy(answer, reading))
	if decision.Pause > 0 {
		w.pause(permit, decision, now)
	}
	verdict, released := w.proof.observe(t.items, decision, reading.Pages)
	w.pass(released)
	switch {
	case verdict.Stop != "" || decision.Verb == retry.Abort:
		answer.Release()
		w.open.drop(len(t.items))
		w.fail(w.proof.refusal(verdict.Stop, decision.Reason))
	case decision.Verb == retry.Accept:
		w.accept(t, verdict.Hold, answer, reading, now)
	case decision.Verb == retry.Skip:
		w.end(t, verdict.Hold, w.verdict(t, answer, decision, now))
		answer.Release()
	default: // Again, and Pause, which says Again for the item
		answer.Release()
		w.again(t, decision, now)
	}
}

func (w *Worker) facts(t *task, answer *harvest.Answer, reading harvest.Reading, now time.Time) retry.Facts {
	facts := retry.Facts{
		Fault: reading.Fault, Reason: reading.Reason, Wait: reading.Wait,
		Items: len(t.items), Tries: w.counted(t) + 1, Renewed: t.renewed, Incidents: w.proof.incident(now), Now: now, Jitter: rand.Float64(),
	}
	if answer != nil {
		facts.Status, facts.Header = answer.Status, answer.Header
	}
	return facts
}

// counted is how many tries the task has used: those that fell into an outage were given back.
func (w *Worker) counted(t *task) int {
	n := 0
	for _, at := range t.tries {
		if !w.Pace.Forgiven(at) {
			n++
		}
	}
	return n
}

// healthy tells pace whether the upstream works: it answered, and not with a failure of its own.
func healthy(answer *harvest.Answer, reading harvest.Reading) bool {
	return answer != nil && answer.Status < 500 && reading.Fault != harvest.FaultCalm
}
