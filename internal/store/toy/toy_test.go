package toy

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/schema"
	"shoal/internal/store/simple"
	"shoal/internal/store/storetest"
)

func TestAThirdStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(*testing.T) storetest.Twin {
		return &memory{runs: map[string]*run{}, hosts: map[string]simple.Host{}}
	})
}

// memory is what stays when a process ends. One lock makes each method one transaction.
type memory struct {
	mu     sync.Mutex
	schema schema.State
	runs   map[string]*run
	hosts  map[string]simple.Host
}

// run is all that belongs to one run.
type run struct {
	harvest.Run
	leader   *leader
	drainBy  string
	drainAt  time.Time
	pages    map[harvest.Key]harvest.Page // with their records
	retried  map[harvest.Key]bool
	suspects simple.Suspects
	shards   simple.Shards
	owners   map[harvest.Shard]int64 // tokens of processes that live
	corpus   []harvest.Entry
	chains   simple.Chains
	former   map[string]bool // specs of former extracts
	extract  simple.Extract
	work     simple.Work
}

func newRun(given harvest.Run) *run {
	return &run{
		Run: given, pages: map[harvest.Key]harvest.Page{}, retried: map[harvest.Key]bool{}, suspects: simple.Suspects{}, shards: simple.Shards{},
		owners: map[harvest.Shard]int64{}, chains: simple.Chains{}, former: map[string]bool{},
	}
}

// process is one opened store.
type process struct {
	simple.Pages
	simple.Orders
	m        *memory
	readOnly bool
	ttl      time.Duration
	version  string
}

func (m *memory) Open(_ context.Context, options store.Options) (*store.Store, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	const newest = 1
	needed, err := m.schema.Check(newest, options)
	if needed {
		m.schema = schema.State{Version: newest, By: options.Version}
	}
	p := &process{m: m, readOnly: options.ReadOnly, version: options.Version, ttl: cmp.Or(options.LeaseTTL, store.DefaultLeaseTTL), Orders: simple.Orders{Change: m.order}}
	p.Pages.Of = p
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

// exclude is change beside which no worker may hold a shard.
func exclude[T any](p *process, name string, do func(r *run) (T, error)) (T, error) {
	return change(p, name, func(r *run) (result T, err error) {
		if err := r.shards.Exclude(time.Now()); err != nil {
			return result, err
		}
		return do(r)
	})
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
	m.runs[name].shards[at].Void(time.Now())
}
func (m *memory) Lapse(testing.TB) {
	m.each(func(r *run) {
		for _, row := range r.shards {
			row.Expires = time.Time{}
		}
	})
}

// Crash lets a process die: all that it leaves behind is in memory.
func (m *memory) Crash(t testing.TB, c storetest.Crash) {
	s, err := m.Open(t.Context(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Live(t, s).Lander.(*lease).Stop()
	m.each(func(r *run) { delete(r.owners, c.Shard) })
}
