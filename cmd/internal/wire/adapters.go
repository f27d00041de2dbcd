package wire

import (
	"context"
	"os"
	"runtime"

	"shoal/internal/aside"
	"shoal/internal/config"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/memory"
	"shoal/internal/pace"
	"shoal/internal/upstream/plain"
)

// newJobs opens the processes in which an upstream's expressions can be ended.
func newJobs() (*aside.Pool, error) {
	plan := memory.Share(runtime.GOMAXPROCS(0))
	return aside.New(plan.Asides, plan.Aside)
}

// Begin is called first by each program. It bounds the memory. If the process was started to run
// expressions for another one, it does only that, and done is true.
func Begin() (code int, done bool, err error) {
	if args := os.Args[1:]; aside.Called(args) {
		return aside.Serve(args, os.Stdin, os.Stdout, new(plain.Jobs).Do), true, nil
	}
	return 0, false, memory.Bound()
}

// pacing gives a worker its pacer: siblings do not know each other's types.
type pacing struct{ *pace.Pacer }

func (p pacing) Wait(ctx context.Context) (exchange.Permit, error) { return p.Acquire(ctx) }

func (p pacing) State() exchange.PaceState { return p.Pacer.State().Pacing() }

// fetching gives a worker its connections.
type fetching struct {
	*fetch.Client

	login func(context.Context) error // logs in anew; nil if a credential needs no login
}

func (f fetching) Reserve(ctx context.Context, url string) (exchange.Slot, error) {
	return slot(f.Client.Reserve(ctx, url))
}

func (f fetching) ReserveIsolated(ctx context.Context, url string) (exchange.Slot, error) {
	return slot(f.Client.ReserveIsolated(ctx, url))
}

// slot keeps a missing slot from becoming one that is not nil.
func slot(s *fetch.Slot, err error) (exchange.Slot, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (f fetching) Renew(ctx context.Context) (bool, error) {
	if f.login != nil {
		return true, f.login(ctx)
	}
	return f.Client.Renew(ctx)
}

// policySettings are the settings that a policy is made of.
func policySettings(set config.Worker) exchange.Settings {
	return exchange.Settings{Retries: set.Retries, MinPause: set.MinPause, ResetUnit: set.ResetUnit, Slow: set.SlowAnswer, SlowPause: set.SlowPause}
}

// fetchConfig is for an upstream's host, which the corpus may have named.
func fetchConfig(set config.Worker, host, corpus string) fetch.Config {
	plan := memory.Share(1)
	c := fetch.Config{
		Budget: plan.Answers, Largest: max(plan.Largest, plan.Roomy(set.MaxBody)),
		UserAgent: set.Agent(), Timeout: set.Timeout, MaxBody: set.MaxBody, Streams: set.Concurrency, Raw: set.Body == "raw",
		TrustedHosts: set.TrustedHosts(host, corpus), Credential: set.CredentialHosts(host),
		CAFile: set.CA, CertFile: set.Cert, KeyFile: set.Key, Proxy: set.Proxy, AllowPrivate: set.AllowPrivate,
		Auth: fetch.Auth(set.Credential()),
	}
	for _, header := range set.Headers {
		c.Headers = append(c.Headers, fetch.Header(header))
	}
	return c
}
