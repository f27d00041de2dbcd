//go:build prove

package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

const (
	// standstill is how long a machine may freeze before a proof of the budget means nothing: slots
	// are 1 % further apart than the budget, so that an arrival that is noted this late makes 51 of
	// 50 in its second.
	standstill = 5 * time.Millisecond
	maxTries   = 3
)

// hiccup is a time in which this machine was frozen: arrivals in it were noted late.
type hiccup struct {
	end    time.Time
	length time.Duration
}

// watch notes hiccups until the test ends.
type watch struct {
	mu      sync.Mutex
	hiccups []hiccup
}

func newWatch(t *testing.T) *watch {
	t.Helper()
	w := &watch{}
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := time.Now()
			if gap := now.Sub(last); gap > standstill {
				w.mu.Lock()
				w.hiccups = append(w.hiccups, hiccup{now, gap})
				w.mu.Unlock()
			}
			last = now
		}
	}()
	return w
}

// before returns the longest hiccup that ended in the second before an instant.
func (w *watch) before(at time.Time) (worst hiccup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hiccups {
		if since := at.Sub(h.end); since > -standstill && since < time.Second+standstill && h.length > worst.length {
			worst = h
		}
	}
	return worst
}

// unsteady is the panic of a proof that means nothing, because the machine was frozen.
type unsteady string

// steadily repeats a proof that the machine disturbed.
func steadily(t *testing.T, proof func()) {
	t.Helper()
	for try := 1; ; try++ {
		why := disturbed(proof)
		if why == "" {
			return
		}
		if try == maxTries {
			t.Fatalf("%s, at each of %d tries: this machine is too busy for this proof", why, maxTries)
		}
		t.Logf("%s: tried again", why)
	}
}

func disturbed(proof func()) (why unsteady) {
	defer func() {
		if caught := recover(); caught != nil {
			var ok bool
			if why, ok = caught.(unsteady); !ok {
				panic(caught)
			}
		}
	}()
	proof()
	return ""
}

// steady gives the proof up if the upstream refused something, or met more than most in a second,
// because this machine was frozen.
func (f *fleet) steady(most int) {
	f.t.Helper()
	all := f.api.Arrivals()
	first := 0
	for i, a := range all {
		for a.At.Sub(all[first].At) >= time.Second {
			first++
		}
		if !a.Refused && i-first+1 <= most {
			continue
		}
		if h := f.watch.before(a.At); h.length > 0 {
			panic(unsteady(fmt.Sprintf("arrival %d was too early, after this machine stood still for %s", a.N, h.length.Round(100*time.Microsecond))))
		}
	}
}
