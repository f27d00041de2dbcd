package console

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// Watched is the progress of the latest Env.Watch; empty before there is any.
type Watched = atomic.Pointer[func() harvest.Progress]

// StatusPage makes the page of a status server.
type StatusPage = func(life context.Context, local bool) (http.Handler, error)

// ServeStatus opens --status-addr, if it is set, and returns its address for a person. tokenFile
// holds the token that /metrics requires; empty for none. last is nil in a process that works on no
// run, which is always ready. timings are those of the process; nil for none. page is shown at /;
// nil for none.
func ServeStatus(addr, tokenFile string, last *Watched, timings *status.Timings, page StatusPage) (address string, stop func(), err error) {
	if addr == "" {
		return "", func() {}, nil
	}
	token, err := status.ReadToken(tokenFile)
	if err != nil {
		return "", nil, config.Usagef("--metrics-token: %v", err)
	}
	server, err := status.ServeOptions(addr, status.Options{
		Token: token, Get: func() harvest.Progress { return Last(last) }, Ready: func() error { return atWork(last) }, Timings: timings, Page: page,
	})
	if err != nil {
		return "", nil, config.Usagef("%v", err)
	}
	path := "/metrics"
	if page != nil {
		path = "/"
	}
	return server.URL() + path, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Close(ctx)
	}, nil
}

// Last returns the progress at this moment; that of no run before there is any.
func Last(last *Watched) harvest.Progress {
	if last == nil {
		return harvest.Progress{Now: time.Now()}
	}
	if get := last.Load(); get != nil {
		return (*get)()
	}
	return harvest.Progress{Now: time.Now()}
}

// atWork returns why there is no progress: there is no run or shard yet, or a service of ours does
// not respond. A silence that the upstream asks for is normal work.
func atWork(last *Watched) error {
	if last == nil {
		return nil
	}
	get := last.Load()
	if get == nil {
		return errors.New("it waits for a store, a run, a shard or the leader")
	}
	if limit := (*get)().Limit; limit == harvest.LimitStore || limit == harvest.LimitPace {
		return errors.New("it waits for " + string(limit))
	}
	return nil
}
