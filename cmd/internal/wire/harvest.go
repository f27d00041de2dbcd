package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	grace    = 12 * time.Second
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
	defer h.close()
	life, end := context.WithCancel(ctx)
	defer end()
	built := make(chan struct{})
	go func() {
		select {
		case <-h.Stop:
			end()
		case <-built:
		}
	}()
	for _, build := range []func(context.Context) error{
		h.checkUpstream, h.openNamedCorpus, h.openStore, h.openRunsCorpus, h.openRun, h.openRedis, h.claim, h.openUpstream, h.build,
	} {
		if err := build(life); err != nil {
			close(built)
			return Outcome{Run: h.run}, err
		}
	}
	close(built)
	return h.drain(life)
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
	download, err := downloader(h.set.CA)
	if err != nil {
		return err
	}
	err = h.patiently(ctx, "the corpus", func(err error) bool { return errors.Is(err, corpus.ErrAway) }, func() (err error) {
		h.source, err = corpus.Open(ctx, corpus.Config{
			URI: h.set.Corpus, Template: h.set.URL, Hosts: h.corpusHosts(), PostIsRead: h.set.PostIsRead, Stdin: h.Stdin, HTTP: download,
		})
		switch {
		case err == nil:
			h.onClose(h.source.Close)
			return nil
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
		run, err = h.findRun(ctx)
		return err
	})
	switch {
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

func (h *Harvester) findRun(ctx context.Context) (harvest.Run, error) {
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	name := h.set.Run
	if name == "" {
		if name, err = harvest.ChooseRun(runs, harvest.Inputs{}, time.Now()); err != nil {
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
	totals, err := h.truth.Totals(ctx, h.run.Name)
	if err != nil {
		return err
	}
	share := ""
	if h.run.CorpusItems > 0 {
		share = fmt.Sprintf(", %.0f %% done", min(100, 100*float64(totals.Items())/float64(h.run.CorpusItems)))
	}
	h.Say(fmt.Sprintf("resuming run %s, opened %s ago, %d items done%s", h.run.Name, Ago(time.Since(h.run.OpenedAt)), totals.Items(), share))
	return nil
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
	totals, err := h.truth.Totals(ctx, h.run.Name)
	if err != nil {
		return err
	}
	parts := worker.Parts{
		Corpus: h.source, Store: h.truth, Pace: pacing{h.pacer}, Fetch: fetching{h.client, h.mayFollow},
		Upstream: reading{upstream}, Lease: h.lease, Log: h.Log, Temporary: unavailable,
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

// mayFollow tells whether a redirect may lead to the host.
func (h *Harvester) mayFollow(host string) bool {
	return host == h.run.Host || slices.Contains(h.set.AllowHosts, host)
}
