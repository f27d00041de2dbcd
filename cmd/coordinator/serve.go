package main

import (
	"context"

	"shoal/cmd/internal/console"
	"shoal/cmd/internal/observe"
	"shoal/internal/config"
)

// serveAddr is where the page is found if no other address was given.
const serveAddr = "127.0.0.1:8080"

// servePage serves the page of all runs in the store until the first signal.
func (p *program) servePage(ctx context.Context, set config.Coordinator) error {
	p.gentle.Store(true)
	addr := set.StatusAddr
	if !set.Given("status-addr") {
		addr = serveAddr
	}
	if addr == "" {
		return config.Usagef("coordinator serve has nothing to do with --status-addr off: leave it out, or give an address")
	}
	page, err := observe.Page(observe.Settings{Store: set.Store, Redis: set.Redis, TokenFile: set.StatusToken, Allowed: set.CheckRate})
	if err != nil {
		return err
	}
	address, stop, err := console.ServeStatus(addr, set.MetricsToken, nil, nil, page)
	if err != nil {
		return err
	}
	defer stop()
	p.console.Say("the runs of the store are at " + address + " until Ctrl-C")
	select {
	case <-ctx.Done():
	case <-p.signals.Stop:
	}
	return nil
}
