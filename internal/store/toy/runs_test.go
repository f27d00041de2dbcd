package toy

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/internal/opening"
	"shoal/internal/store/internal/tables"
)

func (r *run) run() (harvest.Run, error) { return r.Run, nil }
func (r *run) fingerprint() (string, error) {
	sum := sha256.Sum256([]byte(r.Generation))
	return tables.ShortID(sum[:]), nil
}

// grow gives every shard more to do.
func (r *run) grow() {
	r.FinishedAt = time.Time{}
	for _, row := range r.shards {
		row.Drained = time.Time{}
	}
}

// finish notes whether the run is finished.
func (r *run) finish(is bool) (bool, error) {
	if !is {
		r.FinishedAt = time.Time{}
	} else if r.FinishedAt.IsZero() {
		r.FinishedAt = time.Now().UTC()
	}
	return is, nil
}

func (p *process) FindRun(_ context.Context, name string) (harvest.Run, error) {
	return look(p, name, (*run).run)
}
func (p *process) Fingerprint(_ context.Context, name string) (string, error) {
	return look(p, name, (*run).fingerprint)
}
func (p *process) NewGeneration(_ context.Context, name string) error {
	return p.set(name, func(r *run) { r.Generation = rand.Text() })
}
func (p *process) Reopen(_ context.Context, name string) error {
	return p.set(name, func(r *run) { r.grow(); r.Generation = rand.Text() })
}
func (p *process) FinishRun(_ context.Context, name string) (bool, error) {
	return change(p, name, func(r *run) (bool, error) { return r.finish(harvest.Drained(r.states())) })
}
func (p *process) ListRuns(context.Context) (all []harvest.Run, err error) {
	p.m.each(func(r *run) { all = append(all, r.Run) })
	slices.SortFunc(all, func(a, b harvest.Run) int {
		return cmp.Or(b.OpenedAt.Compare(a.OpenedAt), strings.Compare(b.Name, a.Name))
	})
	return all, nil
}

func (p *process) OpenRun(_ context.Context, given harvest.Run) (_ harvest.Run, opened bool, err error) {
	if err := harvest.CheckRunName(given.Name); err != nil {
		return given, false, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	r := p.m.runs[given.Name]
	if r == nil {
		given.Generation, given.BucketBits, given.OpenedAt = rand.Text(), 17, time.Now().UTC()
		p.m.runs[given.Name] = newRun(given)
		return given, true, nil
	}
	given = opening.AsNow(given, given.Extract != r.Extract && r.former[given.Extract])
	other := store.Contradicts(r.Run, given)
	if other == nil {
		r.Run = opening.Adopted(r.Run, given)
		return r.Run, false, nil
	}
	if !other.Redefinable() || r.leader != nil || len(r.shards) == 0 || faults.Busy(r.states()) != nil || len(r.pick(landed)) > 0 {
		return r.Run, false, other
	}
	if opening.Relists(r.Run, given) {
		r.corpus, r.chains = nil, map[string]harvest.Chain{}
	}
	r.pages, r.retried, r.suspects = map[harvest.Key]harvest.Page{}, map[harvest.Key]bool{}, map[harvest.Key]suspect{}
	r.Run = opening.Redefined(r.Run, given)
	r.CorpusItems, r.CorpusSum, r.Generation = 0, "", rand.Text()
	r.grow()
	for _, row := range r.shards {
		row.void()
		row.Counts, row.crashes = harvest.Counts{}, 0
	}
	return r.Run, true, nil
}

func (p *process) DropRun(_ context.Context, name string) error {
	_, err := change(p, name, func(r *run) (any, error) {
		if r.leader != nil {
			return nil, faults.ErrLed
		}
		err := r.excludeWorkers()
		if err == nil {
			delete(p.m.runs, name)
		}
		return nil, err
	})
	return err
}

func (p *process) RecordDigest(_ context.Context, name, known string, items int64, sum string) (bool, error) {
	return change(p, name, func(r *run) (bool, error) {
		if r.CorpusSum != known {
			return false, nil
		}
		if r.CorpusItems, r.CorpusSum = items, sum; known != "" {
			r.grow()
		}
		return true, nil
	})
}

func (p *process) CorpusRows(_ context.Context, name string, after int64, limit int) ([]harvest.Entry, error) {
	return ask(p, name, func(r *run) []harvest.Entry {
		rest := r.corpus[min(after, int64(len(r.corpus))):]
		return slices.Clone(rest[:min(limit, len(rest))])
	})
}

func (p *process) CorpusSize(_ context.Context, name string) (int64, error) {
	return ask(p, name, func(r *run) int64 { return int64(len(r.corpus)) })
}
func (p *process) Chain(_ context.Context, name, seed string) (harvest.Chain, error) {
	return ask(p, name, func(r *run) harvest.Chain { c := r.chains[seed]; c.Seed = seed; return c })
}
func (p *process) Walked(_ context.Context, name string) (harvest.Walked, error) {
	return ask(p, name, func(r *run) (walked harvest.Walked) {
		for _, c := range r.chains {
			walked.Add(c)
		}
		return walked
	})
}

func (p *process) CommitStep(_ context.Context, name string, to harvest.Chain, entries []harvest.Entry) error {
	_, err := change(p, name, func(r *run) (any, error) {
		if !r.moveChain(to) {
			return nil, store.ErrStep
		}
		for _, e := range entries {
			r.corpus = append(r.corpus, e.At(int64(len(r.corpus))+1))
		}
		return nil, nil
	})
	return err
}

// moveChain takes a chain to its next step, if that is what follows. One that has come to its end
// earlier than when it was walked before has ended, too.
func (r *run) moveChain(to harvest.Chain) bool {
	c := r.chains[to.Seed] // before its first step, at step 0
	if c.Done || c.Step != to.Step-1 && (!to.Done || c.Step < to.Step) {
		return false
	}
	to.Step = max(to.Step, c.Step)
	r.chains[to.Seed] = to
	return true
}

// host is what is known of an upstream: its orders, and the ends of a hold and of a silence.
type host struct {
	harvest.Control
	hold, silence time.Time
}

// order changes what is known of a host. by is the operator who ordered it, empty where that is the
// upstream.
func (p *process) order(name, by string, do func(h *host, now time.Time)) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	h, now := cmp.Or(p.m.hosts[name], &host{}), time.Now()
	if p.m.hosts[name] = h; by != "" {
		h.By, h.At = by, now
	}
	do(h, now)
	return nil
}

