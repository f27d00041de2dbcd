package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"shoal/cmd/internal/console"
	"sync"
	"time"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store/kinds"
	"shoal/internal/upstream/all"
	"shoal/internal/worker"
)

const (
	demoItems   = 3000
	demoRate    = 120
	demoBurst   = 6 // what a busy machine may bunch together
	demoWorkers = 4
	demoStore   = "shoal-demo.db"
	demoRun     = "demo"
	demoToken   = "a-token-for-the-demo"
	demoExtract = "{id, title, tags}"
)

// demoBehaviour is an upstream with the faults of a long week in half a minute.
func demoBehaviour() fakeapi.Behaviour {
	return fakeapi.Behaviour{
		Rate: demoRate, Burst: demoBurst, Items: demoItems, MissingEvery: 500, Latency: 40 * time.Millisecond, Gzip: true,
		Token: demoToken, GoAwayEvery: 1000,
		Faults: []fakeapi.Fault{
			{Kind: fakeapi.KindTooMany, At: []int{1800}, Delay: 2 * time.Second},
			{Kind: fakeapi.KindStatus, Status: 502, Share: 0.01},
			{Kind: fakeapi.KindHTML, Share: 0.003},
			{Kind: fakeapi.KindCut, Share: 0.003},
			{Kind: fakeapi.KindStall, Every: 701, Delay: 3 * time.Second},
			{Kind: fakeapi.KindReset, Share: 0.002},
		},
	}
}

// demo harvests the bundled upstream with several workers that share one pacer.
func (p *program) demo(ctx context.Context, _ config.Coordinator) error {
	p.gentle.Store(true)
	api, err := fakeapi.New(fakeapi.Options{Behaviour: demoBehaviour(), NoHeaders: true})
	if err != nil {
		return err
	}
	defer func() { _ = api.Close() }()
	dir, err := os.MkdirTemp("", "shoal-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	like, err := p.demoWorker(ctx, api, dir)
	if err != nil {
		return err
	}
	if err := removeDemoStore(); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("an upstream on %s: %d items, at most %d requests/s, a token, and a fault now and then", api.URL, demoItems, demoRate))
	p.console.Say(fmt.Sprintf("%d workers share its budget and land in %s", demoWorkers, demoStore))
	workers := &demoFleet{}
	p.console.Watch(workers.progress)
	results := workers.harvest(ctx, p, like)
	last := workers.progress()
	p.console.Rest()
	return p.demoSummary(api, last, results)
}

// demoWorker is a worker's settings, read like those of any worker.
func (p *program) demoWorker(ctx context.Context, api *fakeapi.Server, dir string) (set config.Worker, err error) {
	ca, err := api.CAFile(dir)
	if err != nil {
		return set, err
	}
	var urls bytes.Buffer
	for i := range demoItems {
		fmt.Fprintf(&urls, "%s/items/%d\n", api.URL, i)
	}
	corpus, token, file := filepath.Join(dir, "urls.txt"), filepath.Join(dir, "token"), filepath.Join(dir, "shoal.yaml")
	yaml := fmt.Sprintf("auth:\n  kind: bearer\n  secret-file: %q\n", token)
	if err := errors.Join(os.WriteFile(corpus, urls.Bytes(), 0o600), os.WriteFile(token, []byte(demoToken), 0o600), os.WriteFile(file, []byte(yaml), 0o600)); err != nil {
		return set, err
	}
	cmd := config.WorkerCommand(config.Env{Dir: dir, Version: console.Version(), Kinds: all.Kinds()}, func(_ context.Context, w config.Worker) error {
		set = w
		return nil
	})
	cmd.SetArgs([]string{
		"--config", file, "--corpus", corpus, "--run", demoRun, "--ca", ca, "--store", "sqlite:" + demoStore, "--rate", fmt.Sprint(demoRate),
		"--extract", demoExtract, "--timeout", "10s", "--allow-host", harvest.HostOf(api.URL),
	})
	return set, cmd.ExecuteContext(ctx)
}

