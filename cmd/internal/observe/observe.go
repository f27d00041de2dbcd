package observe

import (
	"context"
	"net/http"

	"shoal/cmd/internal/console"
	"shoal/internal/config"
	"shoal/internal/dashboard"
	"shoal/internal/status"
)

// Settings are what a page is made of.
type Settings struct {
	Store, Redis string // addresses
	TokenFile    string // that the page asks for; empty: none
	// Allowed refuses a rate that a host's own profile does not allow.
	Allowed func(host string, rate config.Rate) error
}

// Page returns the page over a store, for a status server.
func Page(set Settings) (console.StatusPage, error) {
	token, err := status.ReadToken(set.TokenFile)
	if err != nil {
		return nil, config.Usagef("--status-token: %v", err)
	}
	return func(life context.Context, local bool) (http.Handler, error) {
		src := &source{address: set.Store, speeds: map[string]*status.Speed{}}
		context.AfterFunc(life, func() { _ = src.close() })
		o := dashboard.Options{Source: src, Items: src, Orders: orders{set.Store, set.Redis, set.Allowed}, Token: token, Version: console.Version()}
		if !local && token == "" {
			o.Closed = "This page shows what was harvested, and other machines reach this address: give the program --status-token FILE, and log in here with that token."
		}
		return dashboard.New(life, o)
	}, nil
}
