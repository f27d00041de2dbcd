package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/pace"
	"shoal/internal/store"
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

	truth  store.Store
	source *corpus.Source
	run    harvest.Run
	opened bool
	redis  redis.UniversalClient
	lease  store.Lease
	pacer  *pace.Pacer
	client *fetch.Client
	worker *worker.Worker

	closers []func() error
}

// Outcome is how a worker's pass ended.
type Outcome struct {
	Run      harvest.Run
	Drained  bool // every item of the shard has ended
	Finished bool // every item of the run has ended
}

// Harvest runs one worker from its settings to its end. The first signal ends
// what comes before the first request, too.
func Harvest(ctx context.Context, env Env, set config.Worker) (Outcome, error) {
	h := &Harvester{Env: env, set: set}
	life, end := context.WithCancel(ctx)
	defer h.close() // after end: what reads must have been told to stop
	defer end()
	if err := h.prepare(life); err != nil {
		return Outcome{Run: h.run}, err
	}
	return h.drain(life)
}

// prepare opens the parts in the order that an item meets them.
func (h *Harvester) prepare(ctx context.Context) error {
	steps := []func(context.Context) error{h.checkUpstream, h.openNamedCorpus, h.openStore}
	if h.storeExists() { // it may know what the corpus needs, such as the template
		steps = []func(context.Context) error{h.checkUpstream, h.openStore, h.adoptTemplate, h.openNamedCorpus}
	}
	steps = append(steps, h.openRunsCorpus, h.openRun, h.openRedis, h.claim, h.openUpstream, h.build)
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

// storeExists tells whether the store may hold runs already.
func (h *Harvester) storeExists() bool {
	file, ok := strings.CutPrefix(h.set.Store, "sqlite:")
	if !ok {
		return true
	}
	_, err := os.Stat(file)
	return err == nil
}

// adoptTemplate takes the template of the run that is resumed, if none was said.
func (h *Harvester) adoptTemplate(ctx context.Context) error {
	if h.set.Corpus == "" || h.set.URL != "" {
		return nil
	}
	run, err := h.findRun(ctx, harvest.Inputs{Corpus: shownCorpus(h.set.Corpus)})
	if errors.Is(err, errNoRunYet) {
		return nil
	}
	if err == nil && run.Corpus == shownCorpus(h.set.Corpus) {
		h.set.URL = run.API
	}
	return err
}

func (h *Harvester) onClose(do func() error) { h.closers = append(h.closers, do) }

// close gives everything back, what was opened last first.
func (h *Harvester) close() {
	for _, do := range slices.Backward(h.closers) {
		if err := do(); err != nil {
			h.Log.Warn("closing", "error", err)
		}
	}
}

// openNamedCorpus comes before the store, so that a mistyped path leaves no store behind.
func (h *Harvester) openNamedCorpus(ctx context.Context) error {
	if h.set.Corpus == "" {
		return nil
	}
	return h.openCorpus(ctx)
}

// openRunsCorpus opens the corpus that the run was opened with, if none was named.
func (h *Harvester) openRunsCorpus(ctx context.Context) error {
	if h.source != nil {
		return nil
	}
	if err := h.adoptRun(ctx); err != nil {
		return err
	}
	return h.openCorpus(ctx)
}

// openCorpus reads on to the first item, which says what host this is about, and
// settles what depends on it.
func (h *Harvester) openCorpus(ctx context.Context) error {
	if address := h.set.Corpus; strings.HasPrefix(strings.ToLower(address), "https://") {
		if canonical, err := harvest.CanonicalURL(address); err == nil {
			if err := h.set.CheckContact(harvest.HostOf(canonical)); err != nil {
				return err
			}
		}
	}
	download, err := downloader(h.set.CA, h.set.Agent())
	if err != nil {
		return err
	}
	err = h.patiently(ctx, "the corpus", func(err error) bool { return errors.Is(err, corpus.ErrAway) }, func() (err error) {
		h.source, err = corpus.Open(ctx, corpus.Config{
			URI: h.set.Corpus, Template: h.set.URL, Hosts: h.corpusHosts(), PostIsRead: h.set.PostIsRead, Stdin: h.Stdin, HTTP: download,
		})
		switch {
		case err == nil:
			h.onClose(h.closeCorpus)
			return nil
		case errors.Is(err, corpus.ErrAllRejected) && h.set.MaxRejected.Exceeded(1, 1):
			return fmt.Errorf("%w: %w", ErrOverLimit, err)
		case errors.Is(err, corpus.ErrDamaged), errors.Is(err, corpus.ErrAway), ctx.Err() != nil:
			return err
		}
		return config.Usagef("%v", err)
	})
	if err != nil {
		return err
	}
	h.set, err = h.set.ForHost(h.source.Host())
	return err
}

// closeCorpus waits for a reader that is still in the corpus.
func (h *Harvester) closeCorpus() error {
	if h.worker != nil {
		select {
		case <-h.worker.Reading():
		case <-time.After(time.Second):
			return nil // the process ends; a read that cannot be interrupted ends with it
		}
	}
	return h.source.Close()
}

// corpusHosts are the hosts that items may have; none means that of the first item.
func (h *Harvester) corpusHosts() []string {
	if len(h.set.AllowHosts) == 0 || h.set.URL == "" {
		return h.set.AllowHosts
	}
	return append([]string{harvest.HostOf(h.set.URL)}, h.set.AllowHosts...)
}

var errNoRunYet = errors.New("no run to go on with")

// adoptRun takes the inputs of the run that is meant when no corpus is named. In
// a store that others share it waits for somebody to open one.
func (h *Harvester) adoptRun(ctx context.Context) error {
	var run harvest.Run
	waiting := func(err error) bool {
		return unavailable(err) || errors.Is(err, errNoRunYet) && !strings.HasPrefix(h.set.Store, "sqlite:")
	}
	err := h.patiently(ctx, "a run to be opened", waiting, func() (err error) {
		run, err = h.findRun(ctx, harvest.Inputs{})
		return err
	})
	switch {
	case errors.Is(err, worker.ErrPatience):
		return err
	case errors.Is(err, errNoRunYet):
		return config.Usagef("what shall be harvested? The store has no run to go on with: add --corpus FILE")
	case err != nil:
		return err
	case run.Corpus == "" || run.Corpus == "-":
		return config.Usagef("run %s was opened with a corpus on standard input: give it again with --corpus -", run.Name)
	case strings.HasSuffix(run.Corpus, hiddenQuery):
		return config.Usagef("run %s was opened with the corpus %s, whose query is not stored because it may be a credential: give the whole address again with --corpus", run.Name, run.Corpus)
	}
	h.set.Run, h.set.Corpus = run.Name, run.Corpus
	if h.set.URL == "" {
		h.set.URL = run.API
	}
	return nil
}

func (h *Harvester) findRun(ctx context.Context, given harvest.Inputs) (harvest.Run, error) {
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	name := h.set.Run
	if name == "" {
		if name, err = harvest.ChooseRun(runs, given, time.Now()); err != nil {
			return harvest.Run{}, config.Usagef("%v", err)
		}
	}
	if at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == name }); at >= 0 {
		return runs[at], nil
	}
	return harvest.Run{}, errNoRunYet
}

