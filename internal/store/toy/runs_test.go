package toy

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/opening"
	"shoal/internal/store/internal/tables"
	"shoal/internal/store/simple"
)

func (r *run) states() []harvest.ShardState { return r.shards.States(time.Now()) }
func (r *run) fingerprint() string          { return tables.Fingerprint(r.Generation) }

// more gives shards, or all of them, more to do, and voids mirrors of the run's keys.
func (r *run) more(shards ...harvest.Shard) {
	r.shards.Reopen(shards...)
	r.FinishedAt, r.Generation = time.Time{}, rand.Text()
}

// finish notes whether the run is finished.
func (r *run) finish() bool {
	done := harvest.Drained(r.states())
	if !done {
		r.FinishedAt = time.Time{}
	} else if r.FinishedAt.IsZero() {
		r.FinishedAt = time.Now().UTC()
	}
	return done
}

func (p *process) FindRun(_ context.Context, name string) (harvest.Run, error) {
	return look(p, name, func(r *run) (harvest.Run, error) { return r.Run, nil })
}
func (p *process) Fingerprint(_ context.Context, name string) (string, error) {
	return look(p, name, func(r *run) (string, error) { return r.fingerprint(), nil })
}
func (p *process) NewGeneration(_ context.Context, name string) error {
	return p.set(name, func(r *run) { r.Generation = rand.Text() })
}
func (p *process) Reopen(_ context.Context, name string) error {
	return p.set(name, func(r *run) { r.more() })
}
func (p *process) FinishRun(_ context.Context, name string) (bool, error) {
	return change(p, name, func(r *run) (bool, error) { return r.finish(), nil })
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
		given.Generation, given.BucketBits, given.Version, given.OpenedAt = rand.Text(), 17, p.version, time.Now().UTC()
		p.m.runs[given.Name] = newRun(given)
		return given, true, nil
	}
	given = opening.AsNow(given, given.Extract != r.Extract && r.former[given.Extract])
	other := harvest.Contradicts(r.Run, given)
	if other == nil {
		r.Run = opening.Adopted(r.Run, given)
		return r.Run, false, nil
	}
	landed := func(page harvest.Page) bool { return page.Outcome == harvest.Landed }
	if !other.Redefinable() || r.leader != nil || len(r.shards) == 0 || slices.ContainsFunc(r.inOrder(), landed) || r.shards.Exclude(time.Now()) != nil {
		return r.Run, false, other
	}
	if opening.Relists(r.Run, given) {
		r.corpus, r.chains = nil, simple.Chains{}
	}
	r.pages, r.retried, r.suspects = map[harvest.Key]harvest.Page{}, map[harvest.Key]bool{}, simple.Suspects{}
	r.Run = opening.Redefined(r.Run, given)
	r.CorpusItems, r.CorpusSum = 0, ""
	r.more()
	for _, row := range r.shards {
		row.Counts, row.Crashes = harvest.Counts{}, 0
	}
	return r.Run, true, nil
}

func (p *process) DropRun(_ context.Context, name string) error {
	_, err := change(p, name, func(r *run) (any, error) {
		if r.leader != nil {
			return nil, faults.ErrLed
		}
		err := r.shards.Exclude(time.Now())
		if err == nil {
			delete(p.m.runs, name)
		}
		return nil, err
	})
	return err
}

// order implements the one method of [simple.Orders].
func (m *memory) order(_ context.Context, host string, do func(h *simple.Host, now time.Time)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.hosts[host]
	do(&h, time.Now())
	m.hosts[host] = h
	return nil
}

func (p *process) Control(_ context.Context, name string) (harvest.Control, error) {
	return look(p, name, func(r *run) (harvest.Control, error) {
		c := p.m.hosts[r.Host].Control(time.Now())
		c.DrainBy, c.DrainAt, c.Done = r.drainBy, r.drainAt, r.FinishedAt
		return c, nil
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
	return p.set(w.Run, func(r *run) { r.work.Save(w, time.Now()) })
}
func (p *process) ListWork(_ context.Context, name string) ([]harvest.Work, error) {
	return ask(p, name, func(r *run) []harvest.Work { return r.work.List() })
}
func (p *process) ListMinutes(_ context.Context, name string, since int64) ([]harvest.Minute, error) {
	return ask(p, name, func(r *run) []harvest.Minute { return r.work.Minutes(since) })
}
func (p *process) ListQuiets(_ context.Context, name string, limit int) ([]harvest.Quiet, error) {
	return ask(p, name, func(r *run) []harvest.Quiet { return r.work.Quiets(limit) })
}
