package console

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// Watched is the progress that Env.Watch was last told of; empty before there is any.
type Watched = atomic.Pointer[func() harvest.Progress]

// ServeStatus opens --status-addr, if asked for, and says where it was bound.
// tokenFile holds the token that /metrics asks for; empty for none.
func ServeStatus(addr, tokenFile string, last *Watched) (address string, stop func(), err error) {
	if addr == "" {
		return "", func() {}, nil
	}
	token, err := status.ReadToken(tokenFile)
	if err != nil {
		return "", nil, config.Usagef("--metrics-token: %v", err)
	}
	server, err := status.ServeGuarded(addr, token, func() harvest.Progress {
		if get := last.Load(); get != nil {
			return (*get)()
		}
		return harvest.Progress{Now: time.Now()}
	}, func() error { return atWork(last) })
	if err != nil {
		return "", nil, config.Usagef("%v", err)
	}
	return "http://" + server.Addr() + "/metrics", func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Close(ctx)
	}, nil
}

// atWork says why nothing goes on: there is no run or shard yet, or a service of ours takes nothing. What the upstream
// asks for is work as it should be.
func atWork(last *Watched) error {
	get := last.Load()
	if get == nil {
		return errors.New("it waits for a store, a run, a shard or whoever leads")
	}
	if limit := (*get)().Limit; limit == harvest.LimitStore || limit == harvest.LimitPace {
		return errors.New("it waits for " + string(limit))
	}
	return nil
}
