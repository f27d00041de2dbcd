package toy

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/faults"
	"shoal/internal/store/internal/opening"
	"shoal/internal/store/internal/tables"
)

func (p *process) FindRun(_ context.Context, name string) (found harvest.Run, err error) {
	err = p.look(name, func(r *run) error { found = r.Run; return nil })
	return found, err
}

func (p *process) ListRuns(context.Context) (all []harvest.Run, err error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	for _, r := range p.m.runs {
		all = append(all, r.Run)
	}
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
	if other := store.Contradicts(r.Run, given); other != nil {
		if !other.Redefinable() || p.m.leaders[given.Name] != nil || !r.redefinable() {
			return r.Run, false, other
		}
		r.redefine(given)
		return r.Run, true, nil
	}
	r.Run = opening.Adopted(r.Run, given)
	return r.Run, false, nil
}

// redefinable reports whether a worker has begun the run and gone without landing anything.
func (r *run) redefinable() bool {
	for _, row := range r.shards {
		if row.live() {
			return false
		}
	}
	for _, page := range r.pages {
		if page.Outcome == harvest.Landed {
			return false
		}
	}
	return len(r.shards) > 0
}

func (r *run) redefine(given harvest.Run) {
	old := r.Run
	r.Run = opening.Redefined(old, given)
	for _, x := range []struct{ to, from *string }{
		{&r.Upstream, &given.Upstream}, {&r.API, &given.API}, {&r.Host, &given.Host}, {&r.Extract, &given.Extract},
		{&r.Body, &given.Body}, {&r.Rate, &given.Rate}, {&r.Run.Corpus, &given.Corpus},
	} {
		*x.to = cmp.Or(*x.from, *x.to)
	}
	r.CorpusItems, r.CorpusSum, r.FinishedAt, r.Generation = 0, "", time.Time{}, rand.Text()
	r.empty()
	for _, row := range r.shards {
		if !row.expires.IsZero() {
			row.token++
			row.free()
		}
		row.Counts, row.crashes, row.Drained = harvest.Counts{}, 0, time.Time{}
	}
	if opening.Relists(old, given) {
		r.relist()
	}
}

func (p *process) FinishRun(_ context.Context, name string) (finished bool, err error) {
	err = p.change(name, func(r *run) error {
		if finished = harvest.Drained(r.states()); !finished {
			r.FinishedAt = time.Time{}
		} else if r.FinishedAt.IsZero() {
			r.FinishedAt = time.Now().UTC()
		}
		return nil
	})
	return finished, err
}

func (p *process) Reopen(_ context.Context, name string) error {
	return p.change(name, func(r *run) error {
		r.Generation = rand.Text()
		r.grow()
		return nil
	})
}

// grow gives every shard more to do.
func (r *run) grow() {
	r.FinishedAt = time.Time{}
	for _, row := range r.shards {
		row.Drained = time.Time{}
	}
}

func (p *process) DropRun(_ context.Context, name string) error {
	return p.change(name, func(r *run) error {
		if p.m.leaders[name] != nil {
			return faults.ErrLed
		}
		if _, err := r.excludeWorkers(); err != nil {
			return err
		}
		delete(p.m.runs, name)
		return nil
	})
}

// excludeWorkers makes sure that no worker holds a shard, and voids the leases of those that were silent.
func (r *run) excludeWorkers() (landed int64, err error) {
	for at, row := range r.shards {
		if row.live() {
			return 0, faults.BusyShard(at, row.Owner)
		}
		landed += row.Counts.Landed + row.Counts.Skipped
	}
	for _, row := range r.shards {
		if !row.expires.IsZero() {
			row.token = max(row.token+1, time.Now().UnixMicro())
			row.free()
		}
	}
	return landed, nil
}

func (p *process) Fingerprint(_ context.Context, name string) (gen string, err error) {
	err = p.look(name, func(r *run) error { gen = r.fingerprint(); return nil })
	return gen, err
}

func (r *run) fingerprint() string {
	sum := sha256.Sum256([]byte(r.Generation))
	return tables.ShortID(sum[:])
}

func (p *process) NewGeneration(_ context.Context, name string) error {
	return p.change(name, func(r *run) error { r.Generation = rand.Text(); return nil })
}

func (p *process) RecordDigest(_ context.Context, name, known string, items int64, sum string) (recorded bool, err error) {
	err = p.change(name, func(r *run) error {
		if recorded = r.CorpusSum == known; recorded {
			r.CorpusItems, r.CorpusSum = items, sum
		}
		if recorded && known != "" {
			r.grow()
		}
		return nil
	})
	return recorded, err
}

func (p *process) CorpusRows(_ context.Context, name string, after int64, limit int) (found []harvest.Entry, err error) {
	p.peek(name, func(r *run) {
		rest := r.corpus[min(after, int64(len(r.corpus))):]
		found = slices.Clone(rest[:min(limit, len(rest))])
	})
	return found, nil
}

func (p *process) CorpusSize(_ context.Context, name string) (n int64, err error) {
	p.peek(name, func(r *run) { n = int64(len(r.corpus)) })
	return n, nil
}

func (p *process) Chain(_ context.Context, name, seed string) (c harvest.Chain, err error) {
	p.peek(name, func(r *run) { c = r.chains[seed] })
	c.Seed = seed
	return c, nil
}

func (p *process) ChainsDone(_ context.Context, name string) (n int, err error) {
	p.peek(name, func(r *run) {
		for _, c := range r.chains {
			if c.Done {
				n++
			}
		}
	})
	return n, nil
}

func (p *process) LongestChain(_ context.Context, name string) (steps int64, err error) {
	p.peek(name, func(r *run) {
		for _, c := range r.chains {
			steps = max(steps, c.Step)
		}
	})
	return steps, nil
}

func (p *process) CommitStep(_ context.Context, name string, to harvest.Chain, entries []harvest.Entry) error {
	return p.change(name, func(r *run) error {
		if !r.moveChain(to) {
			return store.ErrStep
		}
		for _, e := range entries {
			r.corpus = append(r.corpus, e.At(int64(len(r.corpus))+1))
		}
		return nil
	})
}

// moveChain takes a chain to its next step, if that is what follows. One that has come to its end earlier than when it was
// walked before has ended, too.
func (r *run) moveChain(to harvest.Chain) bool {
	c, begun := r.chains[to.Seed]
	switch {
	case !begun && to.Step != 1, c.Done:
		return false
	case begun && c.Step != to.Step-1 && (!to.Done || c.Step < to.Step):
		return false
	}
	to.Step = max(to.Step, c.Step)
	r.chains[to.Seed] = to
	return true
}
