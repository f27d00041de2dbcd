package worker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

var errAway = errors.New("away")

// rig is a worker whose outside is played by the test, in memory and under a fake clock.
type rig struct {
	mu       sync.Mutex
	items    []harvest.Entry
	damage   error
	answer   func(n int, url string) (*harvest.Answer, error) // n counts the sends of this URL from 1
	landing  func(pages []harvest.Page) error
	sends    map[string]int
	permits  int
	used     int
	backoffs []time.Duration
	silent   time.Time // no permit before, as the pacer has it
	pages    map[harvest.Key]harvest.Page
	lands    int
	bodies   int // handed out and not released
	forgiven bool
	renewals int
	aside    int // slots on a connection of its own
	lost     chan struct{}
	marked   map[harvest.Key]bool
	inFlight int
	worst    int // most in flight at once
	latency  time.Duration
	hang     bool // Land waits for its context
	gen      string

	bad         int                  // failures reported as signs of an outage
	detects     bool                 // ten failures without a success between are an outage, as for pace
	good        time.Time            // the last success
	probed      time.Time            // the last permit
	out         [2]time.Time         // the last outage
	limit       harvest.Limit        // what pace waits for, if not the budget
	invented    map[harvest.Key]bool // what the ledger claims
	late        int                  // so many permits come too late to be used
	unused      int                  // permits given back
	barren      int                  // so many slots are dead when their permit comes
	unreachable time.Time            // until then no connection can be had
}

func newRig(urls ...string) *rig {
	r := &rig{
		sends: map[string]int{}, pages: map[harvest.Key]harvest.Page{}, marked: map[harvest.Key]bool{},
		lost: make(chan struct{}), latency: 10 * time.Millisecond,
		answer: func(int, string) (*harvest.Answer, error) { return status(200), nil },
	}
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

func status(code int) *harvest.Answer {
	return &harvest.Answer{Status: code, Header: http.Header{}, Body: []byte(`{}`), Wire: 2}
}

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
		Corpus: r, Store: r, Ledger: rigLedger{r}, Pace: rigPace{r}, Fetch: rigFetch{r}, Upstream: rigUpstream{}, Lease: r,
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
	r.mu.Lock()
	defer r.mu.Unlock()
	known := make([]bool, len(keys))
	for i, key := range keys {
		_, known[i] = r.pages[key]
	}
	return known, nil
}

func (r *rig) Landed(_ context.Context, _ string, limit int) (items []harvest.Item, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
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
	r.mu.Lock()
	defer r.mu.Unlock()
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
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gen
}
func (r *rig) Trouble() string { return "" }

func (r *rig) outcomes() map[harvest.Outcome]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := map[harvest.Outcome]int{}
	for _, page := range r.pages {
		count[page.Outcome]++
	}
	return count
}

func (r *rig) sent() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sends := range r.sends {
		n += sends
	}
	return n
}

type rigLedger struct{ r *rig }

func (l rigLedger) Known(_ context.Context, _ string, keys []harvest.Key) ([]bool, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	known := make([]bool, len(keys))
	for i, key := range keys {
		known[i] = l.r.invented[key]
	}
	return known, nil
}

func (l rigLedger) Mark(_ context.Context, _ string, keys []harvest.Key) error {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	for _, key := range keys {
		if _, there := l.r.pages[key]; !there {
			panic("marked before it was committed")
		}
		l.r.marked[key] = true
	}
	return nil
}

type rigPace struct{ r *rig }

func (p rigPace) Wait(ctx context.Context) (exchange.Permit, error) {
	p.r.mu.Lock()
	silent := time.Until(p.r.silent)
	p.r.mu.Unlock()
	exchange.Sleep(ctx, silent)
	p.r.mu.Lock()
	for p.r.detects && p.r.limit == harvest.LimitOutage && time.Since(p.r.probed) < 5*time.Second && ctx.Err() == nil {
		p.r.mu.Unlock()
		<-time.After(time.Second)
		p.r.mu.Lock()
	}
	p.r.probed = time.Now()
	defer p.r.mu.Unlock()
	p.r.permits++
	return rigPermit(p), ctx.Err()
}

func (p rigPace) Forgiven(t time.Time) bool {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	out := p.r.out
	return p.r.forgiven && !t.IsZero() || p.r.detects && !out[0].IsZero() && !t.Before(out[0]) && (out[1].IsZero() || !t.After(out[1]))
}

func (p rigPace) Expect(int) {}

func (p rigPace) State() exchange.PaceState {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	return exchange.PaceState{Budget: 50, Share: 50, Limit: cmp.Or(p.r.limit, harvest.LimitBudget)}
}

type rigPermit struct{ r *rig }

func (rigPermit) Usable() bool                  { return true }
func (rigPermit) Neutral(context.Context, bool) {}

func (p rigPermit) Done(_ context.Context, ok bool) {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.r.detects {
		p.r.detect(ok)
	}
	if !ok {
		p.r.bad++
	}
}

// detect is the arithmetic of pace, in short.
func (r *rig) detect(ok bool) {
	now := time.Now()
	switch {
	case ok:
		if r.limit == harvest.LimitOutage {
			r.out[1] = now
		}
		r.limit, r.bad, r.good = "", 0, now
	case r.bad+1 >= 10 && r.limit == "":
		r.limit, r.out = harvest.LimitOutage, [2]time.Time{r.good, {}}
		if r.good.IsZero() {
			r.out[0] = now.Add(-time.Hour)
		}
	}
}
func (p rigPermit) Backoff(_ context.Context, silence time.Duration, _ bool) {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.backoffs = append(p.r.backoffs, silence)
	if end := time.Now().Add(silence); end.After(p.r.silent) {
		p.r.silent = end
	}
}

type rigFetch struct{ r *rig }

func (f rigFetch) Reserve(ctx context.Context, _ string) (exchange.Slot, error) {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	if time.Now().Before(f.r.unreachable) {
		return nil, &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("connection refused")}
	}
	return rigSlot(f), ctx.Err()
}

func (f rigFetch) ReserveAlone(ctx context.Context, url string) (exchange.Slot, error) {
	f.r.mu.Lock()
	f.r.aside++
	f.r.mu.Unlock()
	return f.Reserve(ctx, url)
}

func (f rigFetch) Renew(context.Context) (bool, error) {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	f.r.renewals++
	return true, nil
}

func (f rigFetch) Redirect(request *harvest.Request, answer *harvest.Answer) (*harvest.Request, error) {
	if request.Hops == 3 {
		return nil, &harvest.Failure{Fault: harvest.FaultLoop, Err: errors.New("too many redirects")}
	}
	next := *request
	next.URL, next.Hops = answer.Header.Get("Location"), request.Hops+1
	return &next, nil
}

type rigSlot struct{ r *rig }

func (s rigSlot) Alive() bool {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return s.r.barren == 0
}
func (rigSlot) Release() {}

func (s rigSlot) Send(ctx context.Context, request *harvest.Request, usable func() bool) (*harvest.Answer, error) {
	r := s.r
	if r.tooLate() || !usable() {
		return nil, harvest.ErrLate
	}
	r.mu.Lock()
	r.sends[request.URL]++
	n := r.sends[request.URL]
	r.used++
	r.inFlight++
	r.worst = max(r.worst, r.inFlight)
	r.mu.Unlock()
	timer := time.NewTimer(r.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	if ctx.Err() != nil {
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: ctx.Err()}
	}
	answer, err := r.answer(n, request.URL)
	if answer == nil {
		return nil, err
	}
	r.bodies++
	return harvest.NewAnswer(*answer, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies--
	}), err
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
