package coordinator

import (
	"context"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// poll is how often the leader of a run looks at it.
const poll = time.Second

// sayAgain is how long the sentence that no worker is there is not repeated, however often one
// comes and goes: workers that are refused do so every few seconds.
const sayAgain = time.Minute

// watch is the run as its leader sees it: the sum of what its processes report.
type watch struct {
	run   string
	began time.Time
	say   func(sentence string)

	mu   sync.Mutex
	last harvest.Progress
	note string          // the latest sentence
	idle bool            // at the last look
	said time.Time       // when it was
	base *harvest.Counts // what had ended at the first look
	away bool            // the store was unreachable at the last look
}

// progress returns the latest look as the progress of a fleet.
func (w *watch) progress() harvest.Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.last
	if p.Started.IsZero() {
		p = harvest.Progress{Run: w.run, Started: w.began, Shard: harvest.Shard{Of: 1}}
	}
	p.Now, p.Fleet = time.Now(), true
	if w.away {
		p.Limit = harvest.LimitStore
	}
	return p
}

func (w *watch) setAway(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
}

// take stores a look at the run. What had ended before the first look is not progress of this
// process.
func (w *watch) take(s RunStatus) {
	p := s.Progress()
	p.Started = w.began
	w.mu.Lock()
	if w.base == nil {
		w.base = &s.Totals
	}
	p.Already, p.Counts = w.base.Items(), s.Totals.Minus(*w.base)
	w.last = p
	note := s.Idle()
	isNew := note != "" && (note != w.note || !w.idle && s.At.Sub(w.said) >= sayAgain)
	if w.idle = note != ""; isNew {
		w.note, w.said = note, s.At
	}
	w.mu.Unlock()
	if isNew {
		w.say(note)
	}
}

// untilDrained returns when all shards of the run are drained.
func (l *Leader) untilDrained(ctx context.Context, leadership Leadership) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		drained := false
		err := l.Again(ctx, func() (err error) {
			defer func() { l.watch.setAway(err != nil && !l.Lost(err)) }()
			if err := leadership.Keep(ctx); err != nil {
				return err
			}
			s, err := Look(ctx, l.Store, l.Run.Name)
			if err != nil {
				return err
			}
			l.refresh(s.Run)
			l.watch.take(s)
			drained = harvest.Drained(s.Shards)
			return nil
		})
		if err != nil || drained {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
