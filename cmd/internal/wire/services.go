package wire

import (
	"context"
	"errors"

	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/pace"
	"shoal/internal/store"
	"shoal/internal/store/stores"

	"github.com/redis/go-redis/v9"
)

// OpenStore opens a store for a command about runs: it is to be there. readOnly neither migrates
// nor writes.
func OpenStore(ctx context.Context, address string, readOnly bool) (*store.Store, error) {
	return stores.Open(ctx, address, store.Options{Application: "shoal coordinator", Version: console.Version(), ReadOnly: readOnly, Existing: true})
}

// Schema returns the tables of a store as SQL.
func Schema(address string) string { return stores.Schema(address) }

// SharedPace is a pace that workers of one process share.
func SharedPace() pace.Backend { return pace.NewLocal() }

// Order carries an order to the pace that a fleet shares in Redis.
func Order(address string, do func(setter control.RateSetter) error) error {
	return withRedis(address, func(client redis.UniversalClient) error { return do(pace.NewRedis(client)) })
}

// DropKeys removes the keys of a run from Redis.
func DropKeys(ctx context.Context, address string, run harvest.Run) error {
	return withRedis(address, func(client redis.UniversalClient) error {
		return ledger.New(client, run.Name, run.BucketBits).DropRun(ctx)
	})
}

// Rebuild fills the sets of Redis anew from the store, which is opened once Redis is known to be
// safe.
func Rebuild(ctx context.Context, address string, open func() (*store.Store, harvest.Run, error)) (run harvest.Run, keys int64, err error) {
	err = withRedis(address, func(client redis.UniversalClient) error {
		if err := ledger.Check(ctx, client); err != nil {
			return err
		}
		from, found, err := open()
		if err != nil {
			return err
		}
		run = found
		keys, err = ledger.New(client, run.Name, run.BucketBits).Rebuild(ctx, from)
		return errors.Join(err, from.Close())
	})
	return run, keys, err
}

// withRedis opens Redis for one command.
func withRedis(address string, do func(client redis.UniversalClient) error) error {
	options, err := pace.ClientOptions(address)
	if err != nil {
		return config.Usagef("%v", err)
	}
	client := pace.NewClient(options)
	return errors.Join(do(client), client.Close())
}
