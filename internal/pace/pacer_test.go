package pace

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// forgetful is a backend that loses every fifth answer that carries slots, after they were leased.
type forgetful struct {
	*Local
	grants, lost atomic.Int64 // answers that carry slots; slots in those that were lost
}

func (f *forgetful) acquire(ctx context.Context, host string, a ask) (grant, error) {
	g, err := f.Local.acquire(ctx, host, a)
	if err == nil && g.n > 0 && f.grants.Add(1)%5 == 0 {
		f.lost.Add(int64(g.n))
		return grant{}, errors.New("the answer was lost")
	}
	return g, err
}

func TestLostRepliesWasteSlotsAndDoubleNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &forgetful{Local: NewLocal()}
		f := launch(t, backend, Settings{Rate: 50}, 4, 10, 500, nil)
		sent := f.finish()
		if got, want := worst(sent), bound(50); got > want {
			t.Errorf("worst second = %d requests, want at most %d", got, want)
		}
		if got := use(sent, 50); got > 0.98 || got < 0.5 {
			t.Errorf("use of the budget with every fifth reply lost = %.3f, want some waste", got)
		}
		// A lost answer costs the slots in it and no more: with them, the budget is used up.
		n := float64(len(sent))
		if got := use(sent, 50) * (n + float64(backend.lost.Load())) / n; got < 0.95 || got > 1.02 {
			t.Errorf("use of the budget with the lost slots counted = %.3f, want all of it", got)
		}
	})
}

func TestClockOfTheBackendJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour, "back a little": -1500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLocal()
				clock := l.clock
				var off atomic.Int64
				l.clock = func() int64 { return clock() + off.Load() }
				f := launch(t, l, Settings{Rate: 50}, 4, 10, 600, at(200, func(*Pacer) { off.Store(jump.Microseconds()) }))
				sent := f.finish()
				if got, want := worst(sent), bound(50); got > want {
					t.Errorf("worst second = %d requests, want at most %d", got, want)
				}
				if got := sent[len(sent)-1].Sub(sent[0]); got > 17*time.Second {
					t.Errorf("600 requests took %v, want 12 s and a short pause", got)
				}
			})
		})
	}
}

func TestClockJumpAheadEndsNoSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		clock := l.clock
		var off atomic.Int64
		l.clock = func() int64 { return clock() + off.Load() }
		var from time.Time
		f := launch(t, l, Settings{Rate: 50}, 4, 10, 150, func(p *Pacer, permit Permit, i int) {
			if i == 100 {
				from = time.Now()
				if err := p.Backoff(t.Context(), permit, 5*time.Second, true); err != nil {
					t.Errorf("Backoff(5s) = %v, want nil", err)
				}
				off.Store(time.Hour.Microseconds())
			}
			p.Done(t.Context(), permit, true)
		})
		sent := f.finish()
		if got := between(sent, from.Add(time.Microsecond), from.Add(5*time.Second)); got != 0 {
			t.Errorf("requests in a silence of 5s while the backend's clock jumped ahead = %d, want 0", got)
		}
	})
}

func TestAdmission(t *testing.T) {
	both(t, func(w twin) {
		t, ctx := w.t, w.t.Context()
		a := ask{rate: 50, want: 1, ahead: horizon, limit: 2}
		try := func(worker string) grant {
			<-time.After(time.Millisecond) // the order of arrival is that of instants
			a.worker = worker
			g, err := w.acquire(ctx, host, a)
			if err != nil {
				t.Fatalf("acquire() = %v, want no error", err)
			}
			return g
		}
		for _, name := range []string{"c", "a", "b"} {
			if got, want := try(name).standby, name == "b"; got != want {
				t.Errorf("standby of %s, by arrival = %v, want %v", name, got, want)
			}
		}
		if err := w.release(ctx, host, parting{worker: "c"}); err != nil {
			t.Fatalf("release() = %v, want nil", err)
		}
		if try("b").standby {
			t.Error("standby after a place was freed = true, want false")
		}
	})
}

func TestLowestRateAskedCountsUntilAnOperatorSetsOne(t *testing.T) {
	both(t, func(w twin) {
		t, ctx := w.t, w.t.Context()
		rate := func(worker string, asked float64) float64 {
			g, err := w.acquire(ctx, host, ask{worker: worker, rate: asked, ahead: horizon})
			if err != nil {
				t.Fatalf("acquire() = %v, want no error", err)
			}
			return g.rate
		}
		rate("a", 50)
		if got := rate("b", 20); got != 20 {
			t.Errorf("rate asked for as 50 and 20 = %v, want 20", got)
		}
		if err := w.control.SetRate(ctx, host, 70, ""); err != nil {
			t.Fatalf("SetRate(70) = %v, want nil", err)
		}
		if got := rate("b", 20); got != 70 {
			t.Errorf("rate set to 70 = %v, want 70", got)
		}
		if err := w.control.SetRate(ctx, host, 0, ""); err == nil {
			t.Error("SetRate(0) = nil, want an error")
		}
	})
}

