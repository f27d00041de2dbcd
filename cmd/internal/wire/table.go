package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/upstream/mediawiki"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// enumerated is a corpus that is read from the run's corpus table, which fills while it is read.
type enumerated struct {
	host  string
	ctx   context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
	table *coordinator.Table
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
	host := harvest.HostOf(h.set.API)
	switch {
	case isPartnerListing(h.set.Corpus):
		if host, err = h.listingHost(); err != nil {
			return err
		}
	case isListing(h.set.Corpus):
		if h.set.Upstream != config.Mediawiki {
			return config.Usagef("--corpus %s: which wiki? Add --api https://wiki.example/w/api.php", h.set.Corpus)
		}
		if _, err := mediawiki.ParseListing(h.set.Corpus); err != nil {
			return config.Usagef("--corpus %s: %v", h.set.Corpus, err)
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
	listed, isList := strings.CutPrefix(h.set.Corpus, plain.ListScheme)
	switch {
	case isList:
		return listed
	case h.set.API+h.set.URL != "":
		return h.set.API + h.set.URL
	}
	return "https://" + host
}

// fillTable says what fills the corpus table: this worker, if it has the whole run, else coordinator enumerate.
func (h *Harvester) fillTable(ctx context.Context) {
	e, ok := h.source.(*enumerated)
	if !ok {
		return
	}
	e.ctx = ctx
	e.table = h.table()
	if isListing(h.run.Corpus) && h.set.Shard.Of == 1 && h.run.Shards == 0 { // else whoever leads the run does
		e.table.Lister = h.listing()
	}
}

// table is the run's corpus table.
func (h *Harvester) table() *coordinator.Table {
	return &coordinator.Table{
		Chains: chains{h.truth}, Run: h.run.Name, Seeds: h.seeds, Patience: h.set.Patience, Source: h.tableSource(), Say: h.Say, Short: h.shortListing(), Abreast: h.set.Concurrency,
		Again: func(ctx context.Context, do func() error) error {
			return h.patiently(ctx, "the store", unavailable, do)
		},
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

// listing enumerates the run's corpus from its upstream. A wiki's logs of a day repeat the discussions of that day.
func (h *Harvester) listing() coordinator.Lister {
	if isPartnerListing(h.run.Corpus) {
		return h.itemLister()
	}
	parse := mediawiki.ParseListing
	if h.run.Titles == "" {
		parse = mediawiki.FormerListing
	}
	what, _ := parse(h.run.Corpus) // openTable has read it
	l := listing{caller: h.caller(), wiki: h.kind.wiki, what: what}
	if h.run.Extract == config.Afd {
		l.skip = "Articles for deletion/Log/"
	}
	return l
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
	if _, ok := h.source.(*enumerated); ok && isListing(h.run.Corpus) {
		table.Lister = h.listing()
	} else {
		stream := coordinator.NewStream(h.source.Entries())
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
	if !isListing(h.run.Corpus) {
		return nil
	}
	return h.interruptible(ctx, h.openRedis, h.openUpstream, h.introduceOurselves)
}

// fill shows how the table grows.
func (h *Harvester) fill(ctx context.Context, table *coordinator.Table) error {
	items, told := 0, time.Now()
	err := table.Fill(ctx, func(n int) {
		items += n
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			h.Say(fmt.Sprintf("%d items enumerated", items))
		}
	})
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	total, sizeErr := h.truth.CorpusSize(context.WithoutCancel(ctx), h.run.Name)
	if sizeErr == nil {
		h.Say(fmt.Sprintf("run %s: %d items enumerated now, %d in all", h.run.Name, items, total))
	}
	if err == nil && sizeErr == nil && total == 0 {
		return fmt.Errorf("run %s: %w", h.run.Name, coordinator.ErrEmpty)
	}
	if errors.Is(err, worker.ErrStopped) {
		h.Say("the same command continues from here")
	}
	return err
}

// walked is a listing whose answers are the pages, as a corpus to compare with: the steps of chains that have ended.
type walked struct {
	h   *Harvester
	ctx context.Context //nolint:containedctx // of the whole pass, as an https corpus has one
}

func (w *walked) Host() string      { return w.h.run.Host }
func (w *walked) Close() error      { return nil }
func (w *walked) Fraction() float64 { return 0 }

func (w *walked) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		line := int64(0)
		for _, seed := range w.h.seeds {
			chain, err := w.h.truth.Chain(w.ctx, w.h.run.Name, seed)
			if err == nil && !chain.Done {
				err = fmt.Errorf("%w: the listing %s has come to step %d and not to its end", worker.ErrIncomplete, harvest.Quote(seed), chain.Step)
			}
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			for step := int64(1); step <= chain.Step; step++ {
				line++
				if !yield(harvest.Entry{Item: harvest.Item{Key: harvest.StepKey(seed, step), Line: line}}, nil) {
					return
				}
			}
		}
	}
}
