package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"shoal/internal/aside"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/memory"
	"shoal/internal/pace"
	"shoal/internal/store"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
	"time"
)

// jobs gives an upstream the processes in which its expressions can be ended.
type jobs struct{ pool *aside.Pool }

func newJobs() (jobs, error) {
	plan := memory.Share(runtime.GOMAXPROCS(0))
	pool, err := aside.New(plan.Asides, plan.Aside)
	return jobs{pool}, err
}

func (j jobs) Do(limit time.Duration, visit func(frame []byte) error, parts ...[]byte) error {
	err := j.pool.Do(limit, visit, parts...)
	switch {
	case errors.Is(err, aside.ErrUnavailable):
		return fmt.Errorf("%w: %w", plain.ErrNoProcess, err)
	case errors.Is(err, aside.ErrTime), errors.Is(err, aside.ErrDied):
		return plain.Stuck(err)
	}
	return err
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
type pacing struct{ pacer *pace.Pacer }

func (p pacing) Wait(ctx context.Context) (exchange.Permit, error) {
	permit, err := p.pacer.Wait(ctx)
	return permitted{p.pacer, permit}, err
}

func (p pacing) Expect(callers int) { p.pacer.Expect(callers) }

func (p pacing) Forgiven(at time.Time) bool { return p.pacer.Forgiven(at) }

func (p pacing) State() exchange.PaceState {
	s := p.pacer.State()
	state := exchange.PaceState{Budget: s.Budget, Lowered: s.Lowered, Share: s.Budget / float64(max(1, s.Active)), Limit: s.Limit, Until: s.Until, Since: s.Unreachable}
	if s.Limit == harvest.LimitBudget && s.Rate < 0.97*s.Budget*s.Ceiling {
		state.Limit = harvest.LimitRamp
	}
	if s.Hold.After(state.Until) {
		state.Until = s.Hold
	}
	if state.Since.IsZero() {
		state.Since = s.Outage
	}
	return state
}

type permitted struct {
	pacer  *pace.Pacer
	permit pace.Permit
}

func (p permitted) Usable() bool { return p.pacer.Usable(p.permit) }

func (p permitted) Unused() { p.pacer.Unused(p.permit) }

// Neutral implements [exchange.Permit]. Pace must know of a probe, whatever its result.
func (p permitted) Neutral(ctx context.Context, up bool) {
	if p.permit.Probe {
		p.pacer.Done(ctx, p.permit, up)
		return
	}
	p.pacer.Unused(p.permit)
}

func (p permitted) Done(ctx context.Context, ok bool) { p.pacer.Done(ctx, p.permit, ok) }

func (p permitted) Backoff(ctx context.Context, silence time.Duration, cut bool) {
	// The silence holds here at once and is reported again until Redis has it.
	_ = p.pacer.Backoff(ctx, p.permit, silence, cut)
}

// confirming gives the orders this process' pace.
type confirming struct{ pacer *pace.Pacer }

// Confirm implements [control.Pacer].
func (c confirming) Confirm(order control.Order) { c.pacer.Confirm(pace.Known(order)) }

// fetching gives a worker its connections.
type fetching struct {
	client *fetch.Client
	login  func(context.Context) error // logs in anew; nil if a credential needs no login
}

func (f fetching) Reserve(ctx context.Context, url string) (exchange.Slot, error) {
	slot, err := f.client.Reserve(ctx, url)
	if err != nil {
		return nil, err
	}
	return slot, nil
}

func (f fetching) ReserveIsolated(ctx context.Context, url string) (exchange.Slot, error) {
	slot, err := f.client.ReserveIsolated(ctx, url)
	if err != nil {
		return nil, err
	}
	return slot, nil
}

func (f fetching) Renew(ctx context.Context) (bool, error) {
	if f.login != nil {
		return true, f.login(ctx)
	}
	return f.client.Renew(ctx)
}

func (f fetching) Redirect(request *harvest.Request, answer *harvest.Answer) (*harvest.Request, error) {
	same := func(host string) bool { return host == harvest.HostOf(request.URL) }
	return fetch.Redirect(request, answer, same)
}

// reading gives a worker its upstream. An answer may quote our credential: no detail of it is
// stored or shown with the credential in it.
type reading struct {
	worker.Upstream
	client *fetch.Client
}

func (r reading) Detail(answer *harvest.Answer) string {
	return r.client.Mask(r.Upstream.Detail(answer))
}

func (r reading) Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading {
	read := r.Upstream.Read(request, answer)
	for i := range read.Pages {
		maskPage(r.client, &read.Pages[i])
	}
	return maskCause(r.client, read)
}

func maskPage(client *fetch.Client, page *harvest.Page) {
	if page.Detail != "" {
		page.Detail = client.Mask(page.Detail)
	}
}

func maskCause(client *fetch.Client, read harvest.Reading) harvest.Reading {
	if read.Cause != nil {
		if text := read.Cause.Error(); client.Mask(text) != text {
			read.Cause = errors.New(client.Mask(text))
		}
	}
	return read
}

// chains gives an enumeration its table in the store.
type chains struct{ *store.Store }

func (c chains) CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error {
	err := c.Store.CommitStep(ctx, run, to, entries)
	if errors.Is(err, store.ErrStep) {
		return listing.ErrTaken
	}
	return err
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
		Auth: fetch.Auth{
			Kind: authKind(set), Name: set.Auth.Name, User: set.Auth.User, SecretEnv: set.Auth.SecretEnv, SecretFile: set.Auth.SecretFile,
			TokenURL: set.Auth.TokenURL, ClientID: set.Auth.ClientID,
			ClientSecretEnv: set.Auth.ClientSecretEnv, ClientSecretFile: set.Auth.ClientSecretFile, Scopes: set.Auth.Scopes,
		},
	}
	for _, header := range set.Headers {
		c.Headers = append(c.Headers, fetch.Header(header))
	}
	return c
}

// authKind is what a kind of credential means on the wire.
func authKind(set config.Worker) string {
	if _, login := set.Kinds().ByAuth(set.Auth.Kind); login {
		return "session"
	}
	return set.Auth.Kind
}