// openRun opens or resumes the run.
func (h *Harvester) openRun(ctx context.Context) error {
	err := h.patiently(ctx, "the store", unavailable, func() error {
		given, err := h.givenRun(ctx)
		if err != nil {
			return err
		}
		h.run, h.opened, err = h.truth.OpenRun(ctx, given)
		return err
	})
	if err != nil {
		return err
	}
	h.set.Extract, h.set.Body = h.run.Extract, h.run.Body
	return h.introduce(ctx)
}

// hiddenQuery stands for the query of a corpus' address, which may be a signature.
const hiddenQuery = "?…"

// shownCorpus is the corpus as it is stored with the run and may be printed.
func shownCorpus(uri string) string {
	if address, _, hasQuery := strings.Cut(uri, "?"); hasQuery && strings.Contains(address, "://") {
		return address + hiddenQuery
	}
	return uri
}

// givenRun is what this start says about the run. Of a run that is there, only
// what the operator said counts: a default contradicts nothing, and the rate
// that was kept goes on.
func (h *Harvester) givenRun(ctx context.Context) (harvest.Run, error) {
	given := harvest.Run{Name: h.set.Run, Rate: h.set.Rate.String(), Inputs: harvest.Inputs{
		Upstream: h.set.Upstream, API: h.set.URL, Host: h.source.Host(), Extract: h.set.Extract, Body: h.set.Body, Corpus: shownCorpus(h.set.Corpus),
	}}
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return given, err
	}
	said := given
	if !h.set.Given("upstream") {
		said.Upstream = ""
	}
	if !h.set.Given("body") {
		said.Body = ""
	}
	if given.Name == "" {
		if given.Name, err = harvest.ChooseRun(runs, said.Inputs, time.Now()); err != nil {
			return given, config.Usagef("%v", err)
		}
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == given.Name })
	if at < 0 {
		return given, nil
	}
	said.Name = given.Name
	if kept, err := config.ParseRate(runs[at].Rate); err == nil && !h.set.Given("rate") {
		h.set.Rate, said.Rate = kept, kept.Text
	}
	return said, nil
}

