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
		return &twin{&memory{runs: map[string]*run{}, hosts: map[string]*host{}, leaders: map[string]*leader{}}}
	})
}

// memory is what stays when a process ends. One lock makes each method one transaction.
type memory struct {
	mu      sync.Mutex
	schema  schema.State
	runs    map[string]*run
	hosts   map[string]*host
	leaders map[string]*leader
}

// run is all that belongs to one run.
type run struct {
	harvest.Run
	drainBy string
	drainAt time.Time

	pages    map[harvest.Key]harvest.Page // without their records
	records  map[harvest.Key][]harvest.Record
	retried  map[harvest.Key]bool
	suspects map[harvest.Key]suspect
	shards   map[harvest.Shard]*shard
	corpus   []harvest.Entry
	chains   map[string]harvest.Chain
	former   map[string]bool // specs of former extracts
	extract  *extract        // nil while none is under way
	work     map[string]harvest.Work
	sent     map[string]map[int64]harvest.Minute // by worker
}

// shard is the row of a shard that a worker has held.
type shard struct {
	harvest.ShardState
	token            int64
	renewed, expires time.Time // expires is zero where the lease was given back
	crashes          int
	owner            *lease // nil where its process is gone
}

// suspect is an item that was in flight when an owner of its shard crashed, or is in flight now.
type suspect struct {
	shard   harvest.Shard
	token   int64 // of the owner that has it in flight; 0: none
	crashes int
}

// extract are records that are made again.
type extract struct {
	spec   string
	cursor harvest.Key
	landed int64
	staged map[harvest.Key]store.Extracted
}

// host is what is known of an upstream.
type host struct {
	rate, by            string
	at, lifted, silence time.Time
	hold                time.Time
	forever             bool
}

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
	if err != nil {
		return nil, err
	}
	if needed {
		m.schema = schema.State{Version: known, By: options.Version}
	}
	if options.LeaseTTL == 0 {
		options.LeaseTTL = store.DefaultLeaseTTL
	}
	return &process{m: m, readOnly: options.ReadOnly, ttl: options.LeaseTTL}, nil
}

// Close implements [io.Closer].
func (p *process) Close() error { return nil }

var errReadOnly = errors.New("this store was opened to be read")

// look calls do with the run, if there is one.
func (p *process) look(name string, do func(r *run) error) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	r := p.m.runs[name]
	if r == nil {
		return store.ErrNoRun
	}
	return do(r)
}

// change is look for those who write. What do changes before an error stays: do decides first.
func (p *process) change(name string, do func(r *run) error) error {
	if p.readOnly {
		return errReadOnly
	}
	return p.look(name, do)
}

// peek calls do with the run; what is not there is empty.
func (p *process) peek(name string, do func(r *run)) {
	if err := p.look(name, func(r *run) error { do(r); return nil }); err != nil {
		do(newRun(harvest.Run{}))
	}
}

func newRun(given harvest.Run) *run {
	r := &run{Run: given, former: map[string]bool{}, work: map[string]harvest.Work{}, sent: map[string]map[int64]harvest.Minute{}, shards: map[harvest.Shard]*shard{}}
	r.empty()
	r.relist()
	return r
}

// empty takes the pages out.
func (r *run) empty() {
	r.pages, r.records = map[harvest.Key]harvest.Page{}, map[harvest.Key][]harvest.Record{}
	r.retried, r.suspects = map[harvest.Key]bool{}, map[harvest.Key]suspect{}
}

// relist forgets what was enumerated.
func (r *run) relist() { r.corpus, r.chains = nil, map[string]harvest.Chain{} }

// twin is what the contract does behind the store's back.
type twin struct{ m *memory }

func (w *twin) Open(_ context.Context, options store.Options) (*store.Store, error) {
	p, err := w.m.open(options)
	if err != nil {
		return nil, err
	}
	return &store.Store{
		Runs: p, Lifecycle: p, Mirrors: p, Pages: p, Counts: p, Retries: p, Corpus: p, Chains: p, Leases: p, Leaders: p,
		Controls: p, Silences: p, Work: p, Extraction: p, Closer: p,
	}, nil
}

func (w *twin) Overtake(_ testing.TB, name string, at harvest.Shard) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	row := w.m.runs[name].shards[at]
	row.token++
	row.free()
}

func (w *twin) Lapse(testing.TB) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	for _, r := range w.m.runs {
		for _, row := range r.shards {
			if !row.expires.IsZero() {
				row.expires = time.Unix(0, 0)
			}
		}
	}
}

// Crash lets a process die: all that it leaves behind is in memory.
func (w *twin) Crash(t testing.TB, c storetest.Crash) {
	t.Helper()
	p, err := w.m.open(store.Options{})
	must(t, err)
	owner := storetest.MustClaim(t, p, store.Claim{Run: storetest.Name, Shard: c.Shard, Owner: "child", TTL: storetest.ShortTTL})
	if len(c.Noted) > 0 {
		must(t, owner.Suspects.Note(t.Context(), storetest.KeysOf(c.Noted)))
		must(t, owner.Suspects.Withdraw(t.Context(), storetest.KeysOf(c.Withdrawn)))
	}
	if len(c.Landed) > 0 {
		storetest.MustLand(t, owner, c.Landed)
	}
	l := owner.Lander.(*lease)
	l.Finish(leasing.ErrReleased)
	l.Stop()
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.m.runs[storetest.Name].shards[c.Shard].owner = nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *twin) LosePages(testing.TB) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	for _, r := range w.m.runs {
		clear(r.pages)
	}
}

func (w *twin) Upgrade(_ testing.TB, version int, by string) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.m.schema = schema.State{Version: version, By: by}
}