// removeDemoStore makes each demo start afresh.
func removeDemoStore() error {
	leases, err := filepath.Glob(demoStore + "-lease-" + demoRun + "-*")
	if err != nil {
		return err
	}
	for _, file := range append(leases, demoStore, demoStore+"-wal", demoStore+"-shm", demoStore+"-journal") {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replace the last demo: %w", err)
		}
	}
	return nil
}

// demoFleet is the demo's workers, seen as one.
type demoFleet struct {
	mu  sync.Mutex
	get []func() harvest.Progress
}

func (f *demoFleet) watch(get func() harvest.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.get = append(f.get, get)
}

// harvest runs the workers, a shard each, and returns how they ended.
func (f *demoFleet) harvest(ctx context.Context, p *program, set config.Worker) []error {
	shared := wire.SharedPace()
	results := make([]error, demoWorkers)
	var workers sync.WaitGroup
	for i := range demoWorkers {
		set := set
		set.Shard = harvest.Shard{Index: i, Of: demoWorkers}
		workers.Go(func() {
			_, results[i] = wire.Harvest(ctx, wire.Env{
				Out: p.out, Log: p.console.Log, Version: console.Version(), Stop: p.signals.Stop, Backend: shared, Watch: f.watch, Say: func(string) {},
			}, set)
		})
	}
	workers.Wait()
	return results
}

// progress adds the workers up.
func (f *demoFleet) progress() harvest.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	sum := harvest.Progress{Run: demoRun, Shard: harvest.Shard{Of: 1}, Now: now, Total: demoItems, Budget: demoRate}
	for _, get := range f.get {
		w := get()
		if sum.Started.IsZero() || w.Started.Before(sum.Started) {
			sum.Started = w.Started
		}
		sum.Already, sum.Seen, sum.Counts = sum.Already+w.Already, sum.Seen+w.Seen, sum.Counts.Plus(w.Counts)
		sum.Requests, sum.Retries, sum.Pauses = sum.Requests+w.Requests, sum.Retries+w.Retries, sum.Pauses+w.Pauses
		sum.Wire, sum.InFlight, sum.Rate = sum.Wire+w.Wire, sum.InFlight+w.InFlight, sum.Rate+w.Rate
		if w.SilentUntil.After(sum.SilentUntil) {
			sum.SilentUntil = w.SilentUntil
		}
		if sum.Limit == "" || w.Limit != harvest.LimitCorpus {
			sum.Limit = w.Limit
		}
		if w.Note != "" {
			sum.Note = w.Note
		}
	}
	if sum.Started.IsZero() {
		sum.Started = now
	}
	return sum
}

// demoSummary puts our count beside the upstream's own.
func (p *program) demoSummary(api *fakeapi.Server, last harvest.Progress, results []error) error {
	err := errors.Join(results...)
	headline := "the run is finished"
	switch {
	case errors.Is(err, worker.ErrStopped):
		err, headline = worker.ErrStopped, "stopped"
	case err != nil:
		headline = "ended early"
	}
	here := wire.Program("")
	next := []string{fmt.Sprintf("%sworker --corpus YOUR-URLS.txt --contact YOUR-MAIL --try 3", here)}
	if last.Counts.Landed > 0 {
		next = append([]string{
			fmt.Sprintf("%scoordinator export --run %s --store sqlite:%s --to demo.jsonl", here, demoRun, demoStore),
			kinds.SQLite.Look(demoStore, "select outcome, reason, count(*) from %s group by 1, 2", "pages"),
		}, next...)
	}
	// There is no place to report that the terminal is gone.
	_ = status.Summary(p.console.Screen, headline, last, next...)
	p.console.Say(fmt.Sprintf("the upstream itself counted %d requests, refused %d of them for their rate, and met at most %d in any second (its limit is %d, with a burst of %d)",
		api.Count(), api.Refused(), api.WorstWindow(time.Second), demoRate, demoBurst))
	return err
}
