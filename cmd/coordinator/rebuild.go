package main

import (
	"context"
	"errors"
	"fmt"

	"shoal/internal/config"
	"shoal/internal/ledger"
	"shoal/internal/pace"
)

// rebuild gives the run a new generation and fills the ledger's sets for it. The
// new generation comes first: from then on no worker believes the old sets.
func (p *program) rebuild(ctx context.Context, set config.Coordinator) (err error) {
	if set.Redis == "" {
		return config.Usagef("rebuild fills Redis from the store: add --redis redis://host:6379, or set REDIS_URL")
	}
	options, err := pace.ClientOptions(set.Redis)
	if err != nil {
		return config.Usagef("%v", err)
	}
	client := pace.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := ledger.Check(ctx, client); err != nil {
		return err
	}
	truth, run, err := p.open(ctx, set, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, truth.Close()) }()
	old, err := truth.Fingerprint(ctx, run.Name)
	if err != nil {
		return err
	}
	if err := truth.NewGeneration(ctx, run.Name); err != nil {
		return err
	}
	fresh, err := truth.Fingerprint(ctx, run.Name)
	if err != nil {
		return err
	}
	sets := ledger.New(client, run.Name, run.BucketBits)
	keys, err := ledger.Refill(ctx, sets, fresh, truth.Keys(ctx, run.Name))
	if err != nil {
		return fmt.Errorf("refill the ledger of run %s: %w", run.Name, err)
	}
	if err := sets.Drop(ctx, old); err != nil {
		return fmt.Errorf("drop the old ledger of run %s: %w", run.Name, err)
	}
	p.console.Say(fmt.Sprintf("run %s: %d keys marked in Redis from the store", run.Name, keys))
	return nil
}
