package notify

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// TestHeartBeats: start, pings while there is progress, and how it ended; the query stays.
func TestHeartBeats(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code int
		last string
	}{{0, "/x?k=1"}, {1, "/x/fail?k=1"}, {4, "/x/fail?k=1"}, {143, ""}, {13, ""}} {
		r := newReceiver(t, func(w http.ResponseWriter, n int) {
			if n == 2 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		h := NewHeart(r.URL+"/x?k=1", time.Millisecond, "1.2", slog.New(slog.DiscardHandler))
		h.Start(func() harvest.Progress { return harvest.Progress{Run: "q", Limit: harvest.LimitBackoff} })
		before := r.wait(t, 4)
		if before[0].path != "/x/start?k=1" || before[1].path != "/x?k=1" || !strings.Contains(string(before[1].body), "run q: ") {
			t.Errorf("pings %s, %s %s, want /start and then the address itself", before[0].path, before[1].path, before[1].body)
		}
		h.Close(Ending{Code: test.code, Err: "it broke", Last: harvest.Progress{Run: "q"}}, 5*time.Second)
		r.mu.Lock()
		got := r.got[len(r.got)-1]
		r.mu.Unlock()
		ended := strings.HasPrefix(string(got.body), "ended: ") || strings.HasPrefix(string(got.body), "exit code ")
		if ended != (test.last != "") || ended && got.path != test.last {
			t.Errorf("code %d: the last ping is %s %s, want %q", test.code, got.path, got.body, test.last)
		}
	}
}

// TestHeartStopsWithProgress: what a person must repair stops the pings, until it is repaired.
func TestHeartStopsWithProgress(t *testing.T) {
	t.Parallel()
	for name, ill := range map[string]harvest.Progress{
		"store away": {Limit: harvest.LimitStore}, "Redis away": {Limit: harvest.LimitPace}, "upstream out": {Limit: harvest.LimitOutage},
		"stuck": {Stuck: "land"}, "no worker": {Idle: "no worker is on the run"},
	} {
		r := newReceiver(t, nil)
		h := NewHeart(r.URL, time.Millisecond, "1.2", slog.New(slog.DiscardHandler))
		var looks atomic.Int64
		well := make(chan struct{})
		h.Start(func() harvest.Progress {
			if looks.Add(1) == 20 {
				close(well)
			}
			if looks.Load() > 20 {
				return harvest.Progress{Limit: harvest.LimitBudget}
			}
			return ill
		})
		<-well
		r.mu.Lock()
		got := len(r.got)
		r.mu.Unlock()
		if got != 1 {
			t.Errorf("%s: %d pings in 20 looks, want only that of the start", name, got)
		}
		r.wait(t, 3)
		h.Close(Ending{Code: 143}, time.Second)
	}
}

// TestHeartNeverHoldsTheEnd: a receiver that hangs does not keep the process.
func TestHeartNeverHoldsTheEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newReceiver(t, func(http.ResponseWriter, int) { <-release })
	defer close(release)
	var log journal
	h := NewHeart(r.URL+secretPath, time.Hour, "1.2", log.log())
	h.Start(func() harvest.Progress { return harvest.Progress{} })
	r.wait(t, 1)
	began := time.Now()
	h.Close(Ending{}, 300*time.Millisecond)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Close(300ms) took %s", took)
	}
	if text := log.String(); !strings.Contains(text, "heartbeat not delivered") || strings.Contains(text, "c4nary") {
		t.Errorf("logged %s, want what was not delivered, without the address", text)
	}
}
