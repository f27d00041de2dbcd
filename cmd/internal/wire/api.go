package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	redis  redis.UniversalClient
	pacer  *pace.Pacer
	client *fetch.Client
	kind   upstream.Open
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
	return worker.Interruptible(ctx, a.Stop, a.openRedis, a.open, a.introduce)
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

// open makes what talks to the upstream, and when.
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
	backend := a.Backend
	switch {
	case backend != nil:
	case a.redis != nil:
		backend = pace.NewRedis(a.redis)
	default:
		backend = pace.NewLocal()
	}
	a.pacer = pace.New(pace.Settings{
		Host: a.run.Host, Rate: a.set.Rate.PerSecond, Headroom: a.set.Headroom, Worker: fmt.Sprintf("%s:%s:%s", worker.Owner(), a.run.Name, a.set.Part()), Workers: a.set.Workers, Log: a.Log,
		MaxSilence: a.set.MaxSilence, Keep: a.keepSilence,
	}, backend)
	setter, _ := backend.(control.RateSetter)
	a.orders.Attach(ctx, a.run.Host, a.pacer, setter)
	a.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return a.pacer.Close(ctx)
	})
	return nil
}

// logsIn reports whether the credential needs a login.
func (a *api) logsIn() bool {
	return a.kind.Session != nil && a.set.Kind().LogsIn(a.set.Auth.Kind)
}

// introduce logs in where that takes a login, and asks an upstream that knows us what it grants us.
func (a *api) introduce(ctx context.Context) error {
	if a.kind.Session == nil || a.set.Auth.Kind == "" {
		return nil
	}
	if a.logsIn() {
		if err := a.login(ctx); err != nil {
			return err
		}
	}
	totals, err := a.totals(ctx)
	if err != nil {
		return err
	}
	caller := a.caller()
	caller.Proven = totals.Landed > 0
	sentence, err := a.kind.Session.Introduce(ctx, exchange.Asker{Caller: caller})
	if err == nil && sentence != "" {
		a.Say(sentence)
	}
	return err
}

// login gets a session for the credential, by requests that take a permit each.
func (a *api) login(ctx context.Context) error {
	caller := a.caller()
	caller.Client.Fetch = adapt.Fetching{Client: a.client}
	caller.Proven = a.reading != nil // it has begun to harvest
	a.client.Forget()
	return a.kind.Session.Login(ctx, exchange.Asker{Caller: caller}, a.set.Auth.User, func() (string, error) {
		secret, err := a.client.Secret()
		if err != nil {
			return "", fmt.Errorf("%w: log in: %w", worker.ErrRefused, err)
		}
		return secret, nil
	})
}

// exchanges makes single attempts within the budget.
func (a *api) exchanges() *exchange.Client {
	return &exchange.Client{Pace: adapt.Pacing{Pacer: a.pacer}, Fetch: a.fetching(), Policy: exchange.NewPolicy(adapt.PolicySettings(a.set)), Counters: a.counters}
}

// caller makes single requests within the budget.
func (a *api) caller() exchange.Caller {
	return exchange.Caller{
		Client: a.exchanges(), Patience: a.set.Patience, MaxSilence: a.set.MaxSilence,
		Waiting: func(sentence string) { a.Say("the upstream: " + a.client.Mask(sentence)) },
	}
}

// witnesses are pages of the run that landed; nil where there is no store.
func (a *api) witnesses() *exchange.Witnesses {
	if a.store == nil {
		return nil
	}
	return exchange.WitnessesOf(a.store, a.run.Name, a.Log)
}

func (a *api) fetching() adapt.Fetching {
	f := adapt.Fetching{Client: a.client}
	if a.logsIn() {
		f.Login = a.login
	}
	return f
}

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
	caller.Witnesses = a.witnesses()
	return &listing.Items{
		API: a.listings(), Caller: caller, Doubt: listing.NewDoubt(a.set.NoCanary, a.run.Name, a.longest()), Item: item, Host: a.run.Host, Exposes: a.set.Exposes,
		Guard: listing.NewGuard(a.suspicion, a.again, a.Log),
	}, nil
}

// longest returns what the store knows of the run's chains; nil if there is none.
func (a *api) longest() listing.Longest {
	if a.store == nil {
		return nil
	}
	return a.store
}

// listings gives a walk its API.
func (a *api) listings() listing.API { return listing.Checked{API: a.kind.Lister(a.run)} }

// keepSilence makes the store know of a silence; it stores nothing if this process must not.
func (a *api) keepSilence(ctx context.Context, silence time.Duration) error {
	if a.store == nil || a.set.Try > 0 {
		return nil
	}
	return a.store.Silence(ctx, a.run.Host, silence)
}

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
