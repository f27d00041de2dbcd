package toy

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/leasing"
	"shoal/internal/store/internal/schema"
	"shoal/internal/store/storetest"
)

func TestAThirdStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Contract(t, func(*testing.T) storetest.Twin {
		return &twin{&memory{runs: map[string]*run{}, hosts: map[string]*host{}}}
	})
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
	extract  *extract        // nil while none is under way
	work     map[string]harvest.Work
	sent     map[int64]map[string]harvest.Minute // by minute and worker
}

func newRun(given harvest.Run) *run {
	r := &run{Run: given, former: map[string]bool{}, work: map[string]harvest.Work{}, sent: map[int64]map[string]harvest.Minute{}, shards: map[harvest.Shard]*shard{}}
	r.empty()
	r.relist()
	return r
}

// empty takes the pages out.
func (r *run) empty() {
	r.pages, r.retried, r.suspects = map[harvest.Key]harvest.Page{}, map[harvest.Key]bool{}, map[harvest.Key]suspect{}
}

// relist forgets what was enumerated.
func (r *run) relist() { r.corpus, r.chains = nil, map[string]harvest.Chain{} }

// process is one opened store.
type process struct {
	m        *memory
	readOnly bool
	ttl      time.Duration
}

// known is the newest schema version of this store.
const known = 1

func (m *memory) open(options store.Options) (*process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	needed, err := m.schema.Check(known, options)
	if needed {
		m.schema = schema.State{Version: known, By: options.Version}
	}
	if options.LeaseTTL == 0 {
		options.LeaseTTL = store.DefaultLeaseTTL
	}
	return &process{m: m, readOnly: options.ReadOnly, ttl: options.LeaseTTL}, err
}

// Close implements [io.Closer].
func (p *process) Close() error { return nil }

// look calls do with the run, if there is one.
func (p *process) look(name string, do func(r *run) error) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if r := p.m.runs[name]; r != nil {
		return do(r)
	}
	return store.ErrNoRun
}

// change is look for those who write. What do changes before an error stays: do decides first.
func (p *process) change(name string, do func(r *run) error) error {
	if p.readOnly {
		return errors.New("this store was opened to be read")
	}
	return p.look(name, do)
}

// set is change where nothing can be refused.
func (p *process) set(name string, do func(r *run)) error {
	return p.change(name, func(r *run) error { do(r); return nil })
}

// ask returns what do finds in the run; a run that is not there is empty.
func ask[T any](p *process, name string, do func(r *run) T) (found T, err error) {
	if p.look(name, func(r *run) error { found = do(r); return nil }) != nil {
		found = do(newRun(harvest.Run{}))
	}
	return found, nil
}

// wait tries until it is done.
func wait(ctx context.Context, try func() (done bool, err error)) error {
	for {
		if done, err := try(); done || err != nil {
			return err
		}
		if err := leasing.Pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// twin is what the contract does behind the store's back.
type twin struct{ m *memory }

func (w *twin) Open(_ context.Context, options store.Options) (*store.Store, error) {
	p, err := w.m.open(options)
	return &store.Store{
		Runs: p, Lifecycle: p, Mirrors: p, Pages: p, Counts: p, Retries: p, Corpus: p, Chains: p, Leases: p, Leaders: p,
		Controls: p, Silences: p, Work: p, Extraction: p, Closer: p,
	}, err
}

// each calls do with all runs.
func (w *twin) each(do func(r *run)) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	for _, r := range w.m.runs {
		do(r)
	}
}

func (w *twin) Overtake(_ testing.TB, name string, at harvest.Shard) {
	w.each(func(r *run) {
		if r.Name == name {
			r.shards[at].void()
		}
	})
}

func (w *twin) Lapse(testing.TB) {
	w.each(func(r *run) {
		for _, row := range r.shards {
			row.expires = time.Time{}
		}
	})
}

// Crash lets a process die: all that it leaves behind is in memory.
func (w *twin) Crash(t testing.TB, c storetest.Crash) {
	t.Helper()
	p, err := w.m.open(store.Options{})
	owner := storetest.MustClaim(t, p, store.Claim{Run: storetest.Name, Shard: c.Shard, Owner: "child", TTL: storetest.ShortTTL})
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
	w.each(func(r *run) { r.shards[c.Shard].owner = nil })
}

// LosePages loses the records too: here they are part of the pages.
func (w *twin) LosePages(testing.TB) { w.each(func(r *run) { clear(r.pages) }) }

func (w *twin) Upgrade(_ testing.TB, version int, by string) {
	w.m.schema = schema.State{Version: version, By: by}
}
