package pace

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Local keeps budgets in this process, for one or several [Pacer] values. Its clock is monotonic.
type Local struct {
	clock func() int64 // µs
	mu    sync.Mutex
	hosts map[string]*budget
}

type budget struct {
	state state
	subs  map[*func(event)]struct{}
}

// localRun takes the place of a server's run_id: this backend never restarts without losing
// everything.
const localRun = "local"

// NewLocal returns an in-process backend without any budget; a host's budget begins when it is
// first asked for.
func NewLocal() *Local {
	began := time.Now()
	clock := func() int64 { return began.UnixMicro() + time.Since(began).Microseconds() }
	return &Local{clock: clock, hosts: map[string]*budget{}}
}

// with runs one operation on a host's state, then notifies the subscribers.
func (l *Local) with(host string, do func(s *state, now int64)) fact {
	l.mu.Lock()
	b := l.hosts[host]
	if b == nil {
		b = &budget{subs: map[*func(event)]struct{}{}}
		l.hosts[host] = b
	}
	now := l.clock()
	do(&b.state, now)
	known := fact{epoch: b.state.epoch, until: b.state.until, now: now}
	var hearers []*func(event)
	if b.state.news {
		hearers = slices.Collect(maps.Keys(b.subs))
	}
	l.mu.Unlock()
	for _, hear := range hearers {
		(*hear)(event{fact: known})
	}
	return known
}

func (l *Local) acquire(_ context.Context, host string, a ask) (grant, error) {
	var g grant
	l.with(host, func(s *state, now int64) { g = s.acquire(now, localRun, a) })
	return g, nil
}

func (l *Local) backoff(_ context.Context, host string, r report) (fact, error) {
	return l.with(host, func(s *state, now int64) { s.backoff(now, localRun, r.seen, r.delay, r.cut) }), nil
}

func (l *Local) release(_ context.Context, host string, r parting) error {
	l.with(host, func(s *state, now int64) { s.release(now, localRun, r.worker, r.last, r.back) })
	return nil
}

func (l *Local) repair(_ context.Context, host string, lost bool) (fact, error) {
	return l.with(host, func(s *state, now int64) { s.repair(now, localRun, lost) }), nil
}

func (l *Local) subscribe(ctx context.Context, host string, hear func(event)) {
	var b *budget
	l.with(host, func(*state, int64) {})
	l.mu.Lock()
	b = l.hosts[host]
	b.subs[&hear] = struct{}{}
	l.mu.Unlock()
	hear(event{turned: true, live: true})
	<-ctx.Done()
	l.mu.Lock()
	delete(b.subs, &hear)
	l.mu.Unlock()
}

// SetRate sets the host's budget to rate requests/s for all workers; by is the operator who did.
func (l *Local) SetRate(_ context.Context, host string, rate float64, by string) error {
	if err := checkRate(rate); err != nil {
		return err
	}
	l.with(host, func(s *state, now int64) {
		s.enter(now, localRun)
		s.setRate(now, rate, operator(by))
	})
	return nil
}

// Hold silences all workers on the host for length; zero or less ends a hold.
func (l *Local) Hold(_ context.Context, host string, length time.Duration) error {
	l.with(host, func(s *state, now int64) {
		s.enter(now, localRun)
		s.setHold(now, holdUntil(now, length))
	})
	return nil
}

func holdUntil(now int64, length time.Duration) int64 {
	length = min(length, longest)
	if length <= 0 {
		return 0
	}
	return now + length.Microseconds()
}

func checkRate(rate float64) error {
	if rate > 0 && rate <= 1e6 {
		return nil
	}
	return fmt.Errorf("rate %v: give requests per second above 0 and at most a million; to stop all requests, pause", rate)
}

// operator returns a name for the operator who set a rate: an empty name would mean that none did.
func operator(by string) string {
	if by == "" {
		return "operator"
	}
	return by
}
