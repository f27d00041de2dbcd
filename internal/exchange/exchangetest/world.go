// Package exchangetest plays the outside of an exchange, in memory and under a fake clock:
// connections, an upstream and a pace that sees outages. Tests script it and look at what it
// counted. It never opens a socket.
package exchangetest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// World is what an exchange meets. Its fields may be set before the first request, and read after
// the last one or under Mu.
type World struct {
	Mu          sync.Mutex
	Answer      func(n int, url string) (*harvest.Answer, error) // n counts the sends of this URL from 1
	Latency     time.Duration                                    // of an answer
	Gap         time.Duration                                    // between two permits, which are void in a silence; 0: they are not spaced
	Forgiven    bool                                             // pace excuses every try
	Detects     bool                                             // ten failures without a success between are an outage, as for pace
	Late        int                                              // how many permits come too late to be used
	Barren      int                                              // how many slots are dead when their permit comes
	Unreachable time.Time                                        // no connection is possible until then

	Sends    map[string]int // by URL
	Permits  int            // given
	Used     int            // of those
	Unused   int            // given back
	Backoffs []time.Duration
	Silent   time.Time // no permit before, as in the pacer
	Renewals int       // of the credential
	Isolated int       // slots on a connection of its own
	Bodies   int       // handed out and not released
	InFlight int
	Worst    int           // most in flight at once
	Bad      int           // failures reported as signs of an outage
	Limit    harvest.Limit // what pace waits for, if not the budget

	turn   chan struct{} // of the caller whose permit is next
	good   time.Time     // the last success
	probed time.Time     // the last permit
	out    [2]time.Time  // the last outage
}

// New returns a world that answers every request with 200 and an empty object.
func New() *World {
	return &World{
		Sends: map[string]int{}, Latency: 10 * time.Millisecond, turn: make(chan struct{}, 1),
		Answer: func(int, string) (*harvest.Answer, error) { return Status(200), nil },
	}
}

// Status returns an answer with an empty object.
func Status(code int) *harvest.Answer {
	return &harvest.Answer{Status: code, Header: http.Header{}, Body: []byte(`{}`), Wire: 2}
}

// Pace returns the world's pace.
func (w *World) Pace() exchange.Pace { return pacer{w} }

// Fetch returns the world's connections.
func (w *World) Fetch() exchange.Fetcher { return fetcher{w} }

// Sent returns how many requests have arrived.
func (w *World) Sent() (n int) {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	for _, sends := range w.Sends {
		n += sends
	}
	return n
}

type pacer struct{ w *World }

func (p pacer) Wait(ctx context.Context) (exchange.Permit, error) {
	p.w.Mu.Lock()
	silent := time.Until(p.w.Silent)
	p.w.Mu.Unlock()
	exchange.Sleep(ctx, silent)
	p.w.Mu.Lock()
	for p.w.Detects && p.w.Limit == harvest.LimitOutage && time.Since(p.w.probed) < 5*time.Second && ctx.Err() == nil {
		p.w.Mu.Unlock()
		<-time.After(time.Second)
		p.w.Mu.Lock()
	}
	p.w.space(ctx)
	p.w.probed = time.Now()
	defer p.w.Mu.Unlock()
	p.w.Permits++
	return permit(p), ctx.Err()
}

func (p pacer) Forgiven(t time.Time) bool {
	p.w.Mu.Lock()
	defer p.w.Mu.Unlock()
	out := p.w.out
	return p.w.Forgiven && !t.IsZero() || p.w.Detects && !out[0].IsZero() && !t.Before(out[0]) && (out[1].IsZero() || !t.After(out[1]))
}

func (p pacer) Expect(int) {}

func (p pacer) State() exchange.PaceState {
	p.w.Mu.Lock()
	defer p.w.Mu.Unlock()
	return exchange.PaceState{Budget: 50, Share: 50, Limit: cmp.Or(p.w.Limit, harvest.LimitBudget), Until: p.w.Silent}
}