// introduce says which run this is and how far it has come.
func (h *Harvester) introduce(ctx context.Context) error {
	if h.opened {
		h.Say(fmt.Sprintf("opened run %s: %s at %s", h.run.Name, h.run.Host, h.set.Rate))
		return nil
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	done := fmt.Sprintf("%d items done", totals.Items())
	switch {
	case !h.run.FinishedAt.IsZero():
		done = "100 % done"
	case h.run.CorpusItems > 0:
		done = fmt.Sprintf("%.0f %% done", min(99, 100*float64(totals.Items())/float64(h.run.CorpusItems)))
	}
	h.Say(fmt.Sprintf("resuming %s, opened %s ago, %s", h.run.Name, Ago(time.Since(h.run.OpenedAt)), done))
	return nil
}

func (h *Harvester) totals(ctx context.Context) (totals harvest.Counts, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() error {
		totals, err = h.truth.Totals(ctx, h.run.Name)
		return err
	})
	return totals, err
}

// openUpstream makes what talks to the upstream, and when.
func (h *Harvester) openUpstream(context.Context) (err error) {
	h.client, err = fetch.New(fetchConfig(h.set, h.run.Host), h.Log)
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
		Host: h.run.Host, Rate: h.set.Rate.PerSecond, Headroom: h.set.Headroom, Worker: fmt.Sprintf("%s:%s:%s", owner(), h.run.Name, h.set.Shard), Workers: h.set.Workers,
	}, backend)
	h.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return h.pacer.Close(ctx)
	})
	return nil
}

// build puts the worker together.
func (h *Harvester) build(ctx context.Context) error {
	upstream, err := newUpstream(h.set)
	if err != nil {
		return err
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	parts := worker.Parts{
		Corpus: h.source, Store: h.truth, Pace: pacing{h.pacer}, Fetch: fetching{h.client},
		Upstream: reading{upstream}, Lease: h.lease, Log: h.Log, Temporary: unavailable, Full: func(err error) bool { return errors.Is(err, store.ErrStoreFull) },
	}
	if h.redis != nil {
		parts.Ledger = ledger.New(h.redis, h.run.Name, h.run.BucketBits)
	}
	h.worker = worker.New(worker.Config{
		Run: h.run, Shard: h.set.Shard, Concurrency: h.set.Concurrency, Batch: h.set.Batch, BatchBytes: int(h.set.BatchBytes), Flush: h.set.Flush,
		Retry:    retryPolicy(h.set),
		Patience: h.set.Patience, Limit: h.set.Limit, Canary: !h.set.NoCanary, Fresh: totals.Landed == 0, Grace: grace,
	}, parts)
	return nil
}
