package status

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// queued is how many log lines may wait for a slow terminal or pipe.
const queued = 1024

// Queue carries log lines to a writer that may block, without ever blocking those who log: a line
// that finds the queue full is dropped and counted.
type Queue struct {
	lines   chan []byte
	done    chan struct{}
	dropped atomic.Int64

	mu     sync.RWMutex // held while sending, so that Close closes after the last line
	closed bool
}

// NewLogger makes a logger whose lines go through a [Queue] to w (a [*Screen], if there is a bar).
// The format is json, or text for people. Control characters of any text are escaped.
func NewLogger(w io.Writer, level slog.Leveler, format string) (*slog.Logger, *Queue) {
	q := &Queue{lines: make(chan []byte, queued), done: make(chan struct{})}
	go q.drain(w)
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(q, options)).With("type", "log"), q
	}
	return slog.New(slog.NewTextHandler(q, options)), q
}

// Write takes one line. It never blocks and never fails.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.dropped.Add(1)
		return len(line), nil
	}
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.dropped.Add(1)
	}
	return len(line), nil
}

// Dropped returns how many lines were lost because the writer did not take them.
func (q *Queue) Dropped() int64 { return q.dropped.Load() }

// Close writes the waiting lines, for at most wait, and counts those that did not make it. Lines
// logged after it are dropped.
func (q *Queue) Close(wait time.Duration) {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.lines)
	}
	q.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		q.dropped.Add(int64(len(q.lines)))
	}
}

func (q *Queue) drain(w io.Writer) {
	defer close(q.done)
	for line := range q.lines {
		text := string(line[:len(line)-1])
		// A writer that fails loses this line; the next one may pass.
		if _, err := io.WriteString(w, harvest.Line(text)+"\n"); err != nil {
			q.dropped.Add(1)
		}
	}
}
