package pace

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// twin is a backend under test and what a test does to it.
type twin struct {
	Backend
	t       *testing.T
	control interface {
		SetRate(ctx context.Context, host string, rate float64, by string) error
		Hold(ctx context.Context, host string, length time.Duration) error
	}
	real bool                             // in real time, of which a busy machine wastes slots
	lose func()                           // forget everything, as FLUSHALL does
	few  func(format string, args ...any) // fails the test for too few requests; in real time the scenario is tried again first
}

// maxTries is how often a scenario is tried on a machine that may be busy with something else.
const maxTries = 3

// patience makes a scenario that asserts how much was sent, not a bound, forgive a busy machine.
func (w twin) patience() time.Duration {
	if w.real {
		return 300 * time.Millisecond
	}
	return 0
}

// both runs a scenario on the in-process twin in virtual time and on a real Redis in real time.
func both(t *testing.T, scenario func(w twin)) {
	t.Helper()
	t.Parallel()
	t.Run("local", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := NewLocal()
			scenario(twin{l, t, l, false, func() {
				l.mu.Lock()
				l.hosts[host].state = state{}
				l.mu.Unlock()
			}, t.Errorf})
		})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		for try := 1; ; try++ {
			few := ""
			_, client := server(t)
			r := NewRedis(client)
			scenario(twin{r, t, r, true, func() {
				if err := client.FlushAll(t.Context()).Err(); err != nil {
					t.Errorf("FLUSHALL = %v, want no error", err)
				}
			}, func(format string, args ...any) { few = fmt.Sprintf(format, args...) }})
			switch {
			case few == "":
				return
			case try == maxTries:
				t.Fatalf("%s, at each of %d tries", few, maxTries)
			}
			t.Logf("%s: tried again", few)
		}
	})
}

// soon is how long an event may take to reach every worker.
const soon = 100 * time.Millisecond

// at runs do in the answer to the n-th request; every request is a success.
func at(n int, do func(p *Pacer)) upstream {
	return func(p *Pacer, permit Permit, i int) {
		if i == n {
			do(p)
		}
		p.Done(context.Background(), permit, true)
	}
}

// refuseAll answers the requests from..from+n−1 together, once all of them were sent, with a
// backoff of delay.
func refuseAll(t *testing.T, from, n int, delay time.Duration, told chan<- time.Time) upstream {
	t.Helper()
	var inFlight sync.WaitGroup
	inFlight.Add(n)
	var once sync.Once
	return func(p *Pacer, permit Permit, i int) {
		if i >= from && i < from+n {
			inFlight.Done()
			inFlight.Wait()
			once.Do(func() { told <- time.Now() })
			if err := p.Backoff(t.Context(), permit, delay, true); err != nil {
				t.Errorf("Backoff(%v) = %v, want nil", delay, err)
			}
		}
		p.Done(t.Context(), permit, true)
	}
}

func TestBackoffByFortyAtOnceIsOneCut(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		told := make(chan time.Time, 1)
		f := launch(t, w, Settings{Rate: 50, Lateness: w.patience()}, 4, 10, 160, refuseAll(t, 60, 40, 2*time.Second, told))
		f.all.Wait()
		state := f.pacers[0].State()
		if got := state.Rate / state.Budget; got < 0.5 || got > 0.7 { // two cuts would give 0.25 to 0.35
			t.Errorf("share of the rate after 40 refusals at once = %.3f, want one cut to 0.5 and a ramp of two seconds", got)
		}
		from := <-told
		sent := f.finish()
		if got := between(sent, from.Add(time.Microsecond), from.Add(2*time.Second)); got != 0 {
			t.Errorf("requests in the 2 s of silence = %d, want 0", got)
		}
		if got := between(sent, from.Add(2*time.Second), from.Add(3*time.Second+soon)); got > 30 {
			t.Errorf("requests in the first second after = %d, want about half of 50", got)
		} else if got < 15 {
			w.few("requests in the first second after = %d, want about half of 50", got)
		}
	})
}

