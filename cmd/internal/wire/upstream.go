package wire

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/memory"
	"shoal/internal/upstream"
	"shoal/internal/worker"
)

// openKind makes the upstream that the settings name.
func openKind(set config.Worker, aside upstream.Aside) (upstream.Open, error) {
	kind, err := set.Kind().Open(set.UpstreamSettings(), upstream.Tools{Aside: aside, MaxYield: int(memory.Share(1).Yield)})
	if err != nil {
		return kind, config.Usagef("%v", err)
	}
	return kind, nil
}

// Extractor makes records of a stored body by the expression, or by the parser, that spec names.
func Extractor(kinds upstream.Table, run harvest.Run, spec string) (extract func(body []byte) ([]harvest.Record, error), done func() error, err error) {
	kind, ok := kinds.Find(run.Upstream)
	if !ok {
		return nil, nil, unknownKind(kinds, run)
	}
	jobs, err := newJobs()
	if err != nil {
		return nil, nil, err
	}
	if extract, err = kind.Extractor(run, spec, upstream.Tools{Aside: jobs}); err != nil {
		return nil, nil, config.Usagef("%v", err)
	}
	return extract, jobs.pool.Close, nil
}

// unknownKind is the error of a run that another version of the program has opened.
func unknownKind(kinds upstream.Table, run harvest.Run) error {
	return config.Usagef("run %s is of the upstream %s, and this version knows %s", run.Name, harvest.Quote(run.Upstream), strings.Join(kinds.Names(), ", "))
}

// readLines has the kind of upstream read the corpus where that is its own affair. Its items are all on the host of --api.
func (h *Harvester) readLines(cfg *corpus.Config) error {
	if h.set.Kind().Lines == nil {
		return nil
	}
	lines, err := h.set.Kind().Lines(h.set.UpstreamSettings())
	if err != nil {
		return config.Usagef("%v", err)
	}
	cfg.Hosts, cfg.URI, cfg.Line, cfg.Text = nil, lines.URI, lines.Line, lines.Text
	return nil
}

// keyed is a corpus with keys as the run makes them.
type keyed struct {
	source

	h *Harvester
}

// Entries implements worker.Corpus. The run is known by now, which it was not when the corpus was opened.
func (k keyed) Entries() iter.Seq2[harvest.Entry, error] {
	entries := k.source.Entries()
	if rekey := k.h.set.Kind().Rekey; rekey != nil {
		return rekey(k.h.run, k.h.set.UpstreamSettings(), entries)
	}
	return entries
}

// logsIn reports whether the credential needs a login.
func (h *Harvester) logsIn() bool {
	return h.kind.Session != nil && h.set.Kind().LogsIn(h.set.Auth.Kind)
}

// introduceOurselves logs in where that takes a login, and asks an upstream that knows us what it grants us.
func (h *Harvester) introduceOurselves(ctx context.Context) error {
	if h.kind.Session == nil || h.set.Auth.Kind == "" {
		return nil
	}
	if h.logsIn() {
		if err := h.login(ctx); err != nil {
			return err
		}
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	caller := h.caller()
	caller.Proven = totals.Landed > 0
	sentence, err := h.kind.Session.Introduce(ctx, asker{&caller})
	if err == nil && sentence != "" {
		h.Say(sentence)
	}
	return err
}

// login gets a session for the credential, by requests that take a permit each.
func (h *Harvester) login(ctx context.Context) error {
	caller := h.caller()
	caller.Client.Fetch = fetching{client: h.client}
	caller.Proven = h.worker != nil // it has begun to harvest
	h.client.Forget()
	return h.kind.Session.Login(ctx, asker{&caller}, h.set.Auth.User, func() (string, error) {
		secret, err := h.client.Secret()
		if err != nil {
			return "", fmt.Errorf("%w: log in: %w", worker.ErrRefused, err)
		}
		return secret, nil
	})
}

// asker makes the requests of a session.
type asker struct{ caller *exchange.Caller }

// Call implements upstream.Asker.
func (a asker) Call(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error {
	_, err := a.caller.Call(ctx, request, read)
	return err
}

// Once implements upstream.Asker.
func (a asker) Once(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error {
	policy := &a.caller.Client.Policy
	defer func(retries int) { policy.Retries = retries }(policy.Retries)
	policy.Retries = 0
	return a.Call(ctx, request, read)
}
