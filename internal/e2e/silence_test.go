//go:build prove

package e2e

import (
	"context"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// refusalOf waits for the injected refusal and returns when it came.
func (f *fleet) refusalOf(at int) time.Time {
	f.t.Helper()
	f.arrived(at, time.Minute)
	return f.api.Arrivals()[at-1].At
}

// silent fails the proof if anything arrived in the silence, except for what was in flight when it
// began.
func (f *fleet) silent(refused time.Time, silence time.Duration) {
	f.t.Helper()
	const flight = 250 * time.Millisecond // answer, report and the other workers' next permit
	if during := f.api.Between(refused.Add(flight), refused.Add(silence)); len(during) > 0 {
		f.t.Errorf("%d requests in the silence, the first %s after the refusal, want 0", len(during), during[0].At.Sub(refused))
	}
	late := f.api.Between(refused.Add(time.Nanosecond), refused.Add(flight))
	f.t.Logf("%d arrivals in the %s after the refusal, 0 wanted from then on", len(late), flight)
}

// TestRetryAfterIsKept: 429 with Retry-After 3 in the middle, four workers.
func TestRetryAfterIsKept(t *testing.T) {
	f := newFleet(t, 1500, fakeapi.Behaviour{Rate: 50, Latency: 20 * time.Millisecond, Faults: []fakeapi.Fault{
		{Kind: fakeapi.KindTooMany, At: []int{400}, Delay: 3 * time.Second},
	}})
	workers := f.shards(4)
	refused := f.refusalOf(400)
	f.arrived(600, time.Minute)
	f.silent(refused, 3*time.Second)
	over := refused.Add(3 * time.Second)
	first := len(f.api.Between(over, over.Add(time.Second)))
	fourth := len(f.api.Between(over.Add(3*time.Second), over.Add(4*time.Second)))
	t.Logf("after the silence: %d in the first second, %d in the fourth", first, fourth)
	if first > 35 {
		t.Errorf("%d requests in the first second after the silence, want a ramp from half the rate", first)
	}
	wantAll(workers, 0, 2*time.Minute)
	f.complete("proof", 1500)
}

// TestFlushallDoesNotEndASilence: Redis forgets everything inside a silence of 10 s.
func TestFlushallDoesNotEndASilence(t *testing.T) {
	f := newFleet(t, 1000, fakeapi.Behaviour{Rate: 50, Latency: 20 * time.Millisecond, Faults: []fakeapi.Fault{
		{Kind: fakeapi.KindTooMany, At: []int{300}, Delay: 10 * time.Second},
	}})
	workers := f.shards(4)
	refused := f.refusalOf(300)
	f.until("two seconds of silence", time.Minute, func() bool { return time.Since(refused) > 2*time.Second })
	if err := f.redis.Client(t).FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	f.until("the silence to be over", time.Minute, func() bool { return time.Since(refused) > 12*time.Second })
	f.silent(refused, 10*time.Second)
	wantAll(workers, 0, 2*time.Minute)
	if extra := f.api.Count() - f.api.Refused() - 1001; extra > 0 {
		t.Errorf("%d requests more than items: the flush led to refetches", extra)
	}
	f.complete("proof", 1000)
}