func TestLostStateKeepsTheSilence(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		var from time.Time
		lost := make(chan struct{})
		f := launch(t, w, Settings{Rate: 50}, 4, 10, 150, at(60, func(p *Pacer) {
			from = time.Now()
			if err := p.Backoff(t.Context(), Permit{Epoch: p.epochNow()}, 3*time.Second, true); err != nil {
				t.Errorf("Backoff(3s) = %v, want nil", err)
			}
			w.lose()
			close(lost)
		}))
		<-lost
		lostAt := time.Now()
		known := f.know(w, func(s State) bool { return !s.Until.IsZero() })
		sent := f.finish()
		if got := between(sent, known, from.Add(3*time.Second)); got != 0 {
			t.Errorf("requests during a backoff of 3s whose state was lost = %d, want 0", got)
		}
		if got := between(sent, known, lostAt.Add(time.Second)); got != 0 {
			t.Errorf("requests in the second after the loss = %d, want 0: leases are waited out", got)
		}
		if got, want := worst(sent), bound(50); got > want {
			t.Errorf("worst second = %d requests, want at most %d", got, want)
		}
	})
}

func (p *Pacer) epochNow() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch
}

func TestRateDownAndUp(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		var up time.Time
		down := make(chan struct{})
		set := func(rate float64) {
			if err := w.control.SetRate(t.Context(), host, rate, "ann"); err != nil {
				t.Errorf("SetRate(%v) = %v, want nil", rate, err)
			}
		}
		f := launch(t, w, Settings{Rate: 100, Lateness: w.patience()}, 4, 10, 290, func(p *Pacer, permit Permit, i int) {
			switch i {
			case 100:
				set(20)
				close(down)
			case 150:
				set(200)
				up = time.Now()
			}
			p.Done(t.Context(), permit, true)
		})
		<-down
		known := f.know(w, func(s State) bool { return s.Budget == 20 })
		f.all.Wait()
		if got := f.pacers[0].State(); got.Budget != 200 || got.RateBy != "ann" {
			t.Errorf("State() = budget %v by %q, want 200 by ann", got.Budget, got.RateBy)
		}
		sent := f.finish()
		if got, want := between(sent, known, known.Add(time.Second)), lateBound(20, w.patience()); got > want {
			t.Errorf("requests in a second after the rate went down to 20 = %d, want at most %d", got, want)
		}
		if got := between(sent, up.Add(1100*time.Millisecond), up.Add(1300*time.Millisecond)); got < 12 { // the old rate gives 4
			w.few("requests in 0.2 s, after the rate went up to 200 and the leased slots were used = %d, want about 40", got)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		paused := make(chan time.Time, 1)
		f := launch(t, w, Settings{Rate: 50, Lateness: w.patience()}, 4, 10, 100, at(50, func(p *Pacer) {
			if err := w.control.Hold(t.Context(), host, time.Hour); err != nil {
				t.Errorf("Hold(1h) = %v, want nil", err)
			}
			paused <- time.Now()
		}))
		from := <-paused
		known := f.know(w, func(s State) bool { return s.Limit == harvest.LimitHold && s.Hold.After(from.Add(59*time.Minute)) })
		<-time.After(time.Until(from.Add(2 * time.Second)))
		again := time.Now()
		if err := w.control.Hold(t.Context(), host, 0); err != nil {
			t.Errorf("Hold(0) = %v, want nil", err)
		}
		sent := f.finish()
		if got := between(sent, known, again); got != 0 {
			t.Errorf("requests during a hold = %d, want 0", got)
		}
		if got := between(sent, again, again.Add(time.Second+soon)); got < 35 {
			w.few("requests in the second after the hold = %d, want about 50", got)
		}
	})
}

