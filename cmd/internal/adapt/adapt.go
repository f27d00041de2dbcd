// Package adapt makes the parts of a program out of its settings, and makes siblings fit each
// other.
//
// In go checked settings and open parts; out come their configurations and adapters, for all
// packages that wire. It opens nothing and decides nothing.
package adapt

import (
	"context"
	"iter"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/memory"
	"shoal/internal/pace"
	"shoal/internal/runs"
	"shoal/internal/store/kinds"
	"shoal/internal/upstream"
)

// Pacing gives a worker its pacer: siblings do not know each other's types.
type Pacing struct{ *pace.Pacer }

// Wait implements [exchange.Pace].
func (p Pacing) Wait(ctx context.Context) (exchange.Permit, error) { return p.Acquire(ctx) }

// State implements [exchange.Pace].
func (p Pacing) State() exchange.PaceState { return p.Pacer.State().Pacing() }

// Fetching gives a worker its connections.
type Fetching struct {
	*fetch.Client

	Account upstream.Account // renews its session; the zero one renews the credential
}

// Reserve implements [exchange.Fetcher].
func (f Fetching) Reserve(ctx context.Context, url string) (exchange.Slot, error) {
	return slot(f.Client.Reserve(ctx, url))
}

// ReserveIsolated implements [exchange.Fetcher].
func (f Fetching) ReserveIsolated(ctx context.Context, url string) (exchange.Slot, error) {
	return slot(f.Client.ReserveIsolated(ctx, url))
}

// slot keeps a missing slot from becoming one that is not nil.
func slot(s *fetch.Slot, err error) (exchange.Slot, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Renew implements [exchange.Fetcher].
func (f Fetching) Renew(ctx context.Context) (bool, error) {
	return f.Account.Renew(ctx, f.Client.Renew)
}

// FetchConfig is for an upstream's host, which the corpus may have named.
func FetchConfig(set config.Worker, host, corpus string) fetch.Config {
	plan := memory.Share(1)
	return fetch.Config{
		Budget: plan.Answers, Largest: max(plan.Largest, plan.Roomy(set.MaxBody)),
		UserAgent: set.Agent(), Timeout: set.Timeout, MaxBody: set.MaxBody, Streams: set.Concurrency, Raw: set.Body == "raw",
		TrustedHosts: set.TrustedHosts(host, corpus), Credential: set.CredentialHosts(host),
		CAFile: set.CA, CertFile: set.Cert, KeyFile: set.Key, Proxy: set.Proxy, AllowPrivate: set.AllowPrivate,
		Auth: fetch.Auth(set.Credential()), Headers: set.Headers,
	}
}

// CorpusConfig is how a corpus in lines is opened for a run, which is known by the time it is read.
func CorpusConfig(set config.Worker, run *harvest.Run) (corpus.Config, error) {
	lines, err := set.Lines()
	cfg := corpus.Config{
		URI: lines.URI, Hosts: lines.Hosts, Line: lines.Line, Text: lines.Text,
		Template: set.URL, Exposed: set.Exposes, PostIsRead: set.PostIsRead, Patience: set.Patience,
		Rekey: func(entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
			return set.Kind().Rekeyed(*run, set.UpstreamSettings(), entries)
		},
	}
	return cfg, err
}

// Start is what a program was given about its run. One that leads is a tool for runs.
func Start(set config.Worker, leads bool) runs.Start {
	kind, _ := kinds.Of(set.Store)
	return runs.Start{
		Merged: set.AsRun(), Kinds: set.Kinds(), Leads: leads, Shared: !kind.File, AutoShard: set.AutoShard,
		Shards: set.Shards, ShardsOfKind: set.Kind().Shards(set.UpstreamSettings()), Scheduled: set.Scheduled,
		Defaults: runs.Defaults{
			Upstream: !set.Given("upstream"), Body: !set.Given("body"), Rate: !set.Given("rate"),
			Absent: set.Source("absent").Kind == config.FromDefault, Pack: set.Source("pack").Kind == config.FromDefault,
		},
	}
}

// Allowed are the losses that the settings allow.
func Allowed(set config.Worker) runs.Allowed {
	return runs.Allowed{Dead: set.MaxDead, Skipped: set.MaxSkipped, Rejected: set.MaxRejected, Missing: set.MaxMissing}
}
