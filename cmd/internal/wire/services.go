package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"shoal/internal/config"
	"shoal/internal/fetch"
	"shoal/internal/ledger"
	"shoal/internal/pace"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/worker"
)

// patiently repeats what a dependency that is away makes fail.
func (h *Harvester) patiently(ctx context.Context, what string, temporary func(error) bool, do func() error) error {
	return worker.Patience{Limit: h.set.Patience, Say: h.Say}.Retry(ctx, what, temporary, do)
}

func unavailable(err error) bool { return errors.Is(err, store.ErrUnavailable) }

func (h *Harvester) openStore(ctx context.Context) error {
	options := store.Options{Application: "shoal worker " + h.shardText(), Version: h.Version, Existing: h.looks}
	if h.leads {
		options.Application = "shoal coordinator"
	}
	return h.patiently(ctx, "the store", unavailable, func() (err error) {
		h.truth, err = stores.Open(ctx, h.set.Store, options)
		if err != nil {
			return err
		}
		h.onClose(h.truth.Close)
		for _, sentence := range h.truth.Warnings {
			h.Say("warning: " + sentence)
		}
		return nil
	})
}

// checkExpressions compiles them.
func (h *Harvester) checkExpressions(context.Context) error {
	if compile := h.set.Kind().Compile; compile != nil {
		if err := compile(h.set.UpstreamSettings()); err != nil {
			return config.Usagef("%v", err)
		}
	}
	return nil
}

// checkUpstream compiles the expressions and reads credentials and certificates,
// so that a mistyped one opens no run.
func (h *Harvester) checkUpstream(ctx context.Context) error {
	if err := h.checkExpressions(ctx); err != nil {
		return err
	}
	client, err := fetch.New(fetchConfig(h.set, "", h.set.Corpus), h.Log)
	if err != nil {
		return config.Usagef("%v", err)
	}
	return client.Close()
}

// openRedis checks the server that keeps the budget and the ledger.
func (h *Harvester) openRedis(ctx context.Context) error {
	if h.set.Redis == "" {
		return nil
	}
	options, err := pace.ClientOptions(h.set.Redis)
	if err != nil {
		return config.Usagef("%v", err)
	}
	if err := pace.TrustCA(options, h.set.CA); err != nil {
		return config.Usagef("%v", err)
	}
	client := pace.NewClient(options)
	h.onClose(client.Close)
	h.redis = client
	away := func(err error) bool { return !errors.Is(err, pace.ErrUnsafeRedis) && !errors.Is(err, ledger.ErrUnsafe) }
	return h.patiently(ctx, "Redis", away, func() error {
		if err := pace.CheckRedis(ctx, client, h.run.Host); err != nil {
			return err
		}
		return ledger.Check(ctx, client)
	})
}

// claim takes the shard. It may wait for its owner for hours, and patience is
// for a store that is away: each try that was heard of begins anew.
func (h *Harvester) claim(ctx context.Context) error {
	for {
		began := time.Now()
		err := h.takeShard(ctx)
		if !errors.Is(err, worker.ErrPatience) || time.Since(began) < 2*h.set.Patience {
			return err
		}
	}
}

func (h *Harvester) takeShard(ctx context.Context) error {
	return h.patiently(ctx, "the store", unavailable, func() (err error) {
		claim := store.Claim{Run: h.run.Name, Shard: h.set.Shard, Owner: owner(), NoWait: h.set.NoWait, Waiting: h.Say}
		var lease *store.Lease
		if h.set.AutoShard {
			claim.Shard.Of = h.run.Shards
			lease, h.set.Shard, err = h.truth.ClaimAny(ctx, claim)
		} else {
			lease, err = h.truth.Claim(ctx, claim)
		}
		if err == nil {
			h.lease = lease
			h.onClose(func() error {
				ctx, cancel := context.WithTimeout(context.Background(), lastWord)
				defer cancel()
				return lease.Release(ctx)
			})
		}
		return err
	})
}

// owner leads a person to the process: host and process id.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}
