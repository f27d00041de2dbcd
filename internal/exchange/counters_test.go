package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// The rate of a busy worker is right from its second second on, and that of a slow API is not 0
// between two requests.
func TestRate(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(1_000_000+second, 0) }
	for _, test := range []struct {
		name  string
		sent  func(t *Counters)
		after int64
		want  float64
	}{
		{"nothing sent", func(*Counters) {}, 5, 0},
		{"two seconds old", func(t *Counters) { send(t, at(0), 50); send(t, at(1), 50) }, 2, 50},
		{"long at work", func(t *Counters) {
			for s := range int64(120) {
				send(t, at(s), 40)
			}
		}, 120, 40},
		{"six a minute", func(t *Counters) {
			for s := int64(0); s < 120; s += 10 {
				send(t, at(s), 1)
			}
		}, 115, 0.1},
	} {
		counters := NewCounters()
		test.sent(counters)
		if got := counters.Rate(at(test.after)); got != test.want {
			t.Errorf("Rate(%s) = %g, want %g", test.name, got, test.want)
		}
	}
}

func send(t *Counters, at time.Time, n int) {
	for range n {
		t.sent(at)
	}
}

// TestLagIsNoRefusal checks that only asking too fast counts as refused, whatever else silences the
// fleet.
func TestLagIsNoRefusal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		fault  harvest.Fault
		want   int64
	}{
		{"429", 429, harvest.FaultNone, 1}, {"403 with Retry-After", 403, harvest.FaultNone, 1}, {"200 ratelimited", 200, harvest.FaultRateLimited, 1},
		{"503 with Retry-After", 503, harvest.FaultNone, 0}, {"maxlag", 200, harvest.FaultLagged, 0}, {"a limit used up", 404, harvest.FaultNone, 0},
	} {
		d := retry.Decide(retry.Facts{
			Status: test.status, Fault: test.fault, Header: http.Header{"Retry-After": {"2"}}, Items: 1, Tries: 1, Now: time.Now(),
		}, retry.Policy{Retries: 5, MinPause: time.Second})
		if d.Pause <= 0 {
			t.Fatalf("%s: Decide() = %+v, want a silence", test.name, d)
		}
		counters := NewCounters()
		counters.Paused(time.Now(), d.Source, d.Pause, d.Cut)
		if sum := counters.Sum(); sum.Refused != test.want || len(sum.Pauses) != 1 {
			t.Errorf("%s: refused %d times in %d pauses, want %d in 1", test.name, sum.Refused, len(sum.Pauses), test.want)
		}
	}
}

// timerFake keeps what it was given.
type timerFake map[string]time.Duration

func (f timerFake) Took(stage string, took time.Duration) { f[stage] += took }

// TestTimerGetsEachPassage checks that a timer is given the stage and the time of each passage.
func TestTimerGetsEachPassage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timer := timerFake{}
		counters := NewTimed(timer)
		for _, took := range []time.Duration{time.Second, 2 * time.Second} {
			left := counters.Enter(harvest.StageLand)
			time.Sleep(took)
			left()
		}
		if timer[harvest.StageLand] != 3*time.Second || len(timer) != 1 {
			t.Errorf("the timer was given %v, want 3s of %s", timer, harvest.StageLand)
		}
	})
}

// TestTakeKeepsWhatTheFleetAsks checks that what other processes are to know of this one is in its
// report: budgets by their time, a lowered rate, the size of the corpus, the error that ended it.
func TestTakeKeepsWhatTheFleetAsks(t *testing.T) {
	t.Parallel()
	c := NewCounters()
	p := harvest.Progress{Started: time.Unix(999_999, 0), Now: time.Unix(1_000_000, 0), Budget: 50, Total: 30, Shard: harvest.Shard{Of: 4}}
	c.Take(p)
	p.Now, p.Lowered = p.Now.Add(2*time.Second), 48
	c.Take(p)
	p.Now, p.Budget = p.Now.Add(2*time.Second), 20
	c.Take(p)
	p.Now = p.Now.Add(3 * time.Second)
	c.EndedBy(&harvest.Detailed{Err: errors.New("refused"), Below: []string{"an example"}})
	s, _ := c.Take(p)
	if s.Budgets["50"] != 5 || s.Budgets["20"] != 3 || s.Lowered != 48 || s.Corpus != 120 || !s.Guess || s.EndedBy != "refused" {
		t.Errorf("Take() = budgets %v, lowered to %g, corpus %d (guess %v), ended by %q, want 5 s of 50 and 3 s of 20, 48, 120 (a guess), refused",
			s.Budgets, s.Lowered, s.Corpus, s.Guess, s.EndedBy)
	}
}

// TestNamesOfHeadersAreBounded: an upstream cannot make series without end.
func TestNamesOfHeadersAreBounded(t *testing.T) {
	t.Parallel()
	counters, total := NewCounters(), int64(0)
	for n := range 1000 {
		counters.misread([]string{fmt.Sprintf("X-Ratelimit-Reset-%d", n%500)})
	}
	all := counters.Sum().Malformed
	for _, n := range all {
		total += n
	}
	if len(all) != maxMisread+1 || all["X-Ratelimit-Reset-0"] != 2 || all[misreadAs] != 1000-2*maxMisread || total != 1000 {
		t.Errorf("Malformed = %v, want %d names and the rest as %s", all, maxMisread, misreadAs)
	}
}
