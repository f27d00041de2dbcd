package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// enumerated is a corpus that is read from the run's corpus table, which fills while it is read.
type enumerated struct {
	host  string
	ctx   context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
	table *listing.Table
}

func (e *enumerated) Host() string { return e.host }
func (e *enumerated) Close() error { return nil }

func (e *enumerated) Fraction() float64 {
	if e.table == nil {
		return 0
	}
	return e.table.Fraction()
}

func (e *enumerated) Entries() iter.Seq2[harvest.Entry, error] { return e.table.Entries(e.ctx) }

// openTable opens the corpus table as the corpus. What fills it is known when the run is.
func (h *Harvester) openTable(ctx context.Context) (err error) {
	var host string
	kind, isListing := h.set.Kinds().Lists(h.set.Corpus)
	switch {
	case isListing && kind.Name != h.set.Upstream:
		return config.Usagef("--corpus %s: which %s? Add --api %s", h.set.Corpus, kind.Noun, kind.API)
	case isListing:
		if host, err = kind.Listing.Host(h.set.UpstreamSettings()); err != nil {
			return config.Usagef("%v", err)
		}
	case h.truth == nil:
		return config.Usagef("--corpus store: is the corpus table of a run, and the store has none: open the run with another --corpus first")
	default:
		run, err := h.findRun(ctx, harvest.Inputs{Corpus: harvest.StoreCorpus})
		if err != nil {
			return config.Usagef("--corpus store: is the corpus table of a run: %v; open one with another --corpus first", err)
		}
		host = run.Host
		h.set.Run = run.Name
		h.adoptAPI(run)
	}
	h.source = &enumerated{host: host, ctx: ctx}
	if h.set, err = h.set.ForHost(host); err != nil {
		return err
	}
	return h.set.CheckCredential(h.tableOrigin(host))
}

// tableOrigin is a URL of the upstream of a corpus table.
func (h *Harvester) tableOrigin(host string) string {
	listed, chained := h.set.Kinds().Chained(h.set.Corpus)
	switch {
	case chained:
		return listed
	case h.set.API+h.set.URL != "":
		return h.set.API + h.set.URL
	}
	return "https://" + host
}

// fillTable says what fills the corpus table: this worker, if it has the whole run, else coordinator enumerate.
func (h *Harvester) fillTable(ctx context.Context) (err error) {
	e, ok := h.source.(*enumerated)
	if !ok {
		return nil
	}
	e.ctx = ctx
	e.table = h.table()
	if h.isListing(h.run.Corpus) && h.set.Shard.Of == 1 && h.run.Shards == 0 { // else whoever leads the run does
		e.table.Lister, err = h.lister()
	}
	return err
}

// table is the run's corpus table.
func (h *Harvester) table() *listing.Table {
	return &listing.Table{
		Chains: chains{h.truth}, Run: h.run.Name, Seeds: h.seeds, Patience: h.set.Patience, Source: h.tableSource(), Say: h.Say, Short: h.shortListing(), Abreast: h.set.Concurrency,
		Again: h.again,
	}
}

// shortListing is what to say where no listing went on.
func (h *Harvester) shortListing() string {
	if h.set.Next == "" || h.set.Next == plain.NextNone {
		return ""
	}
	return "every listing ended with its first answer: is --next right? --try shows the next step of a listing"
}

// tableSource is the command that brings the rest of the run's corpus into its table.
func (h *Harvester) tableSource() string {
	command := "coordinator enumerate"
	if h.run.Shards > 0 {
		command = "coordinator run"
	}
	if h.run.Corpus == "-" {
		return fmt.Sprintf("%s --run %s --corpus -, with the same lines on its standard input", command, h.run.Name)
	}
	return command + " --run " + h.run.Name
}

// Enumerate opens the run and fills its corpus table to the end, without a shard.
func Enumerate(ctx context.Context, env Env, set config.Worker) error {
	h := newHarvester(env, set)
	life, end := h.untilStopped(ctx, 0)
	defer h.close()
	defer end()
	steps := []func(context.Context) error{h.checkExpressions, h.openStore, h.adoptTemplate, h.openNamedCorpus, h.openRunsCorpus, h.openRun, h.findSeeds, h.takeOrders, h.openAsker}
	if err := h.interruptible(life, steps...); err != nil {
		return err
	}
	if h.listsPages() {
		return config.Usagef("--corpus list: without --items has nothing to enumerate: its answers are the pages, which workers fetch")
	}
	table := h.table()
	if _, ok := h.source.(*enumerated); ok && h.isListing(h.run.Corpus) {
		lister, err := h.lister()
		if err != nil {
			return err
		}
		table.Lister = lister
	} else {
		stream := listing.NewStream(h.source.Entries())
		defer stream.Close()
		table.Lister = stream
	}
	out, err := h.ordered(Outcome{}, h.fill(life, table))
	if out.Ordered != "" {
		h.Say(fmt.Sprintf("stopped by order of %s; coordinator resume --run %s ends that", out.Ordered, h.run.Name))
	}
	return err
}

// openAsker gets ready to ask the upstream for what it lists. A file needs neither a credential nor Redis.
func (h *Harvester) openAsker(ctx context.Context) error {
	if !h.isListing(h.run.Corpus) {
		return nil
	}
	return h.interruptible(ctx, h.openRedis, h.openUpstream, h.introduceOurselves)
}

// fill fills the run's table.
func (h *Harvester) fill(ctx context.Context, table *listing.Table) error {
	err := table.Enumerate(ctx, func(ctx context.Context) (int64, error) { return h.truth.CorpusSize(ctx, h.run.Name) })
	if errors.Is(err, worker.ErrStopped) {
		h.Say("the same command continues from here")
	}
	return err
}

// walked is a listing whose answers are the pages, as a corpus to compare with.
type walked struct {
	h   *Harvester
	ctx context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
}

func (w *walked) Host() string      { return w.h.run.Host }
func (w *walked) Close() error      { return nil }
func (w *walked) Fraction() float64 { return 0 }

func (w *walked) Entries() iter.Seq2[harvest.Entry, error] {
	return listing.Walked(w.ctx, w.h.truth, w.h.run.Name, w.h.seeds)
}
