package worker

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"shoal/internal/harvest"
)

const (
	// chunkSize is how many keys the worker looks up in the ledger and the store at a time.
	chunkSize = 1000
	// readAhead is how many items the reader may be ahead of the feed, and readAheadBytes how many
	// bytes of them. So the worker knows the end of a small corpus at once.
	readAhead      = 16 << 10
	readAheadBytes = 4 << 20
)

// feeder is the state of a pass over the corpus.
type feeder struct {
	mu      sync.Mutex
	claimed map[harvest.Key]struct{} // handed out and not yet committed

	ahead   *semaphore.Weighted // bytes of items that were read and not yet handed out
	reading chan struct{}       // closed when the reader has gone

	scan       corpusScan
	damage     error
	corpusDone bool // every item of the shard was handed out or known

	trusted  atomic.Int64 // items that only the ledger has claimed as done
	invented atomic.Int64 // items that the ledger claimed and the store does not have
}

func (f *feeder) init() {
	f.claimed = make(map[harvest.Key]struct{})
	f.ahead = semaphore.NewWeighted(readAheadBytes)
	f.reading = make(chan struct{})
}

// weight returns what an item counts while it is read ahead.
func weight(item harvest.Item) int64 {
	return min(readAheadBytes, int64(128+len(item.URL)+len(item.ID)+len(item.Body)))
}

// Reading is closed when the corpus is not read any more; only then may it be closed.
func (w *Worker) Reading() <-chan struct{} { return w.feeder.reading }

// lastRead is how long a read that cannot be interrupted keeps its corpus open.
const lastRead = time.Second

// CloseRead closes a corpus, if one is open, once no worker reads it any more; reading is nil where
// none has. If a read does not end, the corpus stays open, and ends with the process.
func CloseRead(corpus io.Closer, reading func() <-chan struct{}) (closed bool, err error) {
	if corpus == nil {
		return true, nil
	}
	if reading != nil {
		select {
		case <-reading():
		case <-time.After(lastRead):
			return false, nil
		}
	}
	return true, corpus.Close()
}

// corpusScan is one reading of the whole corpus, other shards included.
type corpusScan struct {
	digest   harvest.Digest
	prefix   string
	rejected int64
	err      error
}

func (f *feeder) result() Result {
	return Result{
		Digest: f.scan.digest, Prefix: f.scan.prefix, Rejected: f.scan.rejected,
		Complete: f.corpusDone && f.damage == nil,
	}
}

// claim takes the keys that are not in hand yet; it returns the items that are
// ours to look up. Claiming before the store is asked is what makes lines close
// together be fetched once: a page that lands in between is then known.
func (f *feeder) claim(items []harvest.Item) []harvest.Item {
	f.mu.Lock()
	defer f.mu.Unlock()
	ours := items[:0]
	for _, item := range items {
		if _, taken := f.claimed[item.Key]; !taken {
			f.claimed[item.Key] = struct{}{}
			ours = append(ours, item)
		}
	}
	return ours
}

func (f *feeder) release(keys ...harvest.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		delete(f.claimed, key)
	}
}

// feed hands the shard's new items to the packer, in the corpus' order.
func (w *Worker) feed() {
	if err := w.suspect(); err != nil {
		w.fail(err)
		close(w.feeder.reading)
		return
	}
	items := make(chan harvest.Item, readAhead)
	ended := make(chan corpusScan, 1)
	// A read from a terminal or a pipe cannot be interrupted, so the reader is
	// left behind when the work ends before the corpus does.
	go w.read(items, ended)
	chunk := make([]harvest.Item, 0, chunkSize)
	for {
		var more bool
		if chunk, more = nextChunk(w.feeding, items, chunk[:0]); !more {
			break
		}
		if !w.hand(chunk) {
			return
		}
	}
	if !w.giveLater(true) {
		return
	}
	select {
	case w.feeder.scan = <-ended:
		w.feeder.damage, w.feeder.corpusDone = w.feeder.scan.err, true
		w.fed.Store(true)
	case <-w.feeding.Done():
	}
}

// nextChunk waits for one item and takes the others that are ready.
func nextChunk(ctx context.Context, items <-chan harvest.Item, chunk []harvest.Item) ([]harvest.Item, bool) {
	select {
	case <-ctx.Done():
		return chunk, false
	case item, ok := <-items:
		if !ok {
			return chunk, false
		}
		chunk = append(chunk, item)
	}
	for len(chunk) < cap(chunk) {
		select {
		case item, ok := <-items:
			if !ok {
				return chunk, true
			}
			chunk = append(chunk, item)
		default:
			return chunk, true
		}
	}
	return chunk, true
}

