package observe

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/doctor"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/pace"
)

// upstreamGroup looks at the upstream as a worker meets it, with its credential and within the
// fleet's budget.
func (p *physician) upstreamGroup(t target) doctor.Group {
	if t.host == "" {
		return doctor.Absent("upstream", "address", "no corpus, --api or --url names it, and no run of the store")
	}
	cfg := adapt.FetchConfig(t.set, t.host, t.set.Corpus)
	if kind := cfg.Auth.Kind; kind == "oauth2" || kind == "session" {
		cfg.Auth = fetch.Auth{} // its token, or its login, would be a request that is not a GET
		t.request, t.why = nil, fmt.Sprintf("an answer needs a %s, which is not asked for to look: worker --try 1 does that", map[string]string{"oauth2": "token", "session": "login"}[kind])
	}
	client, err := fetch.New(cfg, p.log)
	if err != nil {
		return doctor.Unusable("upstream", t.origin, "certificates, proxy and credential", config.Usagef("%v", err))
	}
	p.onClose(func() { _ = client.Close() })
	return doctor.OfUpstream(doctor.Upstream{
		Origin: t.origin, Agent: t.set.Agent(), Request: t.request, Unknown: t.why, Mask: client.Mask,
		Lookup: func(ctx context.Context, host string) ([]string, error) {
			if u, err := url.Parse(t.origin); err == nil && client.Proxied(u) {
				return nil, nil
			}
			return net.DefaultResolver.LookupHost(ctx, host)
		},
		Peer: func(ctx context.Context) (doctor.Peer, error) {
			peer, err := client.Look(ctx, t.origin)
			return doctor.Peer(peer), err
		},
		Turn: func(ctx context.Context) string { return p.turn(ctx, t.host) },
		Open: func(ctx context.Context) (*exchange.Client, error) { return p.exchanges(ctx, t, client) },
		Rate: t.set.Rate.PerSecond, Concurrency: t.set.Concurrency, Timeout: t.set.Timeout, MaxSilence: t.set.MaxSilence, Patience: t.set.Patience,
	})
}

// turn returns why no request may leave now, as far as the store knows.
func (p *physician) turn(ctx context.Context, host string) string {
	db, err := p.open(ctx)
	if err != nil {
		return "" // a worker cannot start either, and the store's own lines have the reason
	}
	defer func() { _ = db.Close() }()
	runs, err := db.ListRuns(ctx)
	if err != nil {
		return ""
	}
	for _, run := range runs {
		if run.Host != host {
			continue
		}
		control, err := db.Control(ctx, run.Name)
		if err != nil {
			return ""
		}
		if why := ordered(host, control); why != "" {
			return why
		}
		work, err := db.ListWork(ctx, run.Name)
		at := coordinator.RunStatus{At: time.Now(), Work: work}.Fresh()
		if err == nil && p.Worker.Redis == "" && len(at) > 0 {
			return fmt.Sprintf("%s is at work on run %s with a budget of its own: a request from here would come on top of it", at[0].Worker, run.Name)
		}
	}
	return ""
}

// ordered is what operators, or the upstream itself, have asked for.
func ordered(host string, c harvest.Control) string {
	switch {
	case c.Hold == harvest.Forever:
		return fmt.Sprintf("%s has paused it: coordinator resume ends that", c.By)
	case c.Hold > 0:
		return fmt.Sprintf("%s has paused it for another %s: coordinator resume ends that", c.By, c.Hold.Round(time.Second))
	case c.Silence > 0:
		return fmt.Sprintf("it asked for silence, for another %s: coordinator resume --host %s ends that", c.Silence.Round(time.Second), host)
	}
	return ""
}

// exchanges makes the client that keeps the budget: that of the fleet, if it has one.
func (p *physician) exchanges(ctx context.Context, t target, client *fetch.Client) (*exchange.Client, error) {
	rate := t.set.Rate.PerSecond
	var backend pace.Backend = pace.NewLocal()
	if p.redis != nil {
		inForce, err := pace.RateInForce(ctx, p.redis, t.host)
		if err != nil {
			return nil, err
		}
		rate = max(rate, inForce) // the lowest that is asked for counts: this look lowers nothing
		backend = pace.NewRedis(p.redis)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unknown-host"
	}
	pacer := pace.New(pace.Settings{
		Host: t.host, Rate: rate, Headroom: t.set.Headroom, Worker: fmt.Sprintf("%s:%d:doctor", name, os.Getpid()), Workers: t.set.Workers, Log: p.log, MaxSilence: t.set.MaxSilence,
	}, backend)
	p.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = pacer.Close(ctx)
	})
	policy := exchange.NewPolicy(exchange.Settings(t.set.Answers))
	return &exchange.Client{Pace: adapt.Pacing{Pacer: pacer}, Fetch: adapt.Fetching{Client: client}, Policy: policy}, nil
}
