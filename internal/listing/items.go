package listing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Items enumerates the items that a listing names, a request a step. It is a [Lister].
type Items struct {
	API    API
	Caller exchange.Caller
	Doubt  *Doubt
	// Item makes an item of a name in the listing.
	Item func(text string) (harvest.Item, error)
	// Host is the host of the run: an item of another host is rejected.
	Host  string
	Guard *Guard // nil while no crash is suspected
	// Exposes reports whether a request to the address would carry the credential in the clear.
	Exposes func(address string) bool

	served served
	sights sights
}

// served is when an answer last had the expected form; zero before.
type served struct{ nanos atomic.Int64 }

func (s *served) now() { s.nanos.Store(time.Now().UnixNano()) }

// before notes that an answer had it in an earlier start.
func (s *served) before() { s.nanos.CompareAndSwap(0, 1) }

func (s *served) since(t time.Time) bool {
	at := s.nanos.Load()
	return at > 0 && (t.IsZero() || at > t.UnixNano())
}

// List implements [Lister].
func (l *Items) List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error) {
	if at.Next != "" {
		l.served.before()
	}
	request, err := l.API.ListRequest(at.Seed, at.Next)
	if err != nil {
		return nil, "", err
	}
	if err := l.Guard.broken(at, request.URL); err != nil {
		return nil, "", err
	}
	caller := l.Caller
	caller.Served = l.served.since
	l.Guard.around(&caller, at)
	more := ""
	_, err = caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := l.API.ReadList(request, at.Seed, at.Step, answer, l.item)
		entries, then, more = listed.Entries, after, listed.More
		l.sights.see(at.Seed, listed.Sight)
		return read
	})
	refused, ok := errors.AsType[*exchange.Refused](err)
	switch {
	case err == nil:
		l.served.now()
		err = l.Doubt.Step(ctx, request.URL, then, more)
	case ok && refusedCursor(refused, at):
		err = fmt.Errorf("%w: %w", ErrCursor, err)
	case ok:
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return entries, then, err
}

// item makes an item of a name in the listing, on the run's own host.
func (l *Items) item(text string) (harvest.Item, error) {
	item, err := l.Item(text)
	if err == nil && l.Exposes(item.URL) {
		err = fmt.Errorf("%s is plain http, and the credential would travel with it", harvest.Quote(item.URL))
	}
	if err == nil && harvest.HostOf(item.URL) != l.Host {
		err = fmt.Errorf("%s is not on %s", harvest.Quote(item.URL), l.Host)
	}
	return item, err
}

// Leave implements [Leaver].
func (l *Items) Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error) {
	l.Guard.Leave(ctx, at, to, why)
}

// Observed implements [Observer].
func (l *Items) Observed(seed string) string { return l.sights.of(seed) }

// Release implements [Releaser].
func (l *Items) Release(ctx context.Context) bool { return l.Doubt.Release(ctx) }

// refusedCursor reports whether an answer means that a step after the first is not known any more.
func refusedCursor(r *exchange.Refused, at harvest.Chain) bool {
	return at.Step > 1 && slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}, r.Verdict.Status)
}

// sights are the contents of the last answers to chains, by their seeds.
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

// of removes and returns the sight of a seed.
func (s *sights) of(seed string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.seen, seed)
	return s.seen[seed]
}
