package pace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestForgedFieldBeginsANewState(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	ctx := t.Context()
	for _, field := range []string{"rid", "last", "epoch", "cut", "born", "until", "rate", "rate_by", "hold", "f", "f_at", "w", "top", "top_at",
		"good_at", "bad", "probe_at", "probe_n", "at", "muster", "sum"} {
		for _, value := range []string{"nan", "inf", "-inf", "-1", "0.5", "9223372036854775807", "1e300", "1700000000500000", "x", ""} {
			p := newPair(t, client)
			p.clock()
			a := ask{worker: "w", rate: 50, want: 10, ahead: horizon}
			first, err := p.redis.acquire(ctx, host, a)
			if err != nil {
				t.Fatalf("acquire() = %v, want no error", err)
			}
			if before := client.HGet(ctx, keys(host)[0], field).Val(); before == value {
				continue
			}
			if err := client.HSet(ctx, keys(host)[0], field, value).Err(); err != nil {
				t.Fatalf("HSET %s = %v, want no error", field, err)
			}
			p.now += 2_000_000
			p.clock()
			g, err := p.redis.acquire(ctx, host, a)
			if err != nil || g.born != p.now || g.n != 0 || g.epoch <= first.epoch || g.epoch > p.now+10 || g.rate != 50 || g.until != 0 || g.hold != 0 {
				t.Errorf("acquire() with %s set to %q = %+v, %v, want a new state that grants nothing at first", field, value, g, err)
			}
		}
	}
}

func TestForgedKeyOfAnotherTypeIsRemoved(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	ctx := t.Context()
	for i, key := range keys(host) {
		if i == 4 {
			continue // a channel
		}
		p := newPair(t, client)
		p.clock()
		if err := client.RPush(ctx, key, "x").Err(); err != nil {
			t.Fatalf("RPUSH %s = %v, want no error", key, err)
		}
		if g, err := p.redis.acquire(ctx, host, ask{worker: "w", rate: 50}); err != nil || g.born != p.now {
			t.Errorf("acquire() with a list at %s = %+v, %v, want a new state", key, g, err)
		}
	}
}

func TestForgedWorkersAreForgotten(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	ctx := t.Context()
	p := newPair(t, client)
	k := keys(host)
	script := `redis.call('ZADD', KEYS[2], '-inf', 'ghost', 0, 'old') redis.call('ZADD', KEYS[3], '+inf', 'ghost')
		redis.call('HSET', KEYS[4], 'ghost', '0.001', 'other', 'nan', 'third', '-5')`
	if err := client.Eval(ctx, script, k).Err(); err != nil && err.Error() != "redis: nil" {
		t.Fatalf("EVAL = %v, want no error", err)
	}
	var g grant
	for range 8 {
		p.clock()
		var err error
		if g, err = p.redis.acquire(ctx, host, ask{worker: "w", rate: 50, limit: 1}); err != nil {
			t.Fatalf("acquire() = %v, want no error", err)
		}
		p.now += 1_000_000
	}
	if g.standby || g.rate != 50 || g.active != 1 {
		t.Errorf("acquire() eight seconds after workers were forged = standby %v, rate %v, active %d, want false, 50, 1", g.standby, g.rate, g.active)
	}
}

// gap is the longest time between two requests.
func gap(sent []time.Time) time.Duration {
	longest := time.Duration(0)
	for i := range sent[1:] {
		longest = max(longest, sent[i+1].Sub(sent[i]))
	}
	return longest
}

