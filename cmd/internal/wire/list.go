package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/upstream/plain"
)

// isListing tells whether a corpus is what the upstream lists.
func isListing(uri string) bool { return strings.HasPrefix(uri, wikiScheme) || isPartnerListing(uri) }

// isPartnerListing tells whether a corpus is list:URL.
func isPartnerListing(uri string) bool { return strings.HasPrefix(uri, plain.ListScheme) }

// listsPages tells whether the answers of a listing are the pages themselves.
func (h *Harvester) listsPages() bool {
	uri := h.run.Corpus
	if uri == "" {
		uri = h.set.Corpus
	}
	return isPartnerListing(uri) && h.set.Items == ""
}

// listingHost is the host of a listing, which is that of its items too.
func (h *Harvester) listingHost() (string, error) {
	seeds, err := plain.ParseListing(h.set.Corpus, time.Now()) // the instant is known when the run is
	if err != nil {
		return "", config.Usagef("--corpus %v", err)
	}
	host := harvest.HostOf(seeds[0])
	if of := harvest.HostOf(h.set.URL); h.set.URL != "" && of != host {
		return "", config.Usagef("--corpus lists what is on %s, and --url is on %s: one run is about one host", host, of)
	}
	return host, nil
}

// findSeeds says where the chains of the run's corpus begin.
func (h *Harvester) findSeeds(ctx context.Context) error {
	if !isPartnerListing(h.run.Corpus) {
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
	seeds, err := plain.ParseListing(h.run.Corpus, since)
	if err != nil {
		return config.Usagef("--corpus %v", err)
	}
	h.seeds = seeds
	return nil
}

// sameListing tells whether two corpora list the same: by the address without its query, where {since} comes and goes.
func sameListing(a, b string) bool {
	a, _, _ = strings.Cut(a, "?")
	b, _, _ = strings.Cut(b, "?")
	return isPartnerListing(a) && a == b
}

// baseOf is the run before a new one: the newest finished one of the same listing.
func baseOf(runs []harvest.Run, given harvest.Run) string {
	if !strings.Contains(given.Corpus, "{since}") {
		return ""
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return sameListing(run.Corpus, given.Corpus) && !run.FinishedAt.IsZero() })
	if at < 0 {
		return ""
	}
	return runs[at].Name
}

// refusedCursor tells whether an answer says that a step after the first is not known any more.
func refusedCursor(r *exchange.Refused, at harvest.Chain) bool {
	return at.Step > 1 && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}, r.Verdict.Status)
}

// itemLister enumerates the items that a listing names, a request a step.
type itemLister struct {
	h      *Harvester
	caller exchange.Caller
	served served
	sights sights
	doubt  *coordinator.Doubt
}

func (h *Harvester) itemLister() *itemLister {
	l := &itemLister{h: h, caller: h.caller(), doubt: h.doubt()}
	l.caller.Served = l.served.since
	l.caller.Witnesses = h.witnesses()
	return l
}

// served is when an answer was last what we expect; zero before.
type served struct{ nanos atomic.Int64 }

func (s *served) now() { s.nanos.Store(time.Now().UnixNano()) }

// before notes that some was, in an earlier start.
func (s *served) before() { s.nanos.CompareAndSwap(0, 1) }

func (s *served) since(t time.Time) bool {
	at := s.nanos.Load()
	return at > 0 && (t.IsZero() || at > t.UnixNano())
}

// List implements coordinator.Lister.
func (l *itemLister) List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error) {
	if at.Next != "" {
		l.served.before()
	}
	item, err := corpus.Items(l.h.set.URL)
	if err != nil {
		return nil, "", config.Usagef("%v", err)
	}
	request, err := l.h.listRequest(at)
	if err != nil {
		return nil, "", err
	}
	onHost := func(text string) (harvest.Item, error) {
		made, err := item(text)
		if err == nil && l.h.set.Exposes(made.URL) {
			err = fmt.Errorf("%s is plain http, and the credential would travel with it", harvest.Quote(made.URL))
		}
		if err == nil && harvest.HostOf(made.URL) != l.h.run.Host {
			err = fmt.Errorf("%s is not on %s", harvest.Quote(made.URL), l.h.run.Host)
		}
		return made, err
	}
	more := ""
	_, err = l.caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := l.h.kind.api.ReadList(request, at.Seed, at.Step, answer, onHost)
		entries, then, more = listed.Entries, after, listed.More
		l.sights.see(at.Seed, listed.Sight)
		return maskCause(l.h.client, read)
	})
	refused, ok := errors.AsType[*exchange.Refused](err)
	switch {
	case err == nil:
		l.served.now()
		err = l.doubt.Step(ctx, request.URL, then, more)
	case ok && refusedCursor(refused, at):
		err = fmt.Errorf("%w: %w", coordinator.ErrCursor, err)
	case ok:
		err = fmt.Errorf("%w: %w", coordinator.ErrBroken, err)
	}
	return entries, then, err
}

// Observed implements coordinator.Observer.
func (l *itemLister) Observed(seed string) string { return l.sights.of(seed) }

// Release implements coordinator.Releaser.
func (l *itemLister) Release(ctx context.Context) bool { return l.doubt.Release(ctx) }

// doubt is about --next: it is right where some chain of the run has taken a second step.
func (h *Harvester) doubt() *coordinator.Doubt {
	return &coordinator.Doubt{Off: h.set.NoCanary, Proven: func(ctx context.Context) (bool, error) {
		if h.truth == nil {
			return true, nil // to look
		}
		steps, err := h.truth.LongestChain(ctx, h.run.Name)
		return steps > 1, err
	}}
}

// listRequest asks for a step. What a server gives as a cursor may be no address that can be asked: that breaks its chain.
func (h *Harvester) listRequest(at harvest.Chain) (*harvest.Request, error) {
	request, err := h.kind.api.ListRequest(at.Seed, at.Next)
	switch {
	case err != nil && at.Next != "" && !errors.Is(err, plain.ErrListing):
		return nil, fmt.Errorf("%w: %s: %w", coordinator.ErrBroken, harvest.Quote(at.Seed), err)
	case err != nil:
		return nil, config.Usagef("%v", err)
	}
	return request, nil
}

// sights are what the last answers to chains held, by their seeds.
type sights struct {
	mu   sync.Mutex
	seen map[string]string
}

func (s *sights) see(seed, sight string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]string{}
	}
	s.seen[seed] = sight
}

// of takes the sight of a seed out.
func (s *sights) of(seed string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.seen, seed)
	return s.seen[seed]
}

// firstSteps are the first steps of a listing's chains, to be looked at.
type firstSteps struct{ h *Harvester }

func (f *firstSteps) Host() string      { return f.h.run.Host }
func (f *firstSteps) Close() error      { return nil }
func (f *firstSteps) Fraction() float64 { return 0 }

func (f *firstSteps) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for _, seed := range f.h.seeds {
			request, err := f.h.kind.api.ListRequest(seed, "")
			if err != nil {
				yield(harvest.Entry{}, config.Usagef("%v", err))
				return
			}
			if !yield(harvest.Entry{Item: harvest.Item{Key: harvest.StepKey(seed, 1), URL: request.URL}}, nil) {
				return
			}
		}
	}
}
