package wire

import (
	"context"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// exchanges makes single attempts within the budget.
func (h *Harvester) exchanges() *exchange.Client {
	return &exchange.Client{Pace: pacing{h.pacer}, Fetch: h.fetching(), Policy: retryPolicy(h.set), Counters: h.tally}
}

// caller makes single requests within the budget.
func (h *Harvester) caller() exchange.Caller {
	return exchange.Caller{
		Client: h.exchanges(), Patience: h.set.Patience, MaxSilence: h.set.MaxSilence,
		Waiting: func(sentence string) { h.Say("the upstream: " + h.client.Mask(sentence)) },
	}
}

// witnesses are pages of the run that landed; nil where there is no store.
func (h *Harvester) witnesses() *exchange.Witnesses {
	if h.truth == nil {
		return nil
	}
	return exchange.NewWitnesses(func(ctx context.Context) []harvest.Item {
		items, err := h.truth.Landed(ctx, h.run.Name, 5)
		if err != nil && ctx.Err() == nil {
			h.Log.Warn("the store does not say what has landed", "error", err)
		}
		return items
	})
}

func (h *Harvester) fetching() fetching {
	f := fetching{client: h.client}
	if h.logsIn() {
		f.login = h.login
	}
	return f
}
