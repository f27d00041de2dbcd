package worker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// meter counts what a worker does. The stages write, Progress reads.
type meter struct {
	started time.Time
	notes   notes
	unkept  unkeptLog

	seen, already, handed, committed, rejected    atomic.Int64
	retries, pauses, kept, lastGood, lastAccepted atomic.Int64
	storeBlocks, corpusEnded, fed                 atomic.Bool
	lastBad                                       atomic.Pointer[string] // the latest sign of an outage

	mu     sync.Mutex
	counts harvest.Counts
}

func (m *meter) landed(counts harvest.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts = m.counts.Plus(counts)
}

func (m *meter) landedSoFar() harvest.Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// Progress returns the worker's state at this moment. It is safe for concurrent use.
func (w *Worker) Progress() harvest.Progress {
	counts := w.landedSoFar()
	counts.Rejected = w.rejected.Load()
	pace := w.parts.Pace.State()
	p := harvest.Progress{
		Run: w.config.Run.Name, Shard: w.config.Shard, Started: w.started, Now: time.Now(),
		Already: w.already.Load(), Seen: w.seen.Load(), Counts: counts,
		Requests: w.client.Sent(), Retries: w.retries.Load(), Pauses: w.pauses.Load(),
		Wire: w.client.Wire(), InFlight: w.client.InFlight(),
		Budget: pace.Budget, Lowered: pace.Lowered, SilentUntil: pace.Until, Note: w.note(), CorpusEnded: w.corpusEnded.Load(),
	}
	p.Total, p.Guess = w.total(p)
	p.Limit = w.limit(pace, p)
	if p.Stuck = w.parts.Counters.Stuck(p.Now, p.Limit == harvest.LimitStore); p.Stuck != "" && p.Note == "" {
		p.Note = p.Stuck
	}
	if p.Note == "" && p.Limit == harvest.LimitOutage {
		p.Note = w.lastUpstreamError()
	}
	return p
}

// total returns how many items the shard has: counted once the corpus was read, known from an
// earlier pass, or estimated from the part that was read.
func (w *Worker) total(p harvest.Progress) (n int64, guess bool) {
	fraction := w.parts.Corpus.Fraction()
	switch {
	case w.fed.Load():
		return p.Already + w.handed.Load(), false
	case p.CorpusEnded: // repeats of an item still count
		return p.Seen, false
	case w.config.Run.CorpusItems > 0:
		return max(p.Seen, w.config.Run.CorpusItems/int64(w.config.Shard.Of)), w.config.Shard.Of > 1
	case fraction > 0 && p.Seen > readAhead:
		return int64(float64(p.Seen) / min(1, fraction)), true
	}
	return 0, false
}

// note returns what a person should see now.
func (w *Worker) note() string {
	if note := w.notes.first(); note != "" {
		return note
	}
	return w.parts.Lease.Trouble()
}

// lastUpstreamError is what the upstream did last that looks like an outage; empty when it did
// nothing of the kind.
func (m *meter) lastUpstreamError() string {
	if why := m.lastBad.Load(); why != nil {
		return noteUpstream + ": " + *why
	}
	return ""
}

// limit names the one thing that a person would have to change for more speed.
func (w *Worker) limit(pace exchange.PaceState, p harvest.Progress) harvest.Limit {
	switch {
	case w.storeBlocks.Load(), w.notes.has(noteAsking), w.notes.has(noteLanding):
		return harvest.LimitStore
	case pace.Limit != harvest.LimitBudget && pace.Limit != harvest.LimitRamp:
		return pace.Limit
	case w.dialBackoff.lasts():
		return harvest.LimitOutage
	case w.client.Pacing() > 0:
		return pace.Limit
	case p.InFlight > 0 && !w.queue.idle(), p.InFlight >= int64(w.config.Concurrency):
		return harvest.LimitLatency
	case w.fed.Load() && p.InFlight == 0 && !(w.queue.idle() && w.aside.idle()):
		return harvest.LimitRetry
	}
	return harvest.LimitCorpus
}

// notes are the dependencies that are failing now, each with a sentence for a person.
type notes struct {
	mu   sync.Mutex
	what []string
	text map[string]string
}

func (n *notes) set(what, why string, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.text == nil {
		n.text = make(map[string]string)
	}
	if _, there := n.text[what]; !there {
		n.what = append(n.what, what)
	}
	n.text[what] = fmt.Sprintf("%s, next try in %s", why, wait.Round(100*time.Millisecond))
}

func (n *notes) clear(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, there := n.text[what]; !there {
		return
	}
	delete(n.text, what)
	for i := range n.what {
		if n.what[i] == what {
			n.what = append(n.what[:i], n.what[i+1:]...)
			return
		}
	}
}

func (n *notes) has(what string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, there := n.text[what]
	return there
}

func (n *notes) first() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.what) == 0 {
		return ""
	}
	return n.text[n.what[0]]
}