// space waits until a permit is due, in the order in which the callers came. The lock is held,
// except while it waits.
func (w *World) space(ctx context.Context) {
	if w.Gap == 0 {
		return
	}
	w.Mu.Unlock()
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.Mu.Lock()
	for ctx.Err() == nil {
		due := w.probed.Add(w.Gap)
		if w.Silent.After(due) {
			due = w.Silent
		}
		wait := time.Until(due)
		if wait <= 0 {
			w.probed = time.Now()
			return
		}
		w.Mu.Unlock()
		exchange.Sleep(ctx, wait)
		w.Mu.Lock()
	}
}

type permit struct{ w *World }

func (permit) Usable() bool                  { return true }
func (permit) Neutral(context.Context, bool) {}

func (p permit) Done(_ context.Context, ok bool) {
	p.w.Mu.Lock()
	defer p.w.Mu.Unlock()
	if p.w.Detects {
		p.w.detect(ok)
	}
	if !ok {
		p.w.Bad++
	}
}

// detect is the arithmetic of pace, in short.
func (w *World) detect(ok bool) {
	now := time.Now()
	switch {
	case ok:
		if w.Limit == harvest.LimitOutage {
			w.out[1] = now
		}
		w.Limit, w.Bad, w.good = "", 0, now
	case w.Bad+1 >= 10 && w.Limit == "":
		w.Limit, w.out = harvest.LimitOutage, [2]time.Time{w.good, {}}
		if w.good.IsZero() {
			w.out[0] = now.Add(-time.Hour)
		}
	}
}
func (p permit) Backoff(_ context.Context, silence time.Duration, _ bool) {
	p.w.Mu.Lock()
	defer p.w.Mu.Unlock()
	p.w.Backoffs = append(p.w.Backoffs, silence)
	if end := time.Now().Add(silence); end.After(p.w.Silent) {
		p.w.Silent = end
	}
}

type fetcher struct{ w *World }

func (f fetcher) Reserve(ctx context.Context, _ string) (exchange.Slot, error) {
	f.w.Mu.Lock()
	defer f.w.Mu.Unlock()
	if time.Now().Before(f.w.Unreachable) {
		return nil, &harvest.Failure{Fault: harvest.FaultConnect, Err: errors.New("connection refused")}
	}
	return slot(f), ctx.Err()
}

func (f fetcher) ReserveIsolated(ctx context.Context, url string) (exchange.Slot, error) {
	f.w.Mu.Lock()
	f.w.Isolated++
	f.w.Mu.Unlock()
	return f.Reserve(ctx, url)
}

func (f fetcher) Renew(context.Context) (bool, error) {
	f.w.Mu.Lock()
	defer f.w.Mu.Unlock()
	f.w.Renewals++
	return true, nil
}

func (f fetcher) Redirect(request *harvest.Request, answer *harvest.Answer) (*harvest.Request, error) {
	if request.Hops == 3 {
		return nil, &harvest.Failure{Fault: harvest.FaultLoop, Err: errors.New("too many redirects")}
	}
	next := *request
	next.URL, next.Hops = answer.Header.Get("Location"), request.Hops+1
	return &next, nil
}

type slot struct{ w *World }

func (s slot) Alive() bool {
	s.w.Mu.Lock()
	defer s.w.Mu.Unlock()
	return s.w.Barren == 0
}
func (slot) Release() {}

func (s slot) Send(ctx context.Context, request *harvest.Request, usable func() bool) (*harvest.Answer, error) {
	w := s.w
	if w.tooLate() || !usable() {
		return nil, harvest.ErrLate
	}
	w.Mu.Lock()
	w.Sends[request.URL]++
	n := w.Sends[request.URL]
	w.Used++
	w.InFlight++
	w.Worst = max(w.Worst, w.InFlight)
	w.Mu.Unlock()
	timer := time.NewTimer(w.Latency)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	w.Mu.Lock()
	defer w.Mu.Unlock()
	w.InFlight--
	if ctx.Err() != nil {
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: ctx.Err()}
	}
	answer, err := w.Answer(n, request.URL)
	if answer == nil {
		return nil, err
	}
	w.Bodies++
	return harvest.NewAnswer(*answer, func() {
		w.Mu.Lock()
		defer w.Mu.Unlock()
		w.Bodies--
	}), err
}

func (w *World) tooLate() bool {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	w.Late--
	return w.Late >= 0
}

func (p permit) Unused() {
	p.w.Mu.Lock()
	defer p.w.Mu.Unlock()
	p.w.Unused++
}
