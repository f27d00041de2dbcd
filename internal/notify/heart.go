package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"shoal/internal/harvest"
)

// Heart pings a dead-man switch in the manner of healthchecks.io: /start when the work begins, the
// address itself while there is progress and after a good end, /fail after a bad one. After a
// signal it sends nothing: if no process continues, the switch notices.
type Heart struct {
	address
	every time.Duration
	get   func() harvest.Progress

	quit chan struct{}
	done chan struct{}
	end  context.CancelFunc
	life context.Context
}

// NewHeart makes a heart for an address. It beats after [Heart.Start].
func NewHeart(url string, every time.Duration, version string, log *slog.Logger) *Heart {
	life, end := context.WithCancel(context.Background())
	return &Heart{address: newAddress(url, version, log), every: every, life: life, end: end}
}

// Start begins to ping while [WhyStalled] names nothing.
func (h *Heart) Start(get func() harvest.Progress) {
	if h.get != nil {
		return
	}
	h.get, h.quit, h.done = get, make(chan struct{}), make(chan struct{})
	go h.beat()
}

func (h *Heart) beat() {
	defer close(h.done)
	h.ping(h.life, "start", "started")
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		select {
		case <-h.quit:
			return
		case <-tick.C:
		}
		if p := h.get(); WhyStalled(p) == "" {
			h.ping(h.life, "", "run "+p.Run+": "+counted(p))
		}
	}
}

// Close sends how the process ended, for at most that long.
func (h *Heart) Close(e Ending, limit time.Duration) {
	h.end()
	if h.get != nil {
		close(h.quit)
		<-h.done
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	state, text := "", "ended: "+counted(e.Last)
	switch {
	case e.Code == exitFenced, e.Code > exitSignal:
		return
	case e.Code != 0:
		state, text = "fail", fmt.Sprintf("exit code %d: %s", e.Code, clip(e.Err, maxCause))
	}
	for !h.ping(ctx, state, text) {
		if !pause(ctx, nil, lastWait) {
			return
		}
	}
}

// ping reports whether the ping was delivered, or cannot be.
func (h *Heart) ping(ctx context.Context, state, text string) bool {
	_, err := h.send(ctx, join(h.url, state), http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(text))
	if err == nil {
		return true
	}
	if h.life.Err() == nil || ctx.Err() != nil || isFinal(err) {
		h.log.Warn("heartbeat not delivered", "to", h.host, "state", state, "error", err)
	}
	return isFinal(err)
}

// join adds a word to the path of an address, whose query stays.
func join(address, word string) string {
	u, err := url.Parse(address)
	if err != nil || word == "" {
		return address
	}
	return u.JoinPath(word).String()
}
