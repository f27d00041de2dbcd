package observe

import (
	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/status"
)

// Serve opens --status-addr for a program that works on a run, and returns its address for a
// person. timings are those of the process; nil for none. The page shows URLs and answers, which a
// default address would show to every user of the machine: it is served where the operator named an
// address or a token.
func Serve(set config.Worker, last *console.Watched, timings *status.Timings) (address string, stop func(), err error) {
	var page console.StatusPage
	if set.Given("status-addr") || set.StatusToken != "" {
		page, err = Page(Settings{Store: set.Store, Redis: set.Redis, TokenFile: set.StatusToken, Allowed: set.CheckRate})
		if err != nil {
			return "", nil, err
		}
	}
	return console.ServeStatus(set.StatusAddr, set.MetricsToken, last, timings, page)
}
