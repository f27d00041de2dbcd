package toy

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
	"shoal/internal/store/storetest"
)

func TestAThirdStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(*testing.T) storetest.Twin { return &memory{runs: map[string]*run{}, hosts: map[string]*host{}} })
}

// memory is what stays when a process ends. One lock makes each method one transaction.
type memory struct {
	mu     sync.Mutex
	schema schema.State
	runs   map[string]*run
	hosts  map[string]*host
}

// run is all that belongs to one run.
type run struct {
	harvest.Run
	leader   *leader
	drainBy  string
	drainAt  time.Time
	pages    map[harvest.Key]harvest.Page // with their records
	retried  map[harvest.Key]bool
	suspects map[harvest.Key]suspect
	shards   map[harvest.Shard]*shard
	corpus   []harvest.Entry
	chains   map[string]harvest.Chain
	former   map[string]bool // specs of former extracts
	extract  extract
	work     map[string]harvest.Work
	sent     map[int64]map[string]harvest.Minute // by minute and worker
}

func newRun(given harvest.Run) *run {
	return &run{
		Run: given, pages: map[harvest.Key]harvest.Page{}, retried: map[harvest.Key]bool{}, suspects: map[harvest.Key]suspect{},
		shards: map[harvest.Shard]*shard{}, chains: map[string]harvest.Chain{}, former: map[string]bool{},
		work: map[string]harvest.Work{}, sent: map[int64]map[string]harvest.Minute{},
	}
}

// poll is how often a claim looks again.
const poll = 10 * time.Millisecond

// process is one opened store.
type process struct {
	m        *memory
	readOnly bool
	ttl      time.Duration
}

func (m *memory) Open(_ context.Context, options store.Options) (*store.Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	const newest = 1
	needed, err := m.schema.Check(newest, options)
	if needed {
		m.schema = schema.State{Version: newest, By: options.Version}
	}
	p := &process{m, options.ReadOnly, options.LeaseTTL}
	if p.ttl == 0 {
		p.ttl = store.DefaultLeaseTTL
	}
	return &store.Store{
		Runs: p, Lifecycle: p, Mirrors: p, Pages: p, Counts: p, Retries: p, Corpus: p, Chains: p, Leases: p, Leaders: p,
		Controls: p, Silences: p, Work: p, Extraction: p, Closer: p,
	}, err
}

func (p *process) Close() error { return nil }

// look calls do with the run, if there is one, and returns what do returns.
func look[T any](p *process, name string, do func(r *run) (T, error)) (result T, err error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if r := p.m.runs[name]; r != nil {
		return do(r)
	}
	return result, store.ErrNoRun
}

// ask returns what do finds in the run; a run that is not there is empty.
func ask[T any](p *process, name string, do func(r *run) T) (T, error) {
	found, err := look(p, name, func(r *run) (T, error) { return do(r), nil })
	if err != nil {
		found = do(newRun(harvest.Run{}))
	}
	return found, nil
}

// change is look for those who write. What do changes before an error stays: it decides first.
func change[T any](p *process, name string, do func(r *run) (T, error)) (result T, err error) {
	if p.readOnly {
		return result, errors.New("this store was opened to be read")
	}
	return look(p, name, do)
}

// set is change where nothing can be refused.
func (p *process) set(name string, do func(r *run)) error {
	_, err := change(p, name, func(r *run) (any, error) { do(r); return nil, nil })
	return err
}

// each calls do with all runs.
func (m *memory) each(do func(r *run)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		do(r)
	}
}

// LosePages loses the records too, which are part of the pages here.
func (m *memory) LosePages(testing.TB) { m.each(func(r *run) { clear(r.pages) }) }

func (m *memory) Upgrade(_ testing.TB, version int, by string) {
	m.schema = schema.State{Version: version, By: by}
}
func (m *memory) Overtake(_ testing.TB, name string, at harvest.Shard) {
	m.runs[name].shards[at].void()
}
func (m *memory) Lapse(testing.TB) {
	m.each(func(r *run) {
		for _, row := range r.shards {
			row.expires = time.Time{}
		}
	})
}

// Crash lets a process die: all that it leaves behind is in memory.
func (m *memory) Crash(t testing.TB, c storetest.Crash) {
	s, err := m.Open(t.Context(), store.Options{})
	owner := storetest.MustClaim(t, s, store.Claim{Run: storetest.Name, Shard: c.Shard, Owner: "child", TTL: storetest.ShortTTL})
	if len(c.Noted) > 0 {
		err = errors.Join(err, owner.Suspects.Note(t.Context(), storetest.KeysOf(c.Noted)), owner.Suspects.Withdraw(t.Context(), storetest.KeysOf(c.Withdrawn)))
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Landed) > 0 {
		storetest.MustLand(t, owner, c.Landed)
	}
	owner.Lander.(*lease).Stop()
	m.each(func(r *run) { r.shards[c.Shard].owner = nil })
}
