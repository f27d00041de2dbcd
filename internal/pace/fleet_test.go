package pace

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fleet is some workers that send as fast as their permits allow, until a given number of requests
// is sent.
type fleet struct {
	t       *testing.T
	pacers  []*Pacer
	stops   []context.CancelFunc
	left    atomic.Int64
	all     sync.WaitGroup
	mu      sync.Mutex
	sent    []time.Time
	answers upstream
}

// upstream decides what becomes of the i-th request; nil means a success at once.
type upstream func(p *Pacer, permit Permit, i int)

const host = "api.example"

// launch starts workers with callers each, for n requests in all.
func launch(t *testing.T, b Backend, set Settings, workers, callers, n int, answers upstream) *fleet {
	t.Helper()
	f := &fleet{t: t, answers: answers}
	f.left.Store(int64(n))
	for i := range workers {
		s := set
		s.Host, s.Worker = host, fmt.Sprintf("w%02d", i)
		f.join(b, s, callers)
	}
	return f
}

func (f *fleet) join(b Backend, s Settings, callers int) *Pacer {
	p := New(s, b)
	ctx, stop := context.WithCancel(f.t.Context())
	f.t.Cleanup(stop)
	f.pacers, f.stops = append(f.pacers, p), append(f.stops, stop)
	for range callers {
		f.all.Go(func() { f.send(ctx, p) })
	}
	return p
}

func (f *fleet) send(ctx context.Context, p *Pacer) {
	for f.left.Add(-1) >= 0 {
		permit, err := p.Wait(ctx)
		if err != nil {
			f.left.Add(1)
			return
		}
		now := time.Now()
		if now.Before(permit.Due) {
			f.t.Errorf("Wait() returned a permit %v early", permit.Due.Sub(now))
		}
		if !p.Usable(permit) {
			p.Unused(permit)
			f.left.Add(1)
			continue
		}
		f.mu.Lock()
		i := len(f.sent)
		f.sent = append(f.sent, now)
		f.mu.Unlock()
		if f.answers == nil {
			p.Done(ctx, permit, true)
			continue
		}
		f.answers(p, permit, i)
	}
}

// finish waits for the requests, signs the workers off and returns when each request was sent.
func (f *fleet) finish() []time.Time {
	f.all.Wait()
	for _, p := range f.pacers {
		if err := p.Close(context.Background()); err != nil {
			f.t.Errorf("Close() = %v, want nil", err)
		}
	}
	slices.SortFunc(f.sent, time.Time.Compare)
	return f.sent
}

// know waits until every worker knows of something, and returns when that was: a request sent after
// that is sent in spite of it. In virtual time that is soon; on a real machine the news may be
// slower, within the second that leases last.
func (f *fleet) know(w twin, of func(s State) bool) time.Time {
	began, most := time.Now(), soon
	if w.real {
		most = time.Second
	}
	for _, p := range f.pacers {
		for !of(p.State()) && f.t.Context().Err() == nil && time.Since(began) < 10*most {
			<-time.After(time.Millisecond)
		}
	}
	if took := time.Since(began); took > most {
		f.t.Errorf("all workers knew after %v, want at most %v", took, most)
	}
	return time.Now().Add(time.Nanosecond) // in virtual time much happens at one instant
}

// state sums up the workers' counters.
func (f *fleet) state() State {
	var sum State
	for _, p := range f.pacers {
		s := p.State()
		sum.Calls += s.Calls
		sum.Granted += s.Granted
		sum.Used += s.Used
		sum.Late += s.Late
	}
	return sum
}

// worst is the largest number of requests in any one second.
func worst(sent []time.Time) int {
	most, first := 0, 0
	for i, at := range sent {
		for at.Sub(sent[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// bound is what the design promises for any one second.
func bound(rate float64) int { return lateBound(rate, 0) }

// lateBound is the same for workers that may be late, 0 for the usual 10 ms.
func lateBound(rate float64, late time.Duration) int {
	return int(math.Floor((1+max(late, 10*time.Millisecond).Seconds())*rate*0.99)) + 1
}

// use is the part of the budget used from the first request to the last.
func use(sent []time.Time, rate float64) float64 {
	took := sent[len(sent)-1].Sub(sent[0]).Seconds()
	return float64(len(sent)-1) / took / rate
}

// between counts the requests in [from, to).
func between(sent []time.Time, from, to time.Time) int {
	n := 0
	for _, at := range sent {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}
