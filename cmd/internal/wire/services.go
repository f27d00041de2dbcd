package wire

import (
	"context"
	"errors"
	"fmt"

	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/pace"
	"shoal/internal/store"
	"shoal/internal/store/stores"
)

// OpenStore opens a store for a command about runs: it is to be there. readOnly neither migrates nor writes.
func OpenStore(ctx context.Context, address string, readOnly bool) (*store.Store, error) {
	return stores.Open(ctx, address, store.Options{Application: "shoal coordinator", Version: console.Version(), ReadOnly: readOnly, Existing: true})
}

// Schema returns the tables of a store as SQL.
func Schema(address string) string { return stores.Schema(address) }

// SharedPace is a pace that workers of one process share.
func SharedPace() pace.Backend { return pace.NewLocal() }

// Order carries an order to the pace that a fleet shares in Redis.
func Order(redis string, do func(setter control.RateSetter) error) error {
	options, err := pace.ClientOptions(redis)
	if err != nil {
		return err
	}
	client := pace.NewClient(options)
	return errors.Join(do(pace.NewRedis(client)), client.Close())
}

// DropKeys removes the keys of a run from Redis.
func DropKeys(ctx context.Context, redis string, run harvest.Run) (err error) {
	options, err := pace.ClientOptions(redis)
	if err != nil {
		return config.Usagef("%v", err)
	}
	client := pace.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	return ledger.New(client, run.Name, run.BucketBits).DropRun(ctx)
}

// Rebuild gives the run a new generation and fills the sets of Redis for it. The new generation comes first: from then on
// no worker believes the old sets.
func Rebuild(ctx context.Context, redis string, open func() (*store.Store, harvest.Run, error)) (run harvest.Run, keys int64, err error) {
	options, err := pace.ClientOptions(redis)
	if err != nil {
		return run, 0, config.Usagef("%v", err)
	}
	client := pace.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := ledger.Check(ctx, client); err != nil {
		return run, 0, err
	}
	from, run, err := open()
	if err != nil {
		return run, 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	old, err := from.Fingerprint(ctx, run.Name)
	if err != nil {
		return run, 0, err
	}
	if err := from.NewGeneration(ctx, run.Name); err != nil {
		return run, 0, err
	}
	fresh, err := from.Fingerprint(ctx, run.Name)
	if err != nil {
		return run, 0, err
	}
	sets := ledger.New(client, run.Name, run.BucketBits)
	if keys, err = ledger.Refill(ctx, sets, fresh, from.Keys(ctx, run.Name)); err != nil {
		return run, keys, fmt.Errorf("refill the ledger of run %s: %w", run.Name, err)
	}
	if err := sets.Drop(ctx, old); err != nil {
		return run, keys, fmt.Errorf("drop the old ledger of run %s: %w", run.Name, err)
	}
	return run, keys, nil
}
