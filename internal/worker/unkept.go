package worker

import (
	"log/slog"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

const (
	// unkeptShown is how many items that were not kept are logged one by one.
	unkeptShown = 20
	// unkeptEvery is how often the others are summed up.
	unkeptEvery = time.Minute
)

// unkeptLog logs items that end without being kept: the first ones each, then a
// line a minute, because a log is not a second store. All of them are rows.
type unkeptLog struct {
	mu    sync.Mutex
	shown int
	more  int
	next  time.Time
}

func (l *unkeptLog) log(log *slog.Logger, page *harvest.Page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown < unkeptShown {
		l.shown++
		log.Warn("item not kept", "url", page.URL, "outcome", string(page.Outcome), "status", page.Status, "reason", page.Reason, "detail", exchange.Head(page.Detail))
		return
	}
	l.more++
	if now := time.Now(); now.After(l.next) {
		log.Warn("more items not kept", "count", l.more, "last", page.URL, "outcome", string(page.Outcome), "reason", page.Reason)
		l.more, l.next = 0, now.Add(unkeptEvery)
	}
}
