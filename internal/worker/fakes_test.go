package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"testing"
	"time"

	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

var errAway = errors.New("away")

// rig is a worker whose outside is played by the test, in memory and under a fake clock.
type rig struct {
	*exchangetest.World

	items    []harvest.Entry
	damage   error
	landing  func(pages []harvest.Page) error
	pages    map[harvest.Key]harvest.Page
	lands    int
	lost     chan struct{}
	marked   map[harvest.Key]bool
	hang     bool // Land waits for its context
	gen      string
	invented map[harvest.Key]bool // what the ledger claims
}

func newRig(urls ...string) *rig {
	r := &rig{World: exchangetest.New(), pages: map[harvest.Key]harvest.Page{}, marked: map[harvest.Key]bool{}, lost: make(chan struct{})}
	for i, url := range urls {
		item, err := harvest.NewItem(url, "", "", nil)
		if err != nil {
			panic(err)
		}
		item.Line = int64(i + 1)
		r.items = append(r.items, harvest.Entry{Item: item})
	}
	return r
}

func numbered(n int) []string {
	urls := make([]string, n)
	for i := range urls {
		urls[i] = fmt.Sprintf("http://api.test/items/%d", i)
	}
	return urls
}

func status(code int) *harvest.Answer { return exchangetest.Status(code) }

func (r *rig) config() Config {
	return Config{
		Run: harvest.Run{Name: "t"}, Shard: harvest.Shard{Of: 1}, Concurrency: 8, Batch: 50, BatchBytes: 1 << 20,
		Flush: time.Second, Retry: retry.Policy{Retries: 3}, Canary: true, Fresh: true, Grace: 5 * time.Second,
	}
}

func (r *rig) worker(t *testing.T, c Config) *Worker {
	t.Helper()
	return r.bench(c)
}

func (r *rig) bench(c Config) *Worker {
	return New(c, Parts{
		Corpus: r, Store: r, Ledger: rigLedger{r}, Pace: r.Pace(), Fetch: r.Fetch(), Upstream: rigUpstream{}, Lease: r,
		Log: slog.New(slog.DiscardHandler), Temporary: func(err error) bool { return errors.Is(err, errAway) }, Full: func(error) bool { return false },
	})
}

func (r *rig) Entries() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for _, entry := range r.items {
			if !yield(entry, nil) {
				return
			}
		}
		if r.damage != nil {
			yield(harvest.Entry{}, r.damage)
		}
	}
}

func (r *rig) Fraction() float64 { return 0 }

func (r *rig) Known(_ context.Context, _ string, keys []harvest.Key) ([]bool, error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	known := make([]bool, len(keys))
	for i, key := range keys {
		_, known[i] = r.pages[key]
	}
	return known, nil
}

func (r *rig) Landed(_ context.Context, _ string, limit int) (items []harvest.Item, err error) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	for _, page := range r.pages {
		if page.Outcome == harvest.Landed && len(items) < limit {
			items = append(items, harvest.Item{Key: page.Key, URL: page.URL, ID: page.ID})
		}
	}
	return items, nil
}

func (r *rig) Land(ctx context.Context, pages []harvest.Page) (counts harvest.Counts, err error) {
	if r.hang {
		<-ctx.Done()
		return counts, ctx.Err()
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.lands++
	if r.landing != nil {
		if err := r.landing(pages); err != nil {
			return counts, err
		}
	}
	for _, page := range pages {
		if _, there := r.pages[page.Key]; !there {
			r.pages[page.Key] = page
			counts.Add(page.Outcome, int64(len(page.Body)))
		}
	}
	return counts, nil
}

func (r *rig) Lost() <-chan struct{} { return r.lost }

func (r *rig) Fingerprint() string {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	return r.gen
}
func (r *rig) Trouble() string { return "" }

func (r *rig) outcomes() map[harvest.Outcome]int {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	count := map[harvest.Outcome]int{}
	for _, page := range r.pages {
		count[page.Outcome]++
	}
	return count
}

func (r *rig) sent() int { return r.Sent() }

type rigLedger struct{ r *rig }

func (l rigLedger) Known(_ context.Context, _ string, keys []harvest.Key) ([]bool, error) {
	l.r.Mu.Lock()
	defer l.r.Mu.Unlock()
	known := make([]bool, len(keys))
	for i, key := range keys {
		known[i] = l.r.invented[key]
	}
	return known, nil
}

func (l rigLedger) Mark(_ context.Context, _ string, keys []harvest.Key) error {
	l.r.Mu.Lock()
	defer l.r.Mu.Unlock()
	for _, key := range keys {
		if _, there := l.r.pages[key]; !there {
			panic("marked before it was committed")
		}
		l.r.marked[key] = true
	}
	return nil
}

type rigUpstream struct{}

func (rigUpstream) Fits(pack []harvest.Item, _ harvest.Item) bool { return len(pack) == 0 }

func (rigUpstream) Request(items []harvest.Item) (*harvest.Request, error) {
	return &harvest.Request{Items: items, Method: "GET", URL: items[0].URL}, nil
}

func (rigUpstream) Read(request *harvest.Request, a *harvest.Answer) harvest.Reading {
	item := request.Items[0]
	if bytes.HasPrefix(a.Body, []byte("<")) || len(a.Body) == 0 {
		return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "html", Cause: errors.New("it is HTML (Content-Type text/html), titled “Sign in”")}
	}
	return harvest.Reading{Pages: []harvest.Page{{
		Key: item.Key, URL: item.URL, Outcome: harvest.Landed, Status: a.Status, Body: a.Body, Answer: a,
	}}}
}

func (rigUpstream) Detail(a *harvest.Answer) string { return string(a.Body) }
