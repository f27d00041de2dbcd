package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// Settings are what a [Reporter] is made of.
type Settings struct {
	URLs      []string      // of receivers
	Key       []byte        // signs what they get; empty for none
	After     time.Duration // see [Watch]
	Heartbeat string        // address of a dead-man switch; empty for none
	Every     time.Duration // between two pings
	Version   string
	Log       *slog.Logger
}

// look is how often the process is looked at.
const look = time.Second

// lastWord is how long the end of a process may take because of its receivers.
const lastWord = 5 * time.Second

// Reporter watches one process and sends word of it. The methods of nil do nothing.
type Reporter struct {
	poster *Poster
	heart  *Heart
	watch  Watch

	stop context.CancelFunc
	done chan struct{}
}

// NewReporter begins to deliver; nil if there is neither a receiver nor a dead-man switch.
func NewReporter(s Settings) *Reporter {
	if len(s.URLs) == 0 && s.Heartbeat == "" {
		return nil
	}
	r := &Reporter{poster: NewPoster(s.URLs, s.Key, s.Version, s.Log), watch: Watch{After: s.After}}
	if s.Heartbeat != "" {
		r.heart = NewHeart(s.Heartbeat, s.Every, s.Version, s.Log)
	}
	return r
}

// Start watches a process through its progress, once.
func (r *Reporter) Start(get func() harvest.Progress) {
	if r == nil || r.stop != nil {
		return
	}
	if r.heart != nil {
		r.heart.Start(get)
	}
	life, stop := context.WithCancel(context.Background())
	r.stop, r.done = stop, make(chan struct{})
	go func() {
		defer close(r.done)
		tick := time.NewTicker(look)
		defer tick.Stop()
		for {
			select {
			case <-life.Done():
				return
			case <-tick.C:
				if n, ok := r.watch.See(get()); ok {
					r.poster.Post(n)
				}
			}
		}
	}()
}

// Close sends how the process ended, and gives what is queued a few seconds to be delivered.
func (r *Reporter) Close(e Ending) {
	if r == nil {
		return
	}
	if r.stop != nil {
		r.stop()
		<-r.done
	}
	if n, ok := e.Notice(); ok {
		r.poster.Post(n)
	}
	var both sync.WaitGroup
	both.Go(func() { r.poster.Close(lastWord) })
	if r.heart != nil {
		both.Go(func() { r.heart.Close(e, lastWord) })
	}
	both.Wait()
}
