package fetch

import (
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// A peer that sends GOAWAY every N requests costs next to nothing once that is known.
func TestRegularGoAwayIsForeseen(t *testing.T) {
	t.Parallel()
	const every, n = 100, 1500
	o := fakeapi.Options{Behaviour: fakeapi.Behaviour{GoAwayEvery: every, Latency: time.Millisecond}}
	s, c := serve(t, o, Config{Streams: 8})
	faults, sends := crowd(t, c, s.URL, n, 8)
	if lost := len(s.Unprocessed()); lost > n/30 {
		t.Errorf("%d of %d requests were unprocessed, want at most 3 %%; %v", lost, sends, faults)
	}
	if dials := c.Stats().Dials; dials > n/every+3 {
		t.Errorf("Stats().Dials = %d for %d requests, want about one for %d requests", dials, n, every)
	}
	for _, conn := range s.Connections() {
		if conn.Requests > every {
			t.Errorf("connection %d carried %d requests, want at most %d", conn.N, conn.Requests, every)
		}
	}
}

func TestLearnsWhenGoAwayComes(t *testing.T) {
	t.Parallel()
	p := h2pool{learned: unlearned}
	for _, row := range []struct {
		opened, processed, learned int64
		agreed                     int
	}{
		{1003, 1000, 1000, 1},
		{1010, 1000, 1000, 2},
		{1002, 1 << 30, 1002, 3}, // only an announcement: the last id means nothing
		{7, 7, 7, 1},
		{500, 0, 500, 1},
	} {
		p.learn(row.opened, row.processed)
		if p.learned != row.learned || p.agreed != row.agreed {
			t.Errorf("learn(%d, %d) = %d, agreed %d, want %d, %d", row.opened, row.processed, p.learned, p.agreed, row.learned, row.agreed)
		}
	}
}

// The peer lowers its cap under full load and raises it again: exactly the calls of Send are sent,
// no further connection is opened, and all ends well.
func TestCapChangesUnderLoad(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	o := fakeapi.Options{Behaviour: fakeapi.Behaviour{MaxStreams: 100, Latency: time.Millisecond}}
	s, c := serve(t, o, Config{Streams: 32})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, streams := range []int{1, 100, 1, 3, 100} {
			was := int64(len(s.Arrivals()))
			s.Set(func(b *fakeapi.Behaviour) { b.MaxStreams = streams })
			for int64(len(s.Arrivals())) < min(was+100, 700) {
				select {
				case <-t.Context().Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
			n.Add(1)
		}
	}()
	faults, sends := crowd(t, c, s.URL, 700, 32)
	<-done
	if arrived := int64(len(s.Arrivals()) + len(s.Unprocessed())); arrived > sends {
		t.Errorf("%d requests arrived, Send was called %d times", arrived, sends)
	}
	for fault := range faults {
		if fault != harvest.FaultNone && fault != harvest.FaultUnprocessed {
			t.Errorf("answers by fault = %v, want none but %q", faults, harvest.FaultUnprocessed)
		}
	}
	if dials := c.Stats().Dials; dials != 1 {
		t.Errorf("Stats().Dials = %d, want 1", dials)
	}
	if n.Load() != 5 {
		t.Errorf("%d changes of the cap, want 5", n.Load())
	}
}
