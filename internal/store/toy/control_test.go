package toy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
)

// host calls do with what is known of a host.
func (p *process) host(name string, do func(h *host)) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if p.m.hosts[name] == nil {
		p.m.hosts[name] = &host{}
	}
	do(p.m.hosts[name])
	return nil
}

func (p *process) Control(_ context.Context, name string) (c harvest.Control, err error) {
	err = p.look(name, func(r *run) error {
		c = harvest.Control{DrainBy: r.drainBy, DrainAt: r.drainAt, Done: r.FinishedAt}
		h := p.m.hosts[r.Host]
		if h == nil {
			return nil
		}
		c.Rate, c.By, c.At, c.Lifted = h.rate, h.by, h.at, h.lifted
		c.Hold, c.Silence = max(0, time.Until(h.hold)), max(0, time.Until(h.silence))
		if h.forever {
			c.Hold = harvest.Forever
		}
		return nil
	})
	return c, err
}

func (p *process) SetRate(_ context.Context, name, rate, by string) error {
	return p.host(name, func(h *host) { h.rate, h.by, h.at = rate, by, time.Now() })
}

func (p *process) Hold(_ context.Context, name string, length time.Duration, by string) error {
	return p.host(name, func(h *host) {
		h.by, h.at, h.forever, h.hold = by, time.Now(), length < 0, time.Now().Add(length)
	})
}

func (p *process) Silence(_ context.Context, name string, length time.Duration) error {
	return p.host(name, func(h *host) {
		if end := time.Now().Add(length); end.After(h.silence) {
			h.silence = end
		}
	})
}

func (p *process) Lift(_ context.Context, name, by string) error {
	return p.host(name, func(h *host) { h.silence, h.lifted, h.by, h.at = time.Time{}, time.Now(), by, time.Now() })
}

func (p *process) RequestDrain(_ context.Context, name, by string) error {
	return p.change(name, func(r *run) error {
		r.drainBy, r.drainAt = by, time.Time{}
		if by != "" {
			r.drainAt = time.Now()
		}
		return nil
	})
}

func (p *process) SaveWork(_ context.Context, w harvest.Work) error {
	return p.change(w.Run, func(r *run) error {
		if r.sent[w.Worker] == nil {
			r.sent[w.Worker] = map[int64]harvest.Minute{}
		}
		for _, m := range w.Minutes {
			r.sent[w.Worker][m.Unix] = m
		}
		w.Seen, w.Minutes = time.Now(), nil
		r.work[w.Worker] = w
		return nil
	})
}

func (p *process) ListWork(_ context.Context, name string) (all []harvest.Work, err error) {
	p.peek(name, func(r *run) {
		all = slices.SortedFunc(maps.Values(r.work), func(a, b harvest.Work) int {
			return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Worker, b.Worker))
		})
	})
	return all, nil
}

func (p *process) ListMinutes(_ context.Context, name string) ([]harvest.Minute, error) {
	sum := map[int64]harvest.Minute{}
	p.peek(name, func(r *run) {
		for _, minutes := range r.sent {
			for unix, m := range minutes {
				all := sum[unix]
				all.Unix = unix
				for i, n := range m.Seconds {
					all.Seconds[i] += n
				}
				sum[unix] = all
			}
		}
	})
	return slices.SortedFunc(maps.Values(sum), func(a, b harvest.Minute) int { return cmp.Compare(a.Unix, b.Unix) }), nil
}

// leader is who leads a run.
type leader struct {
	m          *memory
	run, owner string
}

func (p *process) Lead(ctx context.Context, name, owner string, waiting func(sentence string)) (store.Leadership, error) {
	l, told := &leader{p.m, name, owner}, ""
	for {
		p.m.mu.Lock()
		other := p.m.leaders[name]
		if other == nil {
			p.m.leaders[name] = l
		}
		p.m.mu.Unlock()
		if other == nil {
			return l, nil
		}
		if other.owner != told && waiting != nil {
			told = other.owner
			waiting(leasing.Leads(name, told))
		}
		if err := leasing.Pause(ctx, poll); err != nil {
			return nil, err
		}
	}
}

func (l *leader) Keep(context.Context) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.leaders[l.run] != l {
		return store.ErrHeld
	}
	return nil
}

func (l *leader) Close() {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.m.leaders[l.run] == l {
		delete(l.m.leaders, l.run)
	}
}