func TestForgedEventsCostLittle(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	f := launch(t, NewRedis(client), Settings{Rate: 50}, 2, 10, 250, at(60, func(*Pacer) {
		now := time.Now().UnixMicro()
		for _, payload := range []string{
			"9223372036854775807 9223372036854775807 0", "9007199254740993 0 0", "-1 -1 -1", "nan nan nan", "x", "", "1 2", "1 2 3 4",
			fmt.Sprintf("%d %d %d", now+3_600_000_000, now+86_000_000_000, now), fmt.Sprintf("%d %d %d", now, now+86_000_000_000, int64(-1)<<62),
		} {
			if err := client.Publish(t.Context(), keys(host)[4], payload).Err(); err != nil {
				t.Errorf("PUBLISH = %v, want no error", err)
			}
		}
	}))
	sent := f.finish()
	if got, want := worst(sent), bound(50); got > want {
		t.Errorf("worst second = %d requests, want at most %d", got, want)
	}
	if got := gap(sent); got > 3*time.Second {
		t.Errorf("longest silence after forged events = %v, want a moment", got)
	}
}

// confirmed passes to every worker, again and again, what its store knows.
func confirmed(f *fleet, said func(i int) Known) (stop func()) {
	confirm := func() {
		for i, p := range f.pacers {
			s := said(i)
			s.Asked = time.Now()
			p.Confirm(s)
		}
	}
	confirm()
	return every(100*time.Millisecond, confirm)
}

// nothing is a store that knows of no order and no silence.
func nothing(int) Known { return Known{} }

func TestWhatTheStoreDoesNotConfirmEnds(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(l *Local) error{
		"a silence of 23 hours": func(l *Local) error {
			_, err := l.backoff(context.Background(), host, report{delay: (23 * time.Hour).Microseconds(), cut: true})
			return err
		},
		"a silence of 30 days": func(l *Local) error {
			_, err := l.backoff(context.Background(), host, report{delay: (30 * 24 * time.Hour).Microseconds()})
			return err
		},
		"a pause without an end": func(l *Local) error { return l.Hold(context.Background(), host, longest) },
		"a rate of one an hour":  func(l *Local) error { return l.SetRate(context.Background(), host, 1.0/3600, "mallory") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLocal()
				f := launch(t, l, Settings{Rate: 50}, 3, 10, 300, at(100, func(*Pacer) {
					if err := forge(l); err != nil {
						t.Errorf("forge() = %v, want nil", err)
					}
				}))
				stop := confirmed(f, nothing)
				sent := f.finish()
				stop()
				if got := gap(sent); got > 8*time.Second {
					t.Errorf("longest silence = %v, want seconds", got)
				}
				if got, want := worst(sent), bound(50); got > want {
					t.Errorf("worst second = %d requests, want at most %d", got, want)
				}
			})
		})
	}
}

func TestForgedRateNeverExceedsTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		f := launch(t, l, Settings{Rate: 50}, 3, 10, 400, at(100, func(*Pacer) {
			if err := l.SetRate(context.Background(), host, 100_000, "mallory"); err != nil {
				t.Errorf("SetRate() = %v, want nil", err)
			}
		}))
		stop := confirmed(f, nothing)
		sent := f.finish()
		stop()
		if got, want := worst(sent), bound(50); got > want {
			t.Errorf("worst second = %d requests, want at most %d", got, want)
		}
	})
}

// One worker was asked for silence and cannot reach the store, so the others doubt it. It insists,
// and no request is sent meanwhile.
func TestSilenceThatAWorkerIsSureOfOutlivesDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var from time.Time
		f := launch(t, NewLocal(), Settings{Rate: 50}, 3, 10, 200, at(100, func(p *Pacer) {
			from = time.Now()
			if err := p.Backoff(t.Context(), Permit{Epoch: p.epochNow()}, time.Minute, true); err != nil {
				t.Errorf("Backoff(1m) = %v, want nil", err)
			}
		}))
		stop := confirmed(f, nothing)
		sent := f.finish()
		stop()
		if got := between(sent, from.Add(time.Microsecond), from.Add(time.Minute)); got != 0 {
			t.Errorf("requests in a silence that the store does not know of = %d, want 0", got)
		}
		if got := gap(sent); got > 65*time.Second {
			t.Errorf("longest silence = %v, want a minute", got)
		}
	})
}

func TestLiftedSilenceEndsForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var from atomic.Pointer[time.Time]
		f := launch(t, NewLocal(), Settings{Rate: 50}, 3, 10, 200, at(100, func(p *Pacer) {
			now := time.Now()
			from.Store(&now)
			if err := p.Backoff(t.Context(), Permit{Epoch: p.epochNow()}, time.Hour, true); err != nil {
				t.Errorf("Backoff(1h) = %v, want nil", err)
			}
		}))
		// Five seconds later an operator ends it. The last worker learns of that 0.4 s after the
		// first.
		stop := confirmed(f, func(i int) Known {
			began := from.Load()
			switch {
			case began == nil:
				return Known{}
			case time.Since(*began) < 5*time.Second+time.Duration(i)*200*time.Millisecond:
				return Known{Silence: time.Until(began.Add(time.Hour))}
			}
			return Known{Lifted: began.Add(5 * time.Second)}
		})
		sent := f.finish()
		stop()
		if got := gap(sent); got < 5*time.Second || got > 7*time.Second {
			t.Errorf("longest silence = %v, want the 5 s until an operator ended it", got)
		}
	})
}

func TestLostStateWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		f := launch(t, l, Settings{Rate: 50}, 1, 10, 200, nil)
		p := f.pacers[0]
		p.Confirm(Known{Asked: time.Now()})
		<-time.After(3 * time.Second)
		l.mu.Lock()
		l.hosts[host].state = state{}
		l.mu.Unlock()
		lost := time.Now()
		<-time.After(5 * time.Second)
		p.Confirm(Known{Asked: lost.Add(-time.Second), Silence: 0}) // asked before the loss: it may be old
		<-time.After(5 * time.Second)
		p.Confirm(Known{Asked: time.Now(), Silence: 7 * time.Second})
		sent := f.finish()
		if got := between(sent, lost.Add(time.Second), lost.Add(17*time.Second)); got != 0 {
			t.Errorf("requests after a loss, before the store was asked and in the silence that it knows of = %d, want 0", got)
		}
		if got := gap(sent); got > 19*time.Second {
			t.Errorf("longest silence = %v, want 17 s", got)
		}
	})
}

// keeper is a store of silences.
type keeper func(host string, length time.Duration) error

func (k keeper) Silence(_ context.Context, host string, length time.Duration) error {
	return k(host, length)
}

func TestSilenceIsKeptInTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		var mu sync.Mutex
		var kept []time.Duration
		p := New(Settings{Host: host, Rate: 50, Worker: "a", Silences: keeper(func(of string, silence time.Duration) error {
			if tries.Add(1) < 3 {
				return errors.New("the store is away")
			}
			if of != host {
				t.Errorf("Silence(%s), want it for %s", of, host)
			}
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, silence)
			return nil
		})}, NewLocal())
		backoff := func(delay time.Duration) {
			if err := p.Backoff(t.Context(), Permit{}, delay, true); err != nil {
				t.Errorf("Backoff(%v) = %v, want nil", delay, err)
			}
		}
		backoff(900 * time.Millisecond) // too short to outlive a restart
		for range 40 {
			backoff(time.Minute)
			<-time.After(time.Millisecond)
		}
		<-time.After(2 * time.Second)
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		if len(kept) == 0 || len(kept) > 2 || kept[len(kept)-1] < 58*time.Second || kept[len(kept)-1] > time.Minute {
			t.Errorf("silences kept after 40 refusals of one burst and two failures of the store = %v, want one or two of what is left of a minute", kept)
		}
	})
}

func TestNoSilenceIsLongerThanTheMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := New(Settings{Host: host, Rate: 50, Worker: "a", MaxSilence: time.Hour}, NewLocal())
		if err := p.Backoff(t.Context(), Permit{}, 1e18, true); err != nil {
			t.Errorf("Backoff(1e18) = %v, want nil", err)
		}
		began := time.Now()
		if _, err := p.Wait(t.Context()); err != nil {
			t.Errorf("Wait() = %v, want no error", err)
		}
		if got := time.Since(began); got > time.Hour+5*time.Second {
			t.Errorf("silence = %v, want an hour", got)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
}
