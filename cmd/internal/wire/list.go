package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/fetch"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/upstream"
)

// isListing reports whether a corpus is what an upstream lists.
func (h *Harvester) isListing(uri string) bool {
	_, ok := h.set.Kinds().Lists(uri)
	return ok
}

// isChained reports whether a corpus is a listing in which --next finds where it continues.
func (h *Harvester) isChained(uri string) bool {
	_, ok := h.set.Kinds().Chained(uri)
	return ok
}

// listsPages tells whether the answers of a listing are the pages themselves.
func (h *Harvester) listsPages() bool {
	uri := h.run.Corpus
	if uri == "" {
		uri = h.set.Corpus
	}
	return h.isChained(uri) && h.set.Items == ""
}

// findSeeds says where the chains of the run's corpus begin.
func (h *Harvester) findSeeds(ctx context.Context) error {
	kind, _ := h.set.Kinds().Lists(h.run.Corpus)
	if kind.Listing.Seeds == nil {
		h.seeds = []string{h.run.Corpus}
		return nil
	}
	var since time.Time
	if h.run.Base != "" {
		err := h.patiently(ctx, "the store", unavailable, func() error {
			base, err := h.truth.FindRun(ctx, h.run.Base)
			since = base.OpenedAt
			return err
		})
		if h.opened {
			h.Say(fmt.Sprintf("{since} is %s, when run %s was opened", since.Format(time.DateTime+" MST"), h.run.Base))
		}
		if err != nil {
			return fmt.Errorf("the run before run %s, whose opening {since} stands for: %w", h.run.Name, err)
		}
	}
	if h.truth == nil { // to look
		since = time.Now().AddDate(0, -3, 0)
	}
	seeds, err := kind.Listing.Seeds(h.run.Corpus, since)
	if err != nil {
		return config.Usagef("--corpus %v", err)
	}
	h.seeds = seeds
	return nil
}

// baseOf is the run before a new one: the newest finished one of the same listing.
func baseOf(kinds upstream.Table, runs []harvest.Run, given harvest.Run) string {
	if !strings.Contains(given.Corpus, "{since}") {
		return ""
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool {
		return kinds.SameListing(run.Corpus, given.Corpus) && !run.FinishedAt.IsZero()
	})
	if at < 0 {
		return ""
	}
	return runs[at].Name
}

// lister gets ready to ask for the items that a listing names.
func (h *Harvester) lister() (listing.Lister, error) {
	if !h.isChained(h.run.Corpus) {
		return listing.Own{API: h.listings(), Caller: h.caller(), Guard: listing.NewGuard(h.suspicion, h.again, h.Log)}, nil
	}
	item, err := corpus.Items(h.set.URL)
	if err != nil {
		return nil, config.Usagef("%v", err)
	}
	caller := h.caller()
	caller.Witnesses = h.witnesses()
	return &listing.Items{
		API: h.listings(), Caller: caller, Doubt: listing.NewDoubt(h.set.NoCanary, h.run.Name, h.longest()), Item: item, Host: h.run.Host, Exposes: h.set.Exposes,
		Guard: listing.NewGuard(h.suspicion, h.again, h.Log),
	}, nil
}

// longest is what the store knows of the run's chains; nil where there is none.
func (h *Harvester) longest() listing.Longest {
	if h.truth == nil {
		return nil
	}
	return h.truth
}

// pagesOf is the walk of a listing whose answers are the pages.
func (h *Harvester) pagesOf(landed bool) *listing.Pages {
	caller := h.caller()
	caller.Witnesses, caller.Detail = h.witnesses(), reading{h.kind, h.client}.Detail
	return listing.NewPages(listing.Settings{
		Run: h.run.Name, Shard: h.set.Shard, Seeds: h.seeds, Abreast: h.set.Concurrency, Limit: h.tour.limit(h.set.Limit), NoCanary: h.set.NoCanary, Landed: landed, Short: h.shortListing(),
	}, listing.Parts{
		API: h.listings(), Caller: caller, Steps: h.truth, Longest: h.truth, Lease: h.lease, Again: h.again, Suspects: h.suspicion, Counters: h.tally, Log: h.Log, Say: h.Say,
	})
}

// listings gives a walk its API. No answer may show our credential.
func (h *Harvester) listings() listings { return listings{h.kind.Lister(h.run), h.client} }

type listings struct {
	api    upstream.Lister
	client *fetch.Client
}

// ListRequest implements listing.API.
func (l listings) ListRequest(seed, next string) (*harvest.Request, error) {
	request, err := l.api.ListRequest(seed, next)
	switch {
	case err != nil && next != "" && !errors.Is(err, upstream.ErrListing):
		return nil, fmt.Errorf("%w: %s: %w", listing.ErrBroken, harvest.Quote(seed), err)
	case err != nil:
		return nil, config.Usagef("%v", err)
	}
	return request, nil
}

// ReadList implements listing.API.
func (l listings) ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (harvest.Listed, string, harvest.Reading) {
	listed, then, read := l.api.ReadList(request, seed, step, answer, item)
	maskPage(l.client, &listed.Page)
	return listed, then, maskCause(l.client, read)
}
