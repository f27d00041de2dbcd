package wire

import (
	"context"
	"errors"
	"fmt"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/listing"
	"shoal/internal/memory"
	"shoal/internal/pace"
	"shoal/internal/upstream"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"

	"github.com/redis/go-redis/v9"
)

// api is the upstream of a process, and the budget of requests to it.
type api struct {
	*process
	redis   redis.UniversalClient
	pacer   *pace.Pacer
	client  *fetch.Client
	kind    upstream.Open
	account upstream.Account
}

// checkExpressions compiles the expressions.
func (a *api) checkExpressions(context.Context) error {
	return a.set.Kind().Compiles(a.set.UpstreamSettings())
}

// check compiles the expressions and reads credentials and certificates,
// so that a mistyped one opens no run.
func (a *api) check(ctx context.Context) error {
	if err := a.checkExpressions(ctx); err != nil {
		return err
	}
	client, err := fetch.New(adapt.FetchConfig(a.set, "", a.set.Corpus), a.Log)
	if err != nil {
		return config.Usagef("%v", err)
	}
	return client.Close()
}

// connect prepares requests to the upstream.
func (a *api) connect(ctx context.Context) error {
	return worker.Interruptible(ctx, a.Stop, a.openRedis, a.open)
}

// openRedis checks the server that keeps the budget and the ledger.
func (a *api) openRedis(ctx context.Context) error {
	if a.set.Redis == "" {
		return nil
	}
	client, err := pace.Connect(a.set.Redis, a.set.CA)
	if err != nil {
		return config.Usagef("%v", err)
	}
	a.onClose(client.Close)
	a.redis = client
	away := func(err error) bool { return !errors.Is(err, pace.ErrUnsafeRedis) && !errors.Is(err, ledger.ErrUnsafe) }
	return a.patience().Retry(ctx, "Redis", away, func() error {
		if err := pace.CheckRedis(ctx, client, a.run.Host); err != nil {
			return err
		}
		return ledger.Check(ctx, client)
	})
}

// open makes what talks to the upstream, and when, and introduces us to it.
func (a *api) open(ctx context.Context) (err error) {
	jobs, err := newJobs()
	if err != nil {
		return err
	}
	a.onClose(jobs.Close)
	if a.kind, err = a.set.Kind().Open(a.set.UpstreamSettings(), upstream.Tools{Aside: jobs, MaxYield: int(memory.Share(1).Yield)}); err != nil {
		return config.Usagef("%v", err)
	}
	a.counters.LimitAll(a.set.Timeout, plain.ReadLimit(a.kind.MaxItems))
	a.client, err = fetch.New(adapt.FetchConfig(a.set, a.run.Host, a.run.Corpus), a.Log)
	if err != nil {
		return config.Usagef("%v", err)
	}
	a.onClose(a.client.Close)
	a.kind = a.kind.Masked(a.client.Mask)
	a.account = upstream.Account{
		Session: a.kind.Session, Auth: a.set.Auth.Kind, User: a.set.Auth.User, Logs: a.set.Kind().LogsIn(a.set.Auth.Kind),
		Secrets: a.client, Ask: a.ask, Totals: a.totals, Begun: func() bool { return a.reading != nil }, Say: a.Say,
	}
	backend := a.Backend
	if backend == nil {
		backend = pace.BackendOf(a.redis)
	}
	a.pacer = pace.New(pace.Settings{
		Host: a.run.Host, Rate: a.set.Rate.PerSecond, Headroom: a.set.Headroom, Worker: fmt.Sprintf("%s:%s:%s", worker.Owner(), a.run.Name, a.set.Part()), Workers: a.set.Workers, Log: a.Log,
		MaxSilence: a.set.MaxSilence, Silences: a.stored().Silences,
	}, backend)
	setter, _ := backend.(control.RateSetter)
	a.orders.Attach(ctx, a.run.Host, a.pacer, setter)
	a.onClose(a.pacer.Leave)
	return a.account.Introduce(ctx)
}

// ask makes single requests for the account.
func (a *api) ask(login, proven bool) upstream.Asker {
	caller := a.caller()
	caller.Proven = proven
	if login {
		caller.Client.Fetch = adapt.Fetching{Client: a.client}
	}
	return exchange.Asker{Caller: caller}
}

// exchanges makes single attempts within the budget.
func (a *api) exchanges() *exchange.Client {
	return &exchange.Client{Pace: adapt.Pacing{Pacer: a.pacer}, Fetch: a.fetching(), Policy: exchange.NewPolicy(exchange.Settings(a.set.Answers)), Counters: a.counters}
}

// caller makes single requests within the budget.
func (a *api) caller() exchange.Caller {
	return exchange.Caller{
		Client: a.exchanges(), Patience: a.set.Patience, MaxSilence: a.set.MaxSilence,
		Waiting: func(sentence string) { a.Say("the upstream: " + a.client.Mask(sentence)) },
	}
}

func (a *api) fetching() adapt.Fetching { return adapt.Fetching{Client: a.client, Account: a.account} }

// lister returns a lister for the items that a listing names.
func (a *api) lister() (listing.Lister, error) {
	if _, chained := a.set.Kinds().Chained(a.run.Corpus); !chained {
		return listing.Own{API: a.listings(), Caller: a.caller(), Guard: listing.NewGuard(a.suspicion, a.again, a.Log)}, nil
	}
	item, err := corpus.Items(a.set.URL)
	if err != nil {
		return nil, config.Usagef("%v", err)
	}
	caller := a.caller()
	caller.Witnesses = exchange.WitnessesOf(a.stored().Pages, a.run.Name, a.Log)
	return &listing.Items{
		API: a.listings(), Caller: caller, Doubt: listing.NewDoubt(a.set.NoCanary, a.run.Name, a.stored().Chains), Item: item, Host: a.run.Host, Exposes: a.set.Exposes,
		Guard: listing.NewGuard(a.suspicion, a.again, a.Log),
	}, nil
}

// listings gives a walk its API.
func (a *api) listings() listing.API { return listing.Checked{API: a.kind.Lister(a.run)} }

// Extractor makes records of a stored body by the expression, or by the parser, that spec names.
func Extractor(kinds upstream.Table, run harvest.Run, spec string) (extract func(body []byte) ([]harvest.Record, error), done func() error, err error) {
	jobs, err := newJobs()
	if err != nil {
		return nil, nil, err
	}
	if extract, err = kinds.ExtractorOf(run, spec, upstream.Tools{Aside: jobs}); err != nil {
		return nil, nil, errors.Join(err, jobs.Close())
	}
	return extract, jobs.Close, nil
}
