package pace

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// cable is a backend whose link may be cut: calls hang, or fail at once.
type cable struct {
	*Local
	cut  atomic.Pointer[time.Time] // until then
	hang bool
}

func (c *cable) wait(ctx context.Context) error {
	until := c.cut.Load()
	if until == nil || !time.Now().Before(*until) {
		return nil
	}
	if !c.hang {
		return errors.New("connection refused")
	}
	select {
	case <-time.After(time.Until(*until)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cable) acquire(ctx context.Context, host string, a ask) (grant, error) {
	if err := c.wait(ctx); err != nil {
		return grant{}, err
	}
	return c.Local.acquire(ctx, host, a)
}

func (c *cable) backoff(ctx context.Context, host string, r report) (fact, error) {
	if err := c.wait(ctx); err != nil {
		return fact{}, err
	}
	return c.Local.backoff(ctx, host, r)
}

// A link to Redis is cut for all workers while one of them is refused. When the link is back, no
// worker sends before the refused one has had the time to report it.
func TestRefusedWhileTheLinkWasCut(t *testing.T) {
	t.Parallel()
	for _, hang := range []bool{true, false} {
		for _, length := range []time.Duration{800 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second} {
			t.Run(fmt.Sprintf("%v hanging %v", length, hang), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := &cable{Local: NewLocal(), hang: hang}
					var from, healed time.Time
					f := launch(t, c, Settings{Rate: 50}, 5, 10, 300, at(100, func(p *Pacer) {
						from = time.Now()
						healed = from.Add(length)
						c.cut.Store(&healed)
						go func() {
							<-time.After(length / 2)
							ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
							defer cancel()
							_ = p.Backoff(ctx, Permit{Epoch: p.epochNow()}, 10*time.Second, true)
						}()
					}))
					sent := f.finish()
					if got := between(sent, healed, from.Add(length/2+10*time.Second)); got != 0 {
						t.Errorf("requests after the link was whole again, in the silence = %d, want 0", got)
					}
					if got, want := worst(sent), bound(50); got > want {
						t.Errorf("worst second = %d requests, want at most %d", got, want)
					}
				})
			})
		}
	}
}

// The state is lost while the call of the worker that knows of a silence hangs: a newcomer waits
// for that call.
func TestNewcomerWaitsForCallsThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal()
		c := &cable{Local: l, hang: true}
		var from time.Time
		refused := make(chan struct{})
		f := launch(t, c, Settings{Rate: 50}, 1, 10, 200, at(100, func(p *Pacer) {
			from = time.Now()
			if err := p.Backoff(t.Context(), Permit{Epoch: p.epochNow()}, 20*time.Second, true); err != nil {
				t.Errorf("Backoff(20s) = %v, want nil", err)
			}
			close(refused)
		}))
		f.pacers[0].mu.Lock()
		f.pacers[0].grace = lostWait
		f.pacers[0].mu.Unlock()
		<-refused
		healed := time.Now().Add(2600 * time.Millisecond)
		c.cut.Store(&healed)
		l.mu.Lock()
		l.hosts[host].state = state{}
		l.mu.Unlock()
		late := New(Settings{Host: host, Rate: 50, Worker: "late"}, l)
		late.grace = lostWait
		f.pacers = append(f.pacers, late)
		for range 10 {
			f.all.Go(func() { f.send(t.Context(), late) })
		}
		sent := f.finish()
		if got := between(sent, from.Add(time.Microsecond), from.Add(20*time.Second)); got != 0 {
			t.Errorf("requests in a silence whose state was lost while the one that knows was cut off = %d, want 0", got)
		}
	})
}

func TestClockOfTheBackendJumpsInASilence(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second, -3 * time.Second, -900 * time.Millisecond} {
		for _, kind := range []string{"silence", "pause"} {
			t.Run(kind+" "+jump.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := NewLocal()
					clock := l.clock
					var off atomic.Int64
					l.clock = func() int64 { return clock() + off.Load() }
					var from time.Time
					f := launch(t, l, Settings{Rate: 50}, 4, 10, 150, at(100, func(p *Pacer) {
						from = time.Now()
						var err error
						if kind == "pause" {
							err = l.Hold(t.Context(), host, 10*time.Second)
						} else {
							err = p.Backoff(t.Context(), Permit{Epoch: p.epochNow()}, 10*time.Second, true)
						}
						if err != nil {
							t.Errorf("%s = %v, want nil", kind, err)
						}
						go func() {
							<-time.After(3 * time.Second)
							off.Store(jump.Microseconds())
						}()
					}))
					sent := f.finish()
					if got := between(sent, from.Add(time.Millisecond), from.Add(10*time.Second)); got != 0 {
						t.Errorf("requests in a %s of 10s in which the backend's clock jumped by %v = %d, want 0", kind, jump, got)
					}
					if got := gap(sent); got > 14*time.Second {
						t.Errorf("longest silence = %v, want about 10s", got)
					}
				})
			})
		}
	}
}

func TestEventsAreParsedStrictly(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]bool{"1 2 3": true, "": false, "1 2": false, "1 2 3 4": false, "1 2 x": false, strconv.Itoa(1) + "  2": false} {
		if _, ok := parseEvent(payload); ok != want {
			t.Errorf("parseEvent(%q) = %v, want %v", payload, ok, want)
		}
	}
}