// read is the one streaming pass over the corpus.
func (w *Worker) read(items chan<- harvest.Item, ended chan<- corpusScan) {
	var p corpusScan
	defer close(w.feeder.reading)
	defer func() { close(items); ended <- p }()
	for entry, err := range w.parts.Corpus.Entries() {
		if err != nil {
			p.err = err
			break
		}
		if w.feeding.Err() != nil {
			return
		}
		if entry.Rejected != nil {
			if w.config.Shard.Owns(entry.Rejected.Key) {
				p.rejected++
				w.rejected.Add(1)
				w.parts.Log.Warn("corpus line rejected", "line", entry.Rejected.Line, "reason", entry.Rejected.Reason, "text", entry.Rejected.Text)
			}
			continue
		}
		p.digest.Add(entry.Item.Key)
		if p.digest.Count == w.config.Run.CorpusItems {
			p.prefix = p.digest.Sum()
		}
		if !w.config.Shard.Owns(entry.Item.Key) {
			w.neighbours.add(entry.Item)
			continue
		}
		if w.feeder.ahead.Acquire(w.feeding, weight(entry.Item)) != nil {
			return
		}
		w.seen.Add(1)
		select {
		case items <- entry.Item:
		case <-w.feeding.Done():
			return
		}
	}
	w.corpusEnded.Store(true)
}

// hand passes the new items of a chunk to the packer; false when the work ends.
func (w *Worker) hand(chunk []harvest.Item) bool {
	var held int64
	for _, item := range chunk {
		held += weight(item)
	}
	defer w.feeder.ahead.Release(held)
	ours := w.feeder.claim(chunk)
	known, err := w.known(ours)
	if err != nil {
		w.fail(err)
		return false
	}
	for i, item := range ours {
		if known[i] {
			w.already.Add(1)
			w.feeder.release(item.Key)
			continue
		}
		if !w.give(item) {
			return false
		}
	}
	return w.feeding.Err() == nil && w.giveLater(false)
}

// known asks the ledger first and the store for what the ledger does not know;
// what the store knows is marked in the ledger.
func (w *Worker) known(items []harvest.Item) ([]bool, error) {
	keys := make([]harvest.Key, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	generation := w.parts.Lease.Fingerprint()
	claims := w.claims(generation, keys)
	done := make([]bool, len(keys))
	if !w.config.Verify {
		w.feeder.trusted.Add(count(claims))
		copy(done, claims)
	}
	var ask []harvest.Key
	var at []int
	for i, yes := range done {
		if !yes {
			ask, at = append(ask, keys[i]), append(at, i)
		}
	}
	if len(ask) == 0 {
		return done, nil
	}
	found, err := w.askStore(ask)
	if err != nil {
		return nil, err
	}
	var back []harvest.Key
	for j, yes := range found {
		if yes {
			done[at[j]] = true
			back = append(back, ask[j])
		} else if claims[at[j]] {
			w.feeder.invented.Add(1)
		}
	}
	w.mark(generation, back)
	return done, nil
}

// askStore repeats the question until the store answers or patience ends.
func (w *Worker) askStore(keys []harvest.Key) (found []bool, err error) {
	err = w.persist(noteAsking, func() (err error) {
		ctx, cancel := context.WithTimeout(w.feeding, storeLimit)
		defer cancel()
		found, err = w.parts.Store.Known(ctx, w.config.Run.Name, keys)
		return err
	})
	return found, err
}

// openTasks bounds how many items are between the feed and the batch.
type openTasks struct {
	most  int64
	tasks *semaphore.Weighted
	count atomic.Int64

	mu     sync.Mutex
	narrow bool
	held   int64 // of most, until widen
}

// init admits most items at a time, but no more than first in total before widen; 0 for no such
// bound.
func (o *openTasks) init(most, first int) {
	o.most, o.tasks = int64(most), semaphore.NewWeighted(int64(most))
	if o.narrow = first > 0 && first < most; o.narrow {
		o.held = int64(most - first)
		o.tasks.TryAcquire(o.held) // none is taken yet
	}
}

// widen admits as many as there is room for. Only the first call does anything.
func (o *openTasks) widen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.narrow {
		o.tasks.Release(o.held)
		o.narrow, o.held = false, 0
	}
}

// allowed returns how many may be open now.
func (o *openTasks) allowed() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int(o.most - o.held)
}

func (o *openTasks) take(ctx context.Context) bool {
	if o.tasks.Acquire(ctx, 1) != nil {
		return false
	}
	o.count.Add(1)
	return true
}

func (o *openTasks) settle(n int) {
	o.count.Add(-int64(n))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.narrow {
		o.held += int64(n)
		return
	}
	o.tasks.Release(int64(n))
}

// wait waits until no task is open, or ctx ends.
func (o *openTasks) wait(ctx context.Context) {
	o.widen()
	_ = o.tasks.Acquire(ctx, o.most)
}
