package listing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// api is a listing whose answers show in letters what they are: the first is the outcome, L landed
// or S skipped, what follows the address of the next step. A + at the end looks as if the listing
// continued.
type api struct{}

func (api) ListRequest(seed, next string) (*harvest.Request, error) {
	if strings.Contains(next, "no address") {
		return nil, fmt.Errorf("%w: %s", ErrBroken, next)
	}
	url := seed
	if next != "" {
		url = next
	}
	return &harvest.Request{Method: "GET", URL: url}, nil
}

func (api) ReadList(request *harvest.Request, seed string, step int64, a *harvest.Answer, item func(text string) (harvest.Item, error)) (l harvest.Listed, then string, r harvest.Reading) {
	text := string(a.Body)
	if strings.HasPrefix(text, "<") {
		return l, "", harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "html", Cause: errors.New("it is HTML")}
	}
	text = strings.Trim(text, `"`)
	text, more := strings.CutSuffix(text, "+")
	if more {
		l.More = "a field next"
	}
	l.Page = harvest.Page{Key: harvest.StepKey(seed, step), URL: request.URL, Outcome: harvest.Landed, Status: a.Status, Body: a.Body, Answer: a}
	if text[0] == 'S' {
		l.Page.Refuse("extract_failed")
	}
	l.Sight = text
	if item != nil {
		made, err := item("http://api.test/of/" + text)
		if err != nil {
			return l, "", harvest.Reading{Fault: harvest.FaultFatal, Reason: "items_failed", Cause: err}
		}
		l.Entries = []harvest.Entry{{Item: made}}
	}
	return l, text[1:], r
}

// It answers with letters, or with a status where they are a number.
func says(answers map[string]string) func(int, string) (*harvest.Answer, error) {
	return func(_ int, url string) (*harvest.Answer, error) {
		text, ok := answers[url]
		code := 200
		if !ok {
			code = 404
		}
		if n, err := fmt.Sscanf(text, "%d", &code); n == 1 && err == nil {
			text = ""
		}
		answer := exchangetest.Status(code)
		answer.Body = []byte(`"` + text + `"`)
		if strings.HasPrefix(text, "<") {
			answer.Body = []byte(text)
		}
		return answer, nil
	}
}

// caller asks the world.
func caller(w *exchangetest.World) exchange.Caller {
	return exchange.Caller{Client: &exchange.Client{Pace: w.Pace(), Fetch: w.Fetch(), Policy: retry.Policy{Retries: 3}}}
}

// cellar is a store and a lease in memory.
type cellar struct {
	mu     sync.Mutex
	chains map[string]harvest.Chain
	pages  map[harvest.Key]harvest.Page
	moved  bool // what the store held is not there any more
	landed int64
	fails  error // each landing
}

func (s *cellar) Chain(_ context.Context, _, seed string) (harvest.Chain, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chains[seed], nil
}

func (s *cellar) Known(_ context.Context, _ string, keys []harvest.Key) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make([]bool, len(keys))
	for i, key := range keys {
		_, known[i] = s.pages[key]
	}
	return known, nil
}

func (s *cellar) Totals(context.Context, string) (harvest.Counts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return harvest.Counts{Landed: s.landed}, nil
}

func (s *cellar) Walked(context.Context, string) (walked harvest.Walked, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, chain := range s.chains {
		walked.Add(chain)
	}
	return walked, nil
}

func (s *cellar) Land(_ context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return counts, s.fails
	}
	for _, page := range pages {
		if page.Chain != nil {
			s.chains[page.Chain.Seed] = *page.Chain
		}
		if _, there := s.pages[page.Key]; there {
			continue
		}
		s.pages[page.Key] = page
		counts.Add(page.Outcome, 0)
		if page.Outcome == harvest.Landed {
			s.landed++
		}
	}
	return counts, nil
}

func (s *cellar) Fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.moved && len(s.pages) > 0)
}

func (s *cellar) outcomes() map[harvest.Outcome]int {
	count := map[harvest.Outcome]int{}
	for _, page := range s.pages {
		count[page.Outcome]++
	}
	return count
}

// witnesses are items that landed.
func (s *cellar) witnesses(context.Context) (items []harvest.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, page := range s.pages {
		if page.Outcome == harvest.Landed {
			items = append(items, harvest.Item{Key: page.Key, URL: page.URL})
		}
	}
	return items
}

// walkPages walks a listing to its end.
func walkPages(t *testing.T, w *exchangetest.World, s *cellar, settings Settings) error {
	t.Helper()
	err := newPages(w, s, settings).Walk(t.Context())
	if w.Bodies != 0 {
		t.Errorf("%d answers were never released", w.Bodies)
	}
	return err
}

// newPages returns a walk.
func newPages(w *exchangetest.World, s *cellar, settings Settings) *Pages {
	if s.chains == nil {
		s.chains, s.pages = map[string]harvest.Chain{}, map[harvest.Key]harvest.Page{}
	}
	if settings.Shard.Of == 0 {
		settings.Shard.Of = 1
	}
	settings.Run = "t"
	asks := caller(w)
	asks.Witnesses = exchange.NewWitnesses(s.witnesses)
	return NewPages(settings, Parts{
		API: api{}, Caller: asks, Steps: s, Longest: s, Lease: s, Counters: exchange.NewCounters(), Log: slog.New(slog.DiscardHandler), Say: func(string) {},
		Again: func(_ context.Context, do func() error) error { return do() },
	})
}