func TestOperatorsWishOutlivesALostState(t *testing.T) {
	both(t, func(w twin) {
		t := w.t
		p := New(Settings{Host: host, Rate: 50, Worker: "a"}, w)
		began := time.Now()
		confirm := func() { // as a worker does that asks its store again and again
			p.Confirm(Known{Asked: time.Now(), Rate: 7, By: "ann", Hold: max(0, time.Until(began.Add(1500*time.Millisecond)))})
		}
		confirm()
		defer every(100*time.Millisecond, confirm)()
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatalf("Wait() = %v, want no error", err)
		}
		if got := time.Since(began); got < 1400*time.Millisecond {
			t.Errorf("first permit after %v, want it after the hold", got)
		}
		if got := p.State(); got.Budget != 7 || got.RateBy != "ann" {
			t.Errorf("State() = budget %v by %q, want 7 by ann", got.Budget, got.RateBy)
		}
		w.lose()
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatalf("Wait() = %v, want no error", err)
		}
		if got := p.State(); got.Budget != 7 || got.RateBy != "ann" {
			t.Errorf("State() after the state was lost = budget %v by %q, want 7 by ann", got.Budget, got.RateBy)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
}

// every calls do again and again until the function that it returns is called.
func every(interval time.Duration, do func()) (stop func()) {
	tick, done := time.NewTicker(interval), make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() { tick.Stop(); close(done) }
}

func TestWaitEndsWithItsContextAndWithClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Settings{Host: host, Rate: 50, Worker: "a"}, NewLocal())
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait() with a context that ended = %v, want its error", err)
		}
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatalf("Wait() = %v, want no error", err)
		}
		if err := p.Backoff(t.Context(), Permit{}, time.Hour, false); err != nil {
			t.Fatalf("Backoff(1h) = %v, want nil", err)
		}
		waited := make(chan error)
		go func() {
			_, err := p.Wait(t.Context())
			waited <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
		}
		if err := <-waited; !errors.Is(err, ErrClosed) {
			t.Errorf("Wait() while the pacer is closed = %v, want ErrClosed", err)
		}
		if _, err := p.Wait(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Wait() after Close = %v, want ErrClosed", err)
		}
	})
}

func TestPermitsBecomeUnusable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		a := New(Settings{Host: host, Rate: 50, Worker: "a"}, l)
		b := New(Settings{Host: host, Rate: 50, Worker: "b"}, l)
		next := func() Permit {
			permit, err := a.Wait(t.Context())
			if err != nil || !a.Usable(permit) {
				t.Fatalf("Wait() = %+v, %v, want a usable permit", permit, err)
			}
			return permit
		}
		late := next()
		<-time.After(11 * time.Millisecond)
		if a.Usable(late) {
			t.Error("Usable() 11 ms after the permit was due = true, want false")
		}
		a.Unused(late)
		void := next()
		if err := b.Backoff(t.Context(), void, time.Second, false); err != nil {
			t.Errorf("Backoff(1s) = %v, want nil", err)
		}
		synctest.Wait()
		if a.Usable(void) {
			t.Error("Usable() after another worker's backoff = true, want false")
		}
		s := a.State()
		if s.Limit != harvest.LimitBackoff || time.Until(s.Until) < 990*time.Millisecond || s.Late < 1 {
			t.Errorf("State() = limit %q for %v, late %d, want backoff for 1s, late at least 1", s.Limit, time.Until(s.Until), s.Late)
		}
		if s.Rate != s.Budget {
			t.Errorf("State().Rate after a backoff without a cut = %v, want %v", s.Rate, s.Budget)
		}
		for _, p := range []*Pacer{a, b} {
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
		}
	})
}

// distant is a backend whose answers are under way for a while.
type distant struct {
	*Local
	way time.Duration
}

func (d distant) acquire(ctx context.Context, host string, a ask) (grant, error) {
	g, err := d.Local.acquire(ctx, host, a)
	<-time.After(d.way)
	return g, err
}

func TestAnswersWayCountsAsLateness(t *testing.T) {
	t.Parallel()
	for way, want := range map[time.Duration]time.Duration{
		0: 10 * time.Millisecond, 4 * time.Millisecond: 6 * time.Millisecond, 30 * time.Millisecond: 5 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := New(Settings{Host: host, Rate: 50, Worker: "a"}, distant{NewLocal(), way})
			permit, err := p.Wait(t.Context())
			if err != nil {
				t.Fatalf("Wait() = %v, want no error", err)
			}
			usable := func(after time.Duration) bool {
				<-time.After(time.Until(permit.Due.Add(after)))
				return p.Usable(permit)
			}
			early, late := usable(want-10*time.Microsecond), usable(want+time.Microsecond)
			if !early || late {
				t.Errorf("Usable() %v after the permit is due, the answer %v on its way = %v, then %v, want true, then false", want, way, early, late)
			}
			if err := p.Close(t.Context()); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
		})
	}
}

func TestFrozenWorkerCallsBeforeItSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		frozen := false
		f := launch(t, NewLocal(), Settings{Rate: 50}, 1, 40, 200, func(p *Pacer, permit Permit, i int) {
			p.Done(t.Context(), permit, true)
			if i != 65 {
				return
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.slots.left() < 10 {
				t.Errorf("slots in hand = %d, want most of a lease", p.slots.left())
			}
			p.began = p.began.Add(-200 * time.Millisecond) // for this process, time has passed at once
			frozen = p.dispatch(p.now()) == never && p.slots.left() == 0 && p.must
		})
		f.finish()
		if !frozen {
			t.Error("a worker that stood still for 0.2 s kept its slots, want a call first")
		}
	})
}

func TestCloseGivesUnusedSlotsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		f := launch(t, l, Settings{Rate: 50}, 1, 40, 1000, nil)
		a := f.pacers[0]
		for a.State().Used < 5 {
			<-time.After(time.Millisecond)
		}
		f.stops[0]()
		f.finish()
		began := time.Now()
		b := New(Settings{Host: host, Rate: 50, Worker: "b"}, l)
		if _, err := b.Wait(t.Context()); err != nil {
			t.Errorf("Wait() = %v, want no error", err)
		}
		if got := time.Since(began); got > 30*time.Millisecond {
			t.Errorf("first permit of another worker after a Close with about 35 slots in hand = %v later, want the next slot", got)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
}
