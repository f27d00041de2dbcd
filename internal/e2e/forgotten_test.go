//go:build prove

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// by starts the worker of a shard whose Redis and store have these addresses.
func (f *fleet) by(redis, store, shard string) *worker {
	f.t.Helper()
	return f.run("--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof", "--rate", "50", "--redis", redis, "--store", store, "--shard", shard, "--user-agent", "shard "+shard)
}

func (f *fleet) flush() {
	f.t.Helper()
	if err := f.redis.Client(f.t).FlushAll(context.Background()).Err(); err != nil {
		f.t.Fatal(err)
	}
}

// after waits until d after an instant.
func (f *fleet) after(at time.Time, d time.Duration) {
	f.t.Helper()
	f.until(fmt.Sprintf("%s to pass", d), time.Minute, func() bool { return time.Since(at) > d })
}

// refusing is an upstream that asks for silence once, at a request of shard 0/4 when it is armed.
type refusing struct {
	armed   atomic.Bool
	at      atomic.Pointer[time.Time]
	silence time.Duration
}

func (r *refusing) answer(request *http.Request) *fakeapi.Reply {
	if request.UserAgent() != "shard 0/4" || !r.armed.CompareAndSwap(true, false) {
		return nil
	}
	now := time.Now()
	r.at.Store(&now)
	return &fakeapi.Reply{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {fmt.Sprint(int(r.silence.Seconds()))}}}
}

// TestKilledAndFlushedInASilence: all workers are killed and Redis is emptied inside a silence,
// then all start again.
func TestKilledAndFlushedInASilence(t *testing.T) {
	f := newFleet(t, 800, fakeapi.Behaviour{Latency: 20 * time.Millisecond, Faults: []fakeapi.Fault{
		{Kind: fakeapi.KindTooMany, At: []int{300}, Delay: 15 * time.Second},
	}})
	workers := f.shards(4)
	refused := f.refusalOf(300)
	f.after(refused, 2*time.Second)
	for _, w := range workers {
		w.kill()
	}
	f.flush()
	workers = f.shards(4)
	f.after(refused, 16*time.Second)
	f.silent(refused, 15*time.Second)
	wantAll(workers, 0, 2*time.Minute)
	f.complete("proof", 800)
}

// TestNewcomerInASilence: Redis is empty, the workers that know of the silence cannot reach it, and
// another worker starts.
func TestNewcomerInASilence(t *testing.T) {
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hangs %t", hang), func(t *testing.T) {
			f := newFleet(t, 800, fakeapi.Behaviour{Latency: 20 * time.Millisecond, Faults: []fakeapi.Fault{
				{Kind: fakeapi.KindTooMany, At: []int{200}, Delay: 15 * time.Second},
			}})
			way, redis := newLink(t, f.redis.URL)
			workers := []*worker{f.by(redis, f.pg.URL, "0/4"), f.by(redis, f.pg.URL, "1/4"), f.by(redis, f.pg.URL, "2/4")}
			refused := f.refusalOf(200)
			f.after(refused, 2*time.Second)
			heal := way.cut(hang)
			f.flush()
			workers = append(workers, f.start("--shard", "3/4"))
			f.after(refused, 10*time.Second)
			heal()
			f.after(refused, 16*time.Second)
			f.silent(refused, 15*time.Second)
			wantAll(workers, 0, 2*time.Minute)
			f.complete("proof", 800)
		})
	}
}

// TestRefusedWhileItsLinkIsCut: the link to Redis is cut for 1.5 s, and meanwhile a worker behind
// it is refused. No other worker can know before the link is back; from then on all are silent.
func TestRefusedWhileItsLinkIsCut(t *testing.T) {
	for _, c := range []struct{ hang, all bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("hangs %t, all %t", c.hang, c.all), func(t *testing.T) {
			upstream := &refusing{silence: 10 * time.Second}
			f := newFleet(t, 1000, fakeapi.Behaviour{Latency: 20 * time.Millisecond, Answer: upstream.answer})
			way, byway := newLink(t, f.redis.URL)
			others := f.redis.URL
			if c.all {
				others = byway
			}
			workers := []*worker{f.by(byway, f.pg.URL, "0/4"), f.by(others, f.pg.URL, "1/4"), f.by(others, f.pg.URL, "2/4"), f.by(others, f.pg.URL, "3/4")}
			f.arrived(200, time.Minute)
			heal := way.cut(c.hang)
			cut := time.Now()
			upstream.armed.Store(true)
			f.until("a refusal", 10*time.Second, func() bool { return upstream.at.Load() != nil })
			refused := *upstream.at.Load()
			f.after(cut, 1500*time.Millisecond)
			heal()
			healed := time.Now()
			f.after(refused, 11*time.Second)
			sent := f.api.Between(cut, refused)
			before := f.api.Between(refused.Add(time.Millisecond), healed)
			grace := f.api.Between(healed, healed.Add(300*time.Millisecond))
			during := f.api.Between(healed.Add(300*time.Millisecond), refused.Add(10*time.Second))
			t.Logf("refused %s after the cut and %d requests; %d until it was healed, %d in the 300 ms after that, %d until the end of the silence",
				refused.Sub(cut).Round(time.Millisecond), len(sent), len(before), len(grace), len(during))
			if len(during) > 0 || c.all && len(grace) > 0 {
				t.Errorf("%d and %d requests in the silence after the link was healed, want 0", len(grace), len(during))
			}
			wantAll(workers, 0, 2*time.Minute)
			f.complete("proof", 1000)
		})
	}
}

// TestPauseReachesAWorkerWithoutTheStore: a worker is cut off from PostgreSQL; the order reaches it
// through Redis.
func TestPauseReachesAWorkerWithoutTheStore(t *testing.T) {
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hangs %t", hang), func(t *testing.T) {
			f := newFleet(t, 1000, fakeapi.Behaviour{Latency: 20 * time.Millisecond})
			way, store := newLink(t, f.pg.URL)
			w := f.by(f.redis.URL, store, "0/1")
			f.arrived(100, time.Minute)
			heal := way.cut(hang)
			f.arrived(f.api.Count()+25, time.Minute) // it works without the store
			at := f.order("pause", "--redis", f.redis.URL)
			f.after(at, 6*time.Second)
			sent := len(f.api.Between(at.Add(time.Second), time.Now()))
			if sent > 0 {
				t.Errorf("%d requests from a second after the pause, want 0", sent)
			}
			heal()
			f.order("resume", "--redis", f.redis.URL)
			w.want(0, 2*time.Minute)
			t.Logf("%d requests from a second after the pause on", sent)
			f.complete("proof", 1000)
		})
	}
}
