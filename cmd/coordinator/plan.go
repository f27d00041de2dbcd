package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
)

// plan prints what a run would cost.
func (p *program) plan(ctx context.Context, set config.Worker) error {
	env := p.env(set)
	defer p.console.Close()
	plan, err := wire.Plan(ctx, env, set)
	if err != nil {
		return err
	}
	if set.JSON {
		return p.printJSON(plan)
	}
	_, err = fmt.Fprint(p.out, planText(plan))
	return err
}

// planText is a plan for people.
func planText(p coordinator.Plan) string {
	text := harvest.Linef("run %s on %s, in %d shards\n", p.Run, p.Host, p.Shards)
	line := func(name, format string, args ...any) {
		text += fmt.Sprintf("  %-10s", name) + harvest.Linef(format, args...) + "\n"
	}
	if p.Items == 0 {
		line("items", "unknown before the corpus is enumerated")
	} else {
		line("items", "%s, of which %s have ended already, %s lines are not items", humanize.Comma(p.Items), humanize.Comma(p.Done), humanize.Comma(p.Rejected))
		line("requests", "%s, for up to %d items each", humanize.Comma(p.Requests), p.PerRequest)
		line("time", "%s at %g/s; more workers do not help, they make it available", (time.Duration(p.Seconds) * time.Second).String(), p.Budget)
		line("redis", "about %s", humanize.IBytes(uint64(p.RedisBytes)))
	}
	if p.Chains > 0 {
		longest := "unknown until a run has walked them"
		if p.LongestChain > 0 {
			longest = fmt.Sprintf("the longest of %d steps in the last run: about %s, whatever the budget", p.LongestChain, (time.Duration(p.ChainSeconds) * time.Second).String())
		}
		line("chains", "%d chains, %s; more seeds make shorter ones", p.Chains, longest)
	}
	switch {
	case p.BytesPerItem > 0:
		line("store", "about %s: %s an item, as in run %s", humanize.IBytes(uint64(p.StoreBytes)), humanize.IBytes(uint64(p.BytesPerItem)), p.Like)
	default:
		line("store", "unknown: no run of this host is in the store yet; worker --try shows the size of some answers")
	}
	for _, warning := range p.Warnings {
		line("warning", "%s", warning)
	}
	return text
}