func TestDeadWorkersShareIsTakenOver(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		dead := make(chan *Pacer, 1)
		f := launch(t, w, Settings{Rate: 50, Lateness: w.patience()}, 4, 10, 1000, at(50, func(p *Pacer) {
			p.stop() // as kill -9 does: nothing is signed off or given back
			dead <- p
		}))
		killed, gone := <-dead, time.Now()
		// Slots that a busy machine was late for count too: they were taken over.
		due := func(after time.Duration) (slots int64, at time.Time) {
			<-time.After(time.Until(gone.Add(after)))
			for _, p := range f.pacers {
				if p != killed {
					s := p.State()
					slots += s.Used + s.Late
				}
			}
			return slots, time.Now()
		}
		before, from := due(time.Second)
		after, to := due(7 * time.Second)
		for _, stop := range f.stops {
			stop()
		}
		f.finish()
		got := float64(after-before) / to.Sub(from).Seconds() / 50
		want := 0.95
		if w.real {
			want = 0.85 // three of four would use 0.75
		}
		if got < want {
			t.Errorf("use of the budget by the other three = %.3f, want at least %v", got, want)
		}
	})
}

func TestOutageSendsOneProbeForAll(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		var mu sync.Mutex
		var probes int
		var began, over time.Time
		f := launch(t, w, Settings{Rate: 100, Lateness: w.patience()}, 4, 10, 500, func(p *Pacer, permit Permit, i int) {
			mu.Lock()
			now := time.Now()
			if i == 100 {
				began = now
			}
			if permit.Probe {
				probes++
			}
			ok := i < 100 || probes > 0
			if ok && i >= 100 && over.IsZero() {
				over = now
			}
			mu.Unlock()
			p.Done(t.Context(), permit, ok)
		})
		f.all.Wait()
		if p := f.pacers[0]; !p.Forgiven(began.Add(2*time.Second)) || p.Forgiven(began.Add(-time.Second)) || p.Forgiven(over.Add(3*time.Second)) {
			t.Errorf("Forgiven() does not hold for the outage from %v to %v alone", began, over)
		}
		sent := f.finish()
		if probes != 1 {
			t.Errorf("probes = %d, want 1: it succeeded", probes)
		}
		if got := between(sent, over.Add(-4500*time.Millisecond), over.Add(-soon)); got != 0 {
			t.Errorf("requests in the 4.5 s before the probe = %d, want 0", got)
		}
		// A probe that a busy machine let become too late is not sent, and the next one comes after
		// 10 s.
		if got := over.Sub(began); got < 8*time.Second || got > 11*time.Second && got < 18*time.Second || got > 22*time.Second {
			t.Errorf("the probe went %v after the last success, want 3 s and 5 s and at most two calls later", got)
		}
		if got := between(sent, over, over.Add(time.Second)); got > 55 {
			t.Errorf("requests in the second after the outage = %d, want a ramp from half of 100", got)
		}
	})
}

func TestSignOffGivesUnusedSlotsBack(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		ctx := t.Context()
		var a grant
		ready := ask{worker: "a", rate: 50, headroom: 0.01, want: 20, ahead: horizon}
		for a.n == 0 {
			a = must(t)(w.acquire(ctx, host, ready))
		}
		l := lease{grant: a, next: 5}
		p := held{l}.parting(parting{worker: "a"})
		if err := w.release(ctx, host, p); err != nil {
			t.Fatalf("release() = %v, want nil", err)
		}
		ready.worker = "b"
		b := must(t)(w.acquire(ctx, host, ready))
		if got, want := (&lease{grant: b}).at(0), l.at(5); got < want || got > want+1 {
			t.Errorf("first slot after a sign-off = %d, want %d, the first unused one", got, want)
		}
		if err := w.release(ctx, host, p); err != nil {
			t.Fatalf("release() = %v, want nil", err)
		}
		c := must(t)(w.acquire(ctx, host, ready))
		if got, want := (&lease{grant: c}).at(0), (&lease{grant: b}).at(b.n-1); got <= want {
			t.Errorf("first slot after the same sign-off again = %d, want more than %d", got, want)
		}
	})
}

func must(t *testing.T) func(g grant, err error) grant {
	t.Helper()
	return func(g grant, err error) grant {
		t.Helper()
		if err != nil {
			t.Fatalf("acquire() = %v, want no error", err)
		}
		if g.n == 0 {
			<-time.After(time.Duration(min(g.wait, heartbeat)) * time.Microsecond)
		}
		return g
	}
}
