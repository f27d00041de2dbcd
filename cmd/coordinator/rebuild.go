package main

import (
	"context"
	"fmt"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
)

// rebuild fills the ledger from the store.
func (p *program) rebuild(ctx context.Context, set config.Coordinator) error {
	if set.Redis == "" {
		return config.Usagef("rebuild fills Redis from the store: add --redis redis://host:6379, or set REDIS_URL")
	}
	run, keys, err := wire.Rebuild(ctx, set.Redis, func() (*store.Store, harvest.Run, error) { return p.open(ctx, set, false) })
	if err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("run %s: %d keys marked in Redis from the store", run.Name, keys))
	return nil
}