func (p *process) Control(_ context.Context, name string) (harvest.Control, error) {
	return look(p, name, func(r *run) (harvest.Control, error) {
		h := cmp.Or(p.m.hosts[r.Host], &host{})
		c := h.Control
		if c.Hold != harvest.Forever {
			c.Hold = max(0, time.Until(h.hold))
		}
		c.Silence, c.DrainBy, c.DrainAt, c.Done = max(0, time.Until(h.silence)), r.drainBy, r.drainAt, r.FinishedAt
		return c, nil
	})
}

func (p *process) SetRate(_ context.Context, name, rate, by string) error {
	return p.order(name, by, func(h *host, _ time.Time) { h.Rate = rate })
}
func (p *process) Hold(_ context.Context, name string, length time.Duration, by string) error {
	return p.order(name, by, func(h *host, now time.Time) { h.Control.Hold, h.hold = length, now.Add(length) })
}
func (p *process) Lift(_ context.Context, name, by string) error {
	return p.order(name, by, func(h *host, now time.Time) { h.silence, h.Lifted = time.Time{}, now })
}
func (p *process) Silence(_ context.Context, name string, length time.Duration) error {
	return p.order(name, "", func(h *host, now time.Time) {
		if end := now.Add(length); end.After(h.silence) {
			h.silence = end
		}
	})
}

func (p *process) RequestDrain(_ context.Context, name, by string) error {
	return p.set(name, func(r *run) {
		if r.drainBy, r.drainAt = by, time.Now(); by == "" {
			r.drainAt = time.Time{}
		}
	})
}

func (p *process) SaveWork(_ context.Context, w harvest.Work) error {
	return p.set(w.Run, func(r *run) {
		for _, m := range w.Minutes {
			if r.sent[m.Unix] == nil {
				r.sent[m.Unix] = map[string]harvest.Minute{}
			}
			r.sent[m.Unix][w.Worker] = m
		}
		w.Seen, w.Minutes = time.Now(), nil
		r.work[w.Worker] = w
	})
}

func (p *process) ListWork(_ context.Context, name string) ([]harvest.Work, error) {
	order := func(a, b harvest.Work) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Worker, b.Worker))
	}
	return ask(p, name, func(r *run) []harvest.Work { return slices.SortedFunc(maps.Values(r.work), order) })
}

func (p *process) ListMinutes(_ context.Context, name string) ([]harvest.Minute, error) {
	return ask(p, name, func(r *run) (all []harvest.Minute) {
		for _, unix := range slices.Sorted(maps.Keys(r.sent)) {
			sum := harvest.Minute{Unix: unix}
			for _, m := range r.sent[unix] {
				for i, n := range m.Seconds {
					sum.Seconds[i] += n
				}
			}
			all = append(all, sum)
		}
		return all
	})
}

// leader is who leads a run.
type leader struct {
	p          *process
	run, owner string
}

func (p *process) Lead(ctx context.Context, name, owner string, waiting func(sentence string)) (store.Leadership, error) {
	l := &leader{p, name, owner}
	return l, leasing.Lead(ctx, name, waiting, func() (bool, string, error) {
		first, err := look(p, name, func(r *run) (*leader, error) { r.leader = cmp.Or(r.leader, l); return r.leader, nil })
		if err != nil {
			return false, "", err
		}
		return first == l, first.owner, nil
	})
}

func (l *leader) Keep(context.Context) error {
	first, err := look(l.p, l.run, func(r *run) (*leader, error) { return r.leader, nil })
	if err == nil && first != l {
		err = store.ErrHeld
	}
	return err
}

func (l *leader) Close() {
	_ = l.p.set(l.run, func(r *run) { // a run that is gone has no leader
		if r.leader == l {
			r.leader = nil
		}
	})
}
